"""Parent orders: one wish that becomes several orders, kept as a record of our own because no exchange knows it.

An OCO has two legs, sent together, of which one is to fill. An iceberg shows a part of its quantity at a time; TWAP
and VWAP spread theirs over time. A trim is nobody's wish: it takes back what an exit and a turning order, under way at
the same time, have opened between them. Whatever the kind: what its children have filled, may still fill, or may have
filled without our knowing never exceeds the parent's quantity.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import Purpose, TimeInForce
from src.domain.shared.errors import InvariantViolated


class ParentKind(StrEnum):
    """How a parent becomes orders."""

    OCO = "OCO"
    ICEBERG = "ICEBERG"
    TWAP = "TWAP"
    VWAP = "VWAP"
    TRIM = "TRIM"


class ParentStatus(StrEnum):
    """Where a parent stands. CANCELING and EXPIRING wait for the end of its last children."""

    WORKING = "WORKING"
    PAUSED = "PAUSED"
    CANCELING = "CANCELING"
    EXPIRING = "EXPIRING"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def is_over(self) -> bool:
        """Whether nothing of it can still be sent or is still open."""
        return self in _OVER


_OVER = frozenset({ParentStatus.FILLED, ParentStatus.CANCELED, ParentStatus.EXPIRED})


class ParentTrigger(StrEnum):
    """What moves a parent. SETTLE is the end of the last child of one that is ending."""

    PAUSE = "PAUSE"
    RESUME = "RESUME"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"
    COMPLETE = "COMPLETE"
    SETTLE = "SETTLE"


_S = ParentStatus
_T = ParentTrigger

PARENT_TRANSITIONS: Final[Mapping[ParentStatus, Mapping[ParentTrigger, ParentStatus]]] = {
    _S.WORKING: {
        _T.PAUSE: _S.PAUSED,
        _T.RESUME: _S.WORKING,  # asked for twice
        _T.CANCEL: _S.CANCELING,
        _T.EXPIRE: _S.EXPIRING,
        _T.COMPLETE: _S.FILLED,
    },
    _S.PAUSED: {
        _T.PAUSE: _S.PAUSED,  # asked for twice
        _T.RESUME: _S.WORKING,
        _T.CANCEL: _S.CANCELING,
        _T.EXPIRE: _S.EXPIRING,
        _T.COMPLETE: _S.FILLED,
    },
    _S.CANCELING: {
        _T.CANCEL: _S.CANCELING,  # asked for twice
        # A fill was faster than the cancel.
        _T.COMPLETE: _S.FILLED,
        _T.SETTLE: _S.CANCELED,
    },
    _S.EXPIRING: {
        _T.CANCEL: _S.CANCELING,
        _T.COMPLETE: _S.FILLED,
        _T.SETTLE: _S.EXPIRED,
    },
    _S.FILLED: {},
    _S.CANCELED: {},
    _S.EXPIRED: {},
}


@dataclass(frozen=True, slots=True)
class ParentTicket:
    """A parent in full detail: quantities in base asset, prices in quote asset per base asset, session time in ms.

    Without ``limit_price`` children trade at the market. ``slices`` of equal length lie between ``start_ms`` and
    ``end_ms``; ``weights`` are their shares of a VWAP, in any unit. ``visible_quantity`` is what an iceberg shows.
    ``legs`` are the two tickets of an OCO. ``keeps`` is what a trim leaves of the position (base asset, unsigned).
    Raises :class:`InvariantViolated` for what makes no sense.
    """

    kind: ParentKind
    symbol: str
    side: OrderSide
    quantity: Decimal
    purpose: Purpose
    strategy_id: str
    reference_price: Decimal
    limit_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool = False
    position_side: PositionSide = PositionSide.BOTH
    start_ms: int = 0
    end_ms: int = 0
    slices: int = 0
    weights: tuple[Decimal, ...] = ()
    visible_quantity: Decimal | None = None
    legs: tuple[OrderTicket, ...] = ()
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    reason: str = ""
    keeps: Decimal | None = None

    def __post_init__(self) -> None:
        if not self.quantity.is_finite() or self.quantity <= 0:
            raise InvariantViolated(f"an order needs a quantity above zero, not {self.quantity}")
        if self.kind is ParentKind.OCO:
            self._check_legs()
        elif self.kind is ParentKind.ICEBERG:
            shown = self.visible_quantity
            if shown is None or not 0 < shown < self.quantity:
                raise InvariantViolated(
                    "an iceberg shows a part of its quantity: above zero and below the whole"
                )
            if self.limit_price is None:
                raise InvariantViolated("an iceberg needs a limit price")
        elif self.kind is ParentKind.TRIM:
            if self.keeps is None or self.keeps < 0 or not self.reduce_only:
                raise InvariantViolated("a trim only reduces, and says how much it leaves")
        else:
            self._check_schedule()

    def _check_legs(self) -> None:
        if len(self.legs) != 2:
            raise InvariantViolated(f"an OCO has two legs, not {len(self.legs)}")
        for leg in self.legs:
            same = (leg.symbol, leg.side, leg.quantity, leg.reduce_only, leg.position_side)
            if same != (self.symbol, self.side, self.quantity, self.reduce_only, self.position_side):
                raise InvariantViolated("both legs of an OCO trade the same quantity, in the same direction")

    def _check_schedule(self) -> None:
        if self.slices < 1 or self.end_ms - self.start_ms < self.slices:
            raise InvariantViolated("a schedule needs at least one slice, and a millisecond for each")
        if self.kind is ParentKind.VWAP and len(self.weights) != self.slices:
            raise InvariantViolated("a VWAP needs a weight for each slice")
        if self.weights and (min(self.weights) < 0 or not sum(self.weights)):
            raise InvariantViolated("weights are not negative, and not all of them are zero")


@dataclass(slots=True)
class ParentOrder:
    """A parent and what became of it; belongs to the ledger, which alone changes it.

    ``filled_quantity`` (base asset) and ``filled_cost`` (quote asset) are the sums of its children's fills.
    ``slices_done`` counts the slices that had their child, or were held back; ``next_ms`` is the session time before
    which no child is tried again. ``replaced`` names the leg of an OCO that makes room for a smaller one.
    """

    parent_id: str
    ticket: ParentTicket
    session_id: str
    intent: int
    created_ms: int
    status: ParentStatus = ParentStatus.WORKING
    filled_quantity: Decimal = ZERO
    filled_cost: Decimal = ZERO
    slices_done: int = 0
    next_ms: int = 0
    replaced: str = ""
    updated_ms: int = 0
    reason: str = ""
    children: dict[str, Order] = field(default_factory=dict)
    """Its orders in the working set; settled ones have left."""

    def slice_at(self, now_ms: int) -> int:
        """The number of the slice that ``now_ms`` (session time) lies in, from 0; -1 before the first.

        The last one stays current after the end. A parent without a schedule has none.
        """
        ticket = self.ticket
        if not ticket.slices:
            return -1
        into = (now_ms - ticket.start_ms) * ticket.slices // (ticket.end_ms - ticket.start_ms)
        return max(-1, min(ticket.slices - 1, into))

    @property
    def unsent_quantity(self) -> Decimal:
        """What no child has filled, may fill, or may have filled without our knowing yet; base asset."""
        return self.ticket.quantity - self.filled_quantity - self.outstanding_quantity

    @property
    def outstanding_quantity(self) -> Decimal:
        """What children may still fill, or are said to have filled without a trade so far; base asset."""
        return sum((outstanding(order) for order in self.children.values()), ZERO)

    @property
    def is_working(self) -> bool:
        """Whether it may still send children."""
        return self.status in (ParentStatus.WORKING, ParentStatus.PAUSED)

    @property
    def is_settled(self) -> bool:
        """Over, with every child over and booked."""
        return self.status.is_over and all(order.is_settled for order in self.children.values())

    @property
    def reserved_quantity(self) -> Decimal:
        """What it may still send beside what its children have reserved themselves; base asset.

        The legs of an OCO are sent together, and what can only shrink a position reserves nothing.
        """
        ticket = self.ticket
        if ticket.reduce_only or ticket.kind is ParentKind.OCO or not self.is_working:
            return ZERO
        return max(ZERO, self.unsent_quantity)

    @property
    def average_price(self) -> Decimal | None:
        """Mean fill price, quote asset per base asset; None before the first fill."""
        return self.filled_cost / self.filled_quantity if self.filled_quantity else None


def outstanding(order: Order) -> Decimal:
    """What an order may still fill, or has filled as far as the exchange says and we have not booked yet."""
    return max(order.exposed_quantity - order.filled_quantity, order.claimed_quantity - order.filled_quantity)
