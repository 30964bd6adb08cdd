"""What a session is made of, handed over by whoever composes the program."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from src.application.ports.broker import Broker
from src.application.ports.event_bus import EventBus
from src.application.ports.ids import Ids
from src.application.ports.inputs import Inputs
from src.application.ports.kill_switch import KillSwitch
from src.application.ports.side_journal import SideJournal
from src.application.ports.store import ReadModels, Store
from src.application.sizing import PositionSizer
from src.application.strategies import LoadStrategy, Strategy, UserStrategySpec
from src.application.trading.market_desk import MarketDesk
from src.application.trading.restarts import Restarts
from src.domain.decisions.step import Policy
from src.domain.ledger.events import AccountOpened
from src.domain.market.candle import Candle
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.session import SessionOptions

History = Callable[[str, str, int], list[Candle]]
"""Closed candles before the session: (symbol, timeframe, how many), oldest first."""


def no_guests(spec: UserStrategySpec) -> Strategy:
    """Nobody reads users' own strategies here."""
    raise ValueError(f"{spec.strategy_id} is a strategy of your own, which cannot be read here")


def nothing_to_check() -> None:
    """No file is looked after."""


@dataclass(slots=True)
class SessionParts:
    """Adapters and settings of one session; everything here is ready to use.

    ``account`` describes the account for the case that it is new. ``owner`` names this process for the lease.
    ``restarts`` says how often a session that failed starts itself again, None: never. ``close`` releases what
    the parts hold, in any state. ``reads`` opens the read models of the store, for figures of earlier processes.
    ``tick_ms`` is session time between two looks of the watchdogs, and what is done every minute is done every 60
    of them; a market of bars has no seconds, there it is a bar. ``load_strategy`` makes users' own strategies, and
    ``stopwatch`` (ns) is what they are timed by. ``dead_man_ms`` is after how long without a sign of life the exchange
    cancels resting entries, None: never. ``has_a_past`` says that the account may have existed before its first session
    here, whose books then begin with what it holds. ``stays_awake``: idle moments are spent on rehearsals, not asleep.
    ``notes`` says what a person should know of the market, ``end_notes`` what is known of it only at the end.
    ``reread`` reads the exchange's candles of a symbol again, which ``history`` then tells; None: none can be missed.
    ``keeps_candles`` says whether closed candles are stored. ``check_files`` raises StoreError when a file that is
    written to is not at its path any more.
    """

    account: AccountOpened
    owner: str
    options: SessionOptions
    store: Store
    broker: Broker
    desk: MarketDesk
    inputs: Inputs
    bus: EventBus
    kill_switch: KillSwitch
    side_journal: SideJournal
    ids: Ids
    sizer: PositionSizer
    policy: Policy
    limits: RiskLimits
    history: History
    close: Callable[[], None]
    reread: Callable[[str], Awaitable[None]] | None = None
    mark_equity_ms: int = 60_000
    tick_ms: int = 1_000
    auto_execute: bool = True
    keeps_candles: bool = True
    restarts: Restarts | None = None
    load_strategy: LoadStrategy = no_guests
    stopwatch: Callable[[], int] | None = None
    reads: Callable[[], ReadModels] | None = None
    dead_man_ms: int | None = None
    has_a_past: bool = False
    stays_awake: bool = False
    notes: list[str] = field(default_factory=list)
    end_notes: Callable[[], Sequence[str]] = tuple
    check_files: Callable[[], None] = nothing_to_check
