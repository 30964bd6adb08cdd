"""A ticket is a wish in full detail; an attempt is its one transmission, fixed before any byte leaves."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import ZERO
from src.domain.orders.types import LIMITED, TRIGGERED, OrderType, Purpose, TimeInForce, WorkingType
from src.domain.shared.errors import InvariantViolated
from src.domain.shared.making import maker

SIGNED_AHEAD_MS: Final = 1_000
"""The exchange takes a request that is signed up to so many ms ahead of its own clock (-1021 beyond it)."""


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """What is to be ordered: quantity in base asset, prices in quote asset per base asset.

    ``reference_price`` is the price the ticket was sized at (quote asset per base asset): exposure is reserved at
    the worse of it and the limit price. ``stop_loss_price`` and ``take_profit_price`` ask for protection of the
    position that a fill of this ticket opens. ``close_position`` closes whatever is held when it triggers; its
    quantity is what was held when it was worded. ``good_till_ms`` (venue time) ends a GTD order. A trailing stop
    follows the best price since ``activation_price`` (at once without one) at ``callback_pct`` of it (0.01 is one
    percent). ``parent_id`` names the parent order that the ticket is a part of.
    Raises :class:`InvariantViolated` for a ticket that no exchange could understand.
    """

    symbol: str
    side: OrderSide
    order_type: OrderType
    quantity: Decimal
    purpose: Purpose
    strategy_id: str
    reference_price: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool = False
    position_side: PositionSide = PositionSide.BOTH
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    reason: str = ""
    close_position: bool = False
    good_till_ms: int | None = None
    activation_price: Decimal | None = None
    callback_pct: Decimal | None = None
    parent_id: str | None = None

    def __post_init__(self) -> None:
        quantity, kind = self.quantity, self.order_type
        limit, stop = self.limit_price, self.stop_price
        activation, callback = self.activation_price, self.callback_pct
        if not quantity.is_finite() or quantity <= ZERO:
            raise InvariantViolated(f"an order needs a quantity above zero, not {quantity}")
        _check_price(self.reference_price)
        others = (limit, stop, self.stop_loss_price, self.take_profit_price, activation, callback)
        if others != _NONE_OF_THEM:
            for price in others:
                if price is not None:
                    _check_price(price)
        if (kind in LIMITED) is (limit is None):
            raise InvariantViolated("a LIMIT order needs a limit price, and no other order has one")
        if (kind in TRIGGERED) is (stop is None):
            raise InvariantViolated("a conditional order needs a stop price, and no other order has one")
        trailing = kind is _TRAILING
        if trailing is (callback is None) or (activation is not None and not trailing):
            raise InvariantViolated("a trailing stop needs a callback, and no other order has one")
        if (self.time_in_force is _GTD) is (self.good_till_ms is None):
            raise InvariantViolated("a GTD order needs a date to end at, and no other order has one")
        if self.close_position and not (self.reduce_only and kind in _MAY_CLOSE):
            raise InvariantViolated("only a reduce-only STOP_MARKET or TAKE_PROFIT_MARKET closes a position")

    @property
    def trades_at_once(self) -> bool:
        """Whether the order trades as soon as it arrives, as far as it goes, and is over then."""
        kind = self.order_type
        return kind is _MARKET or (kind is _PLAIN_LIMIT and self.time_in_force in _AT_ONCE)


# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_MARKET: Final = OrderType.MARKET
_PLAIN_LIMIT: Final = OrderType.LIMIT
_TRAILING: Final = OrderType.TRAILING_STOP_MARKET
_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_GTD: Final = TimeInForce.GTD
_NONE_OF_THEM: Final = (None,) * 6
_MAY_CLOSE: Final = frozenset({OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET})


def _check_price(price: Decimal) -> None:
    if not price.is_finite() or price <= ZERO:
        raise InvariantViolated(f"a price of an order is a number above zero, not {price}")


make_ticket: Final = maker(OrderTicket)


@dataclass(frozen=True, slots=True)
class Amendment:
    """One transmission of a wish for another limit price and total quantity of a resting order; never repeated.

    ``quantity`` counts what is filled already. Like an attempt, it is refused by the exchange itself after
    ``deadline_ms`` (venue time); before that it may still arrive.
    """

    symbol: str
    side: OrderSide
    client_order_id: str
    limit_price: Decimal
    quantity: Decimal
    timestamp_ms: int
    recv_window_ms: int

    @property
    def deadline_ms(self) -> int:
        """The last venue millisecond at which the exchange may accept this amendment."""
        return self.timestamp_ms + self.recv_window_ms


@dataclass(frozen=True, slots=True)
class Attempt:
    """One transmission of a ticket: never changed, never repeated.

    ``timestamp_ms`` is venue time; after ``deadline_ms`` the exchange itself refuses the request (-1021, -5028),
    which is what makes a negative conclusion possible at all.
    """

    client_order_id: str
    timestamp_ms: int
    recv_window_ms: int

    @property
    def deadline_ms(self) -> int:
        """The last venue millisecond at which the exchange may accept this attempt."""
        return self.timestamp_ms + self.recv_window_ms


make_attempt: Final = maker(Attempt)
