"""What happened to orders: ours, their parents, and the protection of positions."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.parents import ParentTicket, ParentTrigger
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import AttemptTrigger, ModifyTrigger, OrderTrigger
from src.domain.orders.types import Purpose
from src.domain.shared.making import maker


@dataclass(frozen=True, slots=True)
class SignalNote:
    """The signal an order rests on, with the numbers it was made from."""

    signal_type: str
    confidence: Decimal
    reason: str
    numbers: tuple[tuple[str, Decimal], ...]


make_signal_note: Final = maker(SignalNote)


@dataclass(frozen=True, slots=True)
class OrderIntended:
    """An order was decided: intent, attempt and reservation in one record, durable before any byte leaves."""

    intent: int
    ticket: OrderTicket
    attempt: Attempt
    session_id: str
    signal: SignalNote | None = None


make_order_intended: Final = maker(OrderIntended)


@dataclass(frozen=True, slots=True)
class OrderDenied:
    """A rule said no before anything was sent."""

    symbol: str
    side: OrderSide
    quantity: Decimal
    strategy_id: str
    rule: str
    value: str
    limit: str
    text: str


@dataclass(frozen=True, slots=True)
class AttemptMoved:
    """Evidence about the one transmission of an order."""

    client_order_id: str
    trigger: AttemptTrigger
    exchange_order_id: int | None = None
    algo_id: int | None = None
    code: int = 0
    reason: str = ""


make_attempt_moved: Final = maker(AttemptMoved)


@dataclass(frozen=True, slots=True)
class OutcomeDoubted:
    """One more read of the exchange shows no trace of an attempt of unknown outcome: what is known of it by now.

    ``arrives_until_ms`` is the last venue millisecond at which the exchange may still accept it, its margin included.
    ``reads`` counts the agreeing reads since then by this process, the first and the last of them at ``first_ms`` and
    ``last_ms`` (lower bounds of venue time). ``fence_ms`` is the latest event of an own order on a stream that has
    not broken since the attempt was sent, None when there is no such stream or event.
    """

    client_order_id: str
    reads: int
    first_ms: int
    last_ms: int
    arrives_until_ms: int
    fence_ms: int | None = None


@dataclass(frozen=True, slots=True)
class OutcomeReleased:
    """A person declared an attempt of unknown outcome dead, without proof; the reservation goes with it."""

    client_order_id: str
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderMoved:
    """The exchange said how the order stands; ``claimed_quantity`` is what it says is filled (base asset)."""

    client_order_id: str
    trigger: OrderTrigger
    claimed_quantity: Decimal
    at_ms: int
    exchange_order_id: int | None = None
    algo_id: int | None = None
    reason: str = ""


make_order_moved: Final = maker(OrderMoved)


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The end of an order was asked for; durable before the request leaves."""

    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModifyRequested:
    """Another price and total quantity of an order was asked for; durable before the request leaves.

    ``deadline_ms`` is the last venue millisecond at which the exchange may accept it.
    """

    client_order_id: str
    limit_price: Decimal
    quantity: Decimal
    deadline_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class ModifyMoved:
    """Evidence about an amendment; with DONE the order has the price and quantity of ``ModifyRequested`` now.

    ``at_ms`` is the venue time of the exchange's word that proves it, 0 without such a word.
    """

    client_order_id: str
    trigger: ModifyTrigger
    reason: str = ""
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class TermsChanged:
    """The exchange shows another price or total quantity of an order since ``at_ms`` (venue time), and it is not ours.

    Somebody else amended the order, or an amendment of ours was taken for one that never happened.
    """

    client_order_id: str
    limit_price: Decimal
    quantity: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class ProtectionWaived:
    """A person ended the stop or the target of a position: there is to be none until somebody says otherwise."""

    symbol: str
    position_side: PositionSide
    purpose: Purpose
    reason: str


@dataclass(frozen=True, slots=True)
class ProtectionRestored:
    """A position is to have its protective orders again; prices are the new ones, None leaves the policy's."""

    symbol: str
    position_side: PositionSide
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ParentOpened:
    """A parent order was accepted: an OCO, an iceberg, a TWAP or a VWAP."""

    parent_id: str
    intent: int
    ticket: ParentTicket
    session_id: str


@dataclass(frozen=True, slots=True)
class ParentMoved:
    """A parent's state machine took a step."""

    parent_id: str
    trigger: ParentTrigger
    reason: str


@dataclass(frozen=True, slots=True)
class ChildHeldBack:
    """A parent's next child was not sent; none is tried before ``next_ms`` (session time)."""

    parent_id: str
    next_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class LegReplaced:
    """A leg of an OCO is being ended, so that a smaller one takes its place."""

    parent_id: str
    client_order_id: str


@dataclass(frozen=True, slots=True)
class BreachFound:
    """An order that was proven dead, or was refused, lives (I9): the count of these is published."""

    client_order_id: str
