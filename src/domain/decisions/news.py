"""What ``decide`` is told: the inputs of a session that may change its ledger, one class a kind.

Besides these, the outcomes of submits and cancels (``src.domain.orders.news``) are inputs as they are.
"""

from dataclasses import dataclass

from src.domain.ledger.events import DifferenceFound, SignalNote
from src.domain.orders.news import (
    CancelOutcome,
    FillReport,
    IncomeReport,
    ModifyOutcome,
    OrderNews,
    OrderReport,
    SubmitOutcome,
)
from src.domain.orders.order import Order
from src.domain.risk.review import Approved, Denied
from src.domain.sessions.session import SessionOptions, SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """An approved ticket is to become an order."""

    approved: Approved
    signal: SignalNote | None = None


@dataclass(frozen=True, slots=True)
class RefuseOrder:
    """A ticket was denied; the refusal is worth a record."""

    denied: Denied


@dataclass(frozen=True, slots=True)
class RequestCancel:
    """Somebody wants an order to end."""

    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StreamNews:
    """A raw event of the user stream and what it means.

    ``trouble`` says why it could not be read; then there is no meaning, and the raw event is all that is kept.
    ``known`` are settled orders that the news speaks of, brought back from the store.
    """

    stream_epoch: int
    raw: str
    meaning: tuple[OrderNews | IncomeReport, ...]
    trouble: str = ""
    known: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The user stream broke off."""

    stream_epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class StreamRestarted:
    """The user stream is open again under a new epoch."""

    stream_epoch: int


@dataclass(frozen=True, slots=True)
class TakeOver:
    """This process holds the lease now; an unfinished session is taken over with it."""

    epoch: int


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A new session is wanted; the last one must be finished."""

    session_id: str
    options: SessionOptions


@dataclass(frozen=True, slots=True)
class ExchangeRead:
    """What the recovery procedure read, to be merged: ids first, then trades, then statuses, then income.

    ``dead`` are attempts without a trace, where the exchange's promises allow the negative conclusion; ``lost`` are
    those where they do not (yet); ``vanished`` were accepted once and are not shown any more. ``confirmed`` is the
    highest trade id read per symbol.
    """

    fills: tuple[FillReport, ...]
    orders: tuple[OrderReport, ...]
    income: tuple[IncomeReport, ...]
    dead: tuple[str, ...]
    lost: tuple[str, ...]
    vanished: tuple[str, ...]
    confirmed: tuple[tuple[str, int], ...]
    known: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class RecoveryConcluded:
    """The procedure is through: what is left to differ, after the last read."""

    cause: str
    orders_checked: int
    fills_added: int
    income_added: int
    differences: tuple[DifferenceFound, ...]


@dataclass(frozen=True, slots=True)
class MoveSession:
    """A step of the session's machine is wanted."""

    trigger: SessionTrigger
    reason: str


@dataclass(frozen=True, slots=True)
class MoveTrading:
    """A step of the account's trading state is wanted, by somebody."""

    trigger: TradingTrigger
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: watchdogs run, cancels without an answer are repeated, the day may have changed."""

    mark_equity: bool = False


News = (
    TakeOver
    | OpenSession
    | PlaceOrder
    | RefuseOrder
    | RequestCancel
    | StreamNews
    | StreamEnded
    | StreamRestarted
    | ExchangeRead
    | RecoveryConcluded
    | MoveSession
    | MoveTrading
    | Tick
    | SubmitOutcome
    | CancelOutcome
    | ModifyOutcome
)
