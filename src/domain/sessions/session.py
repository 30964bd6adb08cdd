"""A trading session and its state machine.

RUNNING is reached from STARTING, and STARTING includes recovery: a session trades only after its store agrees with
the exchange, whether it is new, resumed after a crash, or continued after a pause of the process. The one other way
is to resume a PAUSED session, which never lost its stream.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from src.domain.money import ZERO


class TradingSessionStatus(StrEnum):
    """Where a session stands."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    ERROR = "ERROR"


class SessionTrigger(StrEnum):
    """What moves a session. RECOVER: a new process took the session over."""

    START = "START"
    INITIALIZED = "INITIALIZED"
    INITIALIZED_PAUSED = "INITIALIZED_PAUSED"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    STOP = "STOP"
    CLEANED_UP = "CLEANED_UP"
    FAIL = "FAIL"
    RESET = "RESET"
    RECOVER = "RECOVER"


_S = TradingSessionStatus
_T = SessionTrigger

SESSION_TRANSITIONS: Final[Mapping[_S, Mapping[_T, _S]]] = {
    _S.STOPPED: {_T.START: _S.STARTING},
    _S.STARTING: {
        _T.INITIALIZED: _S.RUNNING,
        # A session killed while paused comes back paused.
        _T.INITIALIZED_PAUSED: _S.PAUSED,
        _T.STOP: _S.STOPPING,
        _T.FAIL: _S.ERROR,
        _T.RECOVER: _S.STARTING,
    },
    _S.RUNNING: {
        _T.PAUSE: _S.PAUSED,
        _T.STOP: _S.STOPPING,
        _T.FAIL: _S.ERROR,
        _T.RECOVER: _S.STARTING,
    },
    _S.PAUSED: {
        _T.RESUME: _S.RUNNING,
        _T.STOP: _S.STOPPING,
        _T.FAIL: _S.ERROR,
        _T.RECOVER: _S.STARTING,
    },
    _S.STOPPING: {
        _T.CLEANED_UP: _S.STOPPED,
        _T.FAIL: _S.ERROR,
        # A session killed while stopping goes on stopping: whoever stopped it does not expect it to trade again.
        _T.RECOVER: _S.STOPPING,
    },
    _S.ERROR: {_T.RESET: _S.STOPPED, _T.RECOVER: _S.STARTING},
}


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a session was started with; a resumed session keeps them, contradicting ones are refused.

    Percentages are fractions (0.02 is two percent). ``strategies`` and ``sizing`` are specifications as the user
    wrote them, e.g. ``sma_cross:fast=5,slow=20`` and ``percent:0.1``. ``hedge_mode`` keeps LONG and SHORT apart;
    ``margin_type`` is CROSSED or ISOLATED; ``leverages`` are those of single symbols.
    """

    portfolio_id: str
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    timeframe: str
    market: str
    sizing: str
    stop_loss_pct: Decimal
    take_profit_pct: Decimal
    use_market_orders: bool
    slippage_tolerance: Decimal
    leverage: int
    seed: int
    hedge_mode: bool = False
    margin_type: str = "CROSSED"
    leverages: tuple[tuple[str, int], ...] = ()
    trailing_stop_pct: Decimal = ZERO

    def leverage_of(self, symbol: str) -> int:
        """The leverage of a symbol: its own where one is named, else that of all."""
        return dict(self.leverages).get(symbol, self.leverage) if self.leverages else self.leverage


@dataclass(slots=True)
class TradingSession:
    """One session: its state, and the figures of document 002, kept by the ledger. Money in quote asset."""

    id: str
    options: SessionOptions
    status: TradingSessionStatus
    started_ms: int
    stopped_ms: int | None = None
    resume_paused: bool = False
    reason: str = ""
    total_trades: int = 0
    winning_trades: int = 0
    losing_trades: int = 0
    total_pnl: Decimal = field(default=ZERO)
    total_commission: Decimal = field(default=ZERO)
    total_funding: Decimal = field(default=ZERO)
    peak_equity: Decimal = field(default=ZERO)
    max_drawdown: Decimal = field(default=ZERO)

    @property
    def portfolio_id(self) -> str:
        """The portfolio that the session trades for."""
        return self.options.portfolio_id

    @property
    def started_at(self) -> datetime:
        """Start in session time, UTC."""
        return datetime.fromtimestamp(self.started_ms / 1000, UTC)

    @property
    def stopped_at(self) -> datetime | None:
        """End in session time, UTC; None while unfinished."""
        return None if self.stopped_ms is None else datetime.fromtimestamp(self.stopped_ms / 1000, UTC)

    def drawdown_at(self, equity: Decimal) -> Decimal:
        """The deepest fall from the peak, as a share of it, were equity marked now; transfers move the peak along."""
        if self.peak_equity <= 0:
            return self.max_drawdown
        return max(self.max_drawdown, (self.peak_equity - equity) / self.peak_equity)

    @property
    def is_unfinished(self) -> bool:
        """Whether the next start resumes this session."""
        return self.status is not TradingSessionStatus.STOPPED
