"""An instrument and the filters its exchange puts on orders.

The rules are those of Binance USDⓈ-M futures (PRICE_FILTER, LOT_SIZE, MARKET_LOT_SIZE, MIN_NOTIONAL,
PERCENT_PRICE, MAX_NUM_ORDERS): the exchange never rounds, it refuses; so we round before we send, never upward
in risk, and ask :meth:`Instrument.objection_to` before we do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from src.domain.money import is_multiple_of, round_down_to_step, round_up_to_step


@dataclass(frozen=True, slots=True)
class Instrument:
    """A perpetual future. Prices are quote asset per base asset, quantities base asset, notionals quote asset."""

    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal
    step_size: Decimal
    quantity_min: Decimal
    quantity_max: Decimal
    market_quantity_max: Decimal
    price_min: Decimal
    price_max: Decimal
    notional_min: Decimal
    price_precision: int
    quantity_precision: int
    percent_price_up: Decimal = Decimal("1.05")
    percent_price_down: Decimal = Decimal("0.95")
    market_take_bound: Decimal = Decimal("0.05")
    orders_max: int = 200
    maker_rate: Decimal = Decimal("0.0002")
    taker_rate: Decimal = Decimal("0.0005")
    maintenance_rate: Decimal = Decimal("0.004")
    leverage_max: int = 125
    margin_asset: str = "USDT"

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """The quantity on the step grid, never more than asked."""
        return round_down_to_step(quantity, self.step_size)

    def covering_quantity(self, quantity: Decimal) -> Decimal:
        """The smallest quantity of an order that takes all of it; only for orders that are capped at what is held.

        A position lies between two steps, or below the smallest order, when the exchange has raised them, and could not
        be left otherwise. Nothing to take stays nothing.
        """
        if quantity <= 0:
            return quantity
        return round_up_to_step(max(quantity, self.quantity_min), self.step_size)

    @property
    def market_part_max(self) -> Decimal:
        """The largest quantity of a market order: the largest that is allowed may lie between two steps."""
        return self.round_quantity(self.market_quantity_max) or self.market_quantity_max

    def closing_parts(self, quantity: Decimal) -> Iterator[Decimal]:
        """Quantities of market orders that together take all of it, as those of :meth:`covering_quantity` do."""
        while quantity > 0:
            part = min(self.covering_quantity(quantity), self.market_part_max)
            yield part
            quantity -= part

    def objection_to(
        self, quantity: Decimal, limit_price: Decimal | None, reference_price: Decimal, reduce_only: bool
    ) -> str | None:
        """Say which filter such an order breaks, or None.

        ``limit_price`` is None for a market order, whose notional is taken at ``reference_price`` (mark price).
        Reduce-only orders are exempt from the smallest notional.
        """
        quantity_max = self.quantity_max if limit_price is not None else self.market_quantity_max
        if quantity < self.quantity_min:
            return f"quantity {quantity:f} is below the smallest, {self.quantity_min:f}"
        if quantity > quantity_max:
            return f"quantity {quantity:f} is above the largest, {quantity_max:f}"
        if not is_multiple_of(quantity, self.step_size):
            return f"quantity {quantity:f} is off the step of {self.step_size:f}"
        if limit_price is not None:
            if not self.price_min <= limit_price <= self.price_max:
                return f"price {limit_price:f} is outside {self.price_min:f} to {self.price_max:f}"
            if not is_multiple_of(limit_price, self.tick_size):
                return f"price {limit_price:f} is off the tick of {self.tick_size:f}"
        notional = quantity * (limit_price if limit_price is not None else reference_price)
        if not reduce_only and notional < self.notional_min:
            return f"notional {notional:f} is below the smallest, {self.notional_min:f}"
        return None
