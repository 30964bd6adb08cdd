"""What ``decide`` is told: the inputs of a session that may change its ledger, one class a kind.

Besides these, the outcomes of submits and cancels (``src.domain.orders.news``) are inputs as they are.
"""

from dataclasses import dataclass
from decimal import Decimal

from src.domain.ledger.events import DifferenceFound, OutcomeDoubted, SignalNote
from src.domain.market.sides import PositionSide
from src.domain.orders.emergency import EmergencyOrder
from src.domain.orders.news import (
    BalanceReport,
    CancelOutcome,
    FillReport,
    IncomeReport,
    ModifyOutcome,
    OrderNews,
    OrderReport,
    PositionReport,
    SubmitOutcome,
    WalletMoved,
)
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentTicket, ParentTrigger
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
class RequestCancelAll:
    """Somebody wants every order of a symbol, or of all, to end; protective ones of held positions only if told."""

    symbol: str | None
    reason: str
    protective: bool = False


@dataclass(frozen=True, slots=True)
class RequestModify:
    """Somebody wants another limit price or total quantity of a resting order; None leaves it as it is."""

    client_order_id: str
    limit_price: Decimal | None
    quantity: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True)
class RequestProtection:
    """A position is to have its protective orders again; prices are the new ones, None leaves what holds."""

    symbol: str
    position_side: PositionSide
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OpenParent:
    """An OCO, an iceberg, a TWAP or a VWAP is wanted."""

    ticket: ParentTicket


@dataclass(frozen=True, slots=True)
class MoveParent:
    """Somebody wants a parent order to pause, to go on, or to end."""

    parent_id: str
    trigger: ParentTrigger
    reason: str


@dataclass(frozen=True, slots=True)
class StreamNews:
    """A raw event of the user stream and what it means.

    ``trouble`` says why it could not be read; then there is no meaning, and the raw event is all that is kept.
    ``known`` are settled orders that the news speaks of, brought back from the store.
    """

    stream_epoch: int
    raw: str
    meaning: tuple[OrderNews | IncomeReport | WalletMoved, ...]
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
class OpenBooks:
    """An account that existed before us begins with what it held at ``at_ms`` (venue time)."""

    at_ms: int
    positions: tuple[PositionReport, ...]
    balances: tuple[BalanceReport, ...]


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A new session is wanted; the last one must be finished."""

    session_id: str
    options: SessionOptions


@dataclass(frozen=True, slots=True)
class ExchangeRead:
    """What the recovery procedure read, to be merged: ids first, then trades, then statuses, then income.

    ``dead`` are attempts without a trace, where the exchange's promises allow the negative conclusion; ``lost`` are
    those where they do not (yet); ``vanished`` were accepted once and are not shown any more, nor are ``forgotten``
    ones, of which that was to be expected. ``confirmed`` is the highest trade id read per symbol. ``proofs`` says by
    what an attempt is dead, where that is more than one read.
    ``unamended`` names, with their deadlines, the amendments that by the exchange's promises never happened.
    """

    fills: tuple[FillReport, ...]
    orders: tuple[OrderReport, ...]
    income: tuple[IncomeReport, ...]
    dead: tuple[str, ...]
    lost: tuple[str, ...]
    vanished: tuple[str, ...]
    confirmed: tuple[tuple[str, int], ...]
    known: tuple[Order, ...] = ()
    proofs: tuple[tuple[str, str], ...] = ()
    forgotten: tuple[str, ...] = ()
    unamended: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ImportEmergency:
    """Orders that were sent around the session; ``damage`` says what of their records cannot be read."""

    orders: tuple[EmergencyOrder, ...]
    damage: str = ""


@dataclass(frozen=True, slots=True)
class RecoveryConcluded:
    """The procedure is through: what is left to differ, and to doubt, after the last read."""

    cause: str
    orders_checked: int
    fills_added: int
    income_added: int
    differences: tuple[DifferenceFound, ...]
    doubts: tuple[OutcomeDoubted, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceFence:
    """An event of an own order in this symbol would settle an attempt of unknown outcome, and none comes by itself."""

    symbol: str


@dataclass(frozen=True, slots=True)
class ReleaseAttempt:
    """A person takes an attempt of unknown outcome for dead; the exchange may accept it until ``arrives_until_ms``.

    ``arrives_until_ms`` (venue time) is the attempt's deadline with the margin that the exchange promises.
    """

    client_order_id: str
    author: str
    reason: str
    arrives_until_ms: int


@dataclass(frozen=True, slots=True)
class MoveSession:
    """A step of the session's machine is wanted."""

    trigger: SessionTrigger
    reason: str


@dataclass(frozen=True, slots=True)
class ChooseStrategies:
    """The session is to trade with these strategies from here on; ``alarm`` is what a person must know of it."""

    strategies: tuple[str, ...]
    reason: str
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class MoveTrading:
    """A step of the account's trading state is wanted, by somebody; ``flatten`` closes all positions as well."""

    trigger: TradingTrigger
    reason: str
    author: str
    flatten: bool = False


@dataclass(frozen=True, slots=True)
class ReopenSymbol:
    """A person has looked into why a symbol was closed, and wants it to be opened again."""

    symbol: str
    author: str


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """Somebody who watches the session has found what a person must know; nothing else follows from it."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: watchdogs run, cancels without an answer are repeated, the day may have changed."""

    mark_equity: bool = False


News = (
    TakeOver
    | ChooseStrategies
    | OpenBooks
    | OpenSession
    | PlaceOrder
    | RefuseOrder
    | RequestCancel
    | RequestCancelAll
    | RequestModify
    | RequestProtection
    | OpenParent
    | MoveParent
    | StreamNews
    | StreamEnded
    | StreamRestarted
    | ExchangeRead
    | ImportEmergency
    | RecoveryConcluded
    | PlaceFence
    | ReleaseAttempt
    | MoveSession
    | MoveTrading
    | ReopenSymbol
    | RaiseAlarm
    | Tick
    | SubmitOutcome
    | CancelOutcome
    | ModifyOutcome
)
