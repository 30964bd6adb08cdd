"""What happened, in the past tense: the kinds of record of the journal.

Every field is text, a whole number, a Decimal, an enum, a truth value, None, or a tuple or frozen dataclass of
these, so that one codec writes them all canonically. Money is in quote asset unless a field names its asset.
"""

from dataclasses import dataclass
from decimal import Decimal

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.parents import ParentTicket, ParentTrigger
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import AttemptTrigger, ModifyTrigger, OrderTrigger
from src.domain.orders.types import Purpose
from src.domain.sessions.session import SessionOptions, SessionTrigger
from src.domain.sessions.trading_states import SymbolState, TradingTrigger


@dataclass(frozen=True, slots=True)
class AccountOpened:
    """The first record of every journal."""

    account_id: str
    namespace: str
    exchange: str
    settle_asset: str


@dataclass(frozen=True, slots=True)
class EpochStarted:
    """A process took the lease: everything after it is that process's."""

    epoch: int


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A session was created."""

    session_id: str
    options: SessionOptions


@dataclass(frozen=True, slots=True)
class SessionMoved:
    """The session's state machine took a step."""

    session_id: str
    trigger: SessionTrigger
    reason: str


@dataclass(frozen=True, slots=True)
class TradingMoved:
    """The account's trading state took a step; ``author`` says who wanted it."""

    trigger: TradingTrigger
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class SymbolMoved:
    """A symbol was restricted or freed."""

    symbol: str
    state: SymbolState
    reason: str


@dataclass(frozen=True, slots=True)
class DayStarted:
    """A new venue day (UTC, days since the epoch) began with this equity."""

    day: int
    equity: Decimal


@dataclass(frozen=True, slots=True)
class EquityMarked:
    """The equity at a moment: the points of the equity curve, and what drawdown is measured from."""

    wallet: Decimal
    unrealized_pnl: Decimal
    exposure: Decimal


@dataclass(frozen=True, slots=True)
class SignalNote:
    """The signal an order rests on, with the numbers it was made from."""

    signal_type: str
    confidence: Decimal
    reason: str
    numbers: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class OrderIntended:
    """An order was decided: intent, attempt and reservation in one record, durable before any byte leaves."""

    intent: int
    ticket: OrderTicket
    attempt: Attempt
    session_id: str
    signal: SignalNote | None = None


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


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The end of an order was asked for; durable before the request leaves."""

    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class CancelWithdrawn:
    """The request to cancel came to nothing; the order stands as the exchange says."""

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
    """Evidence about an amendment; with DONE the order has the price and quantity of ``ModifyRequested`` now."""

    client_order_id: str
    trigger: ModifyTrigger
    reason: str = ""


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
class RawReceived:
    """A user-stream event exactly as it came, journalled before it is interpreted."""

    stream_epoch: int
    raw: str


@dataclass(frozen=True, slots=True)
class FillBooked:
    """A trade of the exchange entered the books; (account, symbol, trade_id) is unique.

    ``client_order_id`` is empty for a trade of an order that is not ours.
    """

    client_order_id: str
    symbol: str
    trade_id: int
    exchange_order_id: int
    side: OrderSide
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    realized_pnl: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    traded_ms: int
    strategy_id: str


@dataclass(frozen=True, slots=True)
class IncomeBooked:
    """The wallet changed by something other than a trade: funding, a transfer, insurance."""

    transaction_id: int
    income_type: str
    asset: str
    amount: Decimal
    symbol: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The user stream was opened anew; whatever happened in between must be fetched."""

    stream_epoch: int


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The user stream ended."""

    stream_epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class TradesConfirmed:
    """Every trade of the symbol up to this id has been compared with the exchange's own list."""

    symbol: str
    trade_id: int


@dataclass(frozen=True, slots=True)
class DifferenceFound:
    """Store and exchange disagreed; ``verdict`` says what was done about it."""

    subject: str
    ours: str
    theirs: str
    verdict: str


@dataclass(frozen=True, slots=True)
class RecoveryFinished:
    """One run of the recovery procedure: why, what it looked at, what it changed, and whether it agrees now."""

    cause: str
    orders_checked: int
    fills_added: int
    income_added: int
    unresolved: int
    differences: int
    agrees: bool


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """Something a person must know."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class BreachFound:
    """An order that was proven dead, or was refused, lives (I9): the count of these is published."""

    client_order_id: str


Event = (
    AccountOpened
    | EpochStarted
    | SessionOpened
    | SessionMoved
    | TradingMoved
    | SymbolMoved
    | DayStarted
    | EquityMarked
    | OrderIntended
    | OrderDenied
    | AttemptMoved
    | OrderMoved
    | CancelRequested
    | CancelWithdrawn
    | ModifyRequested
    | ModifyMoved
    | ProtectionWaived
    | ProtectionRestored
    | ParentOpened
    | ParentMoved
    | ChildHeldBack
    | LegReplaced
    | RawReceived
    | FillBooked
    | IncomeBooked
    | StreamOpened
    | StreamLost
    | TradesConfirmed
    | DifferenceFound
    | RecoveryFinished
    | AlarmRaised
    | BreachFound
)
