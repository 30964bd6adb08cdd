"""Orders as callers of the library get them: a copy, so that nobody changes the ledger by accident."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Self

from src.domain.orders.order import Order


@dataclass(slots=True)
class LibraryOrder(Order):
    """An order at one moment; ``get_order`` gives a newer copy. ``leverage`` is the session's."""

    leverage: int = 1

    @classmethod
    def of(cls, order: Order, leverage: int) -> Self:
        """A copy of an order."""
        values = {each.name: getattr(order, each.name) for each in fields(Order)}
        values["trade_ids"] = set(order.trade_ids)
        return cls(**values, leverage=leverage)

    @property
    def price(self) -> Decimal | None:
        """The limit price, or what triggers the order; None for one at the market (quote asset per base asset)."""
        return self.ticket.limit_price or self.ticket.stop_price

    @property
    def margin_required(self) -> Decimal:
        """Initial margin of what may still be filled: its value at the order's price over the leverage, quote asset.

        An order that only reduces a position needs none.
        """
        if self.ticket.reduce_only:
            return Decimal(0)
        return self.remaining_quantity * (self.price or self.ticket.reference_price) / self.leverage
