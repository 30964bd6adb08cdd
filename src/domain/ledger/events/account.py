"""What happened to the account: its sessions and states, fills and money, the stream, recovery, alarms."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.sessions.session import SessionOptions, SessionTrigger
from src.domain.sessions.trading_states import SymbolState, TradingTrigger
from src.domain.shared.making import maker


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
class StrategiesChosen:
    """The session trades with these strategies from here on; specifications as in its options."""

    session_id: str
    strategies: tuple[str, ...]
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
class RawReceived:
    """A user-stream event exactly as it came, journalled before it is interpreted."""

    stream_epoch: int
    raw: str


@dataclass(frozen=True, slots=True)
class FillBooked:
    """A trade of the exchange entered the books; (account, symbol, trade_id, side) is unique.

    ``client_order_id`` is empty for a trade of an order that is not ours; ``margin_asset``, which ``realized_pnl`` is
    in, where that is the account's settle asset. ``position_cost`` is what the position costs then (quote asset) if the
    trade was heard of behind later ones: what all of them come to in the order of their ids.
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
    margin_asset: str = ""
    position_cost: Decimal | None = None


make_fill_booked: Final = maker(FillBooked)


@dataclass(frozen=True, slots=True)
class IncomeBooked:
    """The wallet changed by something other than a trade: funding, a transfer, insurance."""

    transaction_id: int
    income_type: str
    asset: str
    amount: Decimal
    symbol: str
    at_ms: int

    @property
    def is_funding(self) -> bool:
        """Whether it was paid or received for holding a position."""
        return self.income_type in FUNDING_FEES

    @property
    def is_transfer(self) -> bool:
        """Whether it came or went without having been earned or lost."""
        return self.income_type in TRANSFERS


FUNDING_FEES: Final = frozenset({"FUNDING_FEE", "SPECIAL_FUNDING_FEE"})
OPENING_BALANCE: Final = "OPENING_BALANCE"
"""The type of income that the books of an account with a past begin with; our own."""
TRANSFERS: Final = frozenset(
    {
        OPENING_BALANCE,
        "TRANSFER",
        "INTERNAL_TRANSFER",
        "CROSS_COLLATERAL_TRANSFER",
        "WELCOME_BONUS",
        "COIN_SWAP_DEPOSIT",
        "COIN_SWAP_WITHDRAW",
        "STRATEGY_UMFUTURES_TRANSFER",
    }
)
"""Income that came or went without having been earned or lost; types of Binance's GET /fapi/v1/income and ours."""


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
