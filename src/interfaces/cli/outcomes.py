"""What the program behind the command line answers: plain values, as commands print them.

Times are ms since the epoch (UTC), money is in the settle asset.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src.application.ports.kill_switch import KillLevel
    from src.application.trading.snapshot import SessionSnapshot


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as ``config show`` prints it: ``value`` with secrets masked, ``source`` as people call it."""

    name: str
    value: str
    source: str
    meaning: str


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What a person confirms before a session trades with money; the losses are shares of equity."""

    account: str
    symbols: tuple[str, ...]
    leverage: int
    daily_loss_pct_max: Decimal
    drawdown_pct_max: Decimal


class Ended(StrEnum):
    """Why a run of a session is over."""

    DURATION = "duration"
    END_OF_DATA = "end_of_data"
    STOP = "stop"
    SIGNAL = "signal"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class SessionResult:
    """How a run of a session ended.

    ``snapshot`` was taken after the last commit; its positions are those that were kept. ``reason`` is one line, with
    the fix when ``ended`` is ERROR. ``elapsed_ms`` is wall time of this run, ``session_ms`` session time of this run.
    ``notes`` says what else a person should know of the run: bad lines of a recording, derived instruments.
    """

    ended: Ended
    reason: str
    snapshot: "SessionSnapshot"
    elapsed_ms: int
    session_ms: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Store and exchange disagreed; ``verdict`` says what was done, or would be done in a dry run."""

    subject: str
    ours: str
    theirs: str
    verdict: str


@dataclass(frozen=True, slots=True)
class RecoveryOutcome:
    """One comparison of store and exchange, the same as the journal's record of it."""

    dry_run: bool
    orders_checked: int
    fills_added: int
    income_added: int
    unresolved: int
    agrees: bool
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Thrown:
    """What the kill switch asks for: the strictest of the files that are there, with its reason."""

    level: "KillLevel"
    reason: str


@dataclass(frozen=True, slots=True)
class TradingChange:
    """The account's trading state after a halt or a re-arm."""

    account_id: str
    trading_state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Initialised:
    """What init-db found or made; ``database`` is shown to people and holds no password."""

    database: str
    created: bool
    account_id: str
    portfolio: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """The migrations applied, oldest first, and where a copy of the old database was put."""

    database: str
    applied: tuple[str, ...]
    backup: Path | None = None


class Health(StrEnum):
    """The verdict of one check of ``doctor``."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of ``doctor``; ``fix`` is empty when there is nothing to do."""

    name: str
    health: Health
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class OrderCanceled:
    """An order that is to be canceled; ``running`` says whether its session's process asks the exchange now."""

    client_order_id: str
    symbol: str
    running: bool


@dataclass(frozen=True, slots=True)
class OrderReleased:
    """An order of unknown outcome that a person took for dead; ``running`` says whether a session's process did it."""

    client_order_id: str
    symbol: str
    running: bool


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was written or restored: its file, its size in bytes, what its journals hold.

    ``missing`` names the paper accounts whose exchange was not there to be copied.
    """

    file: Path
    bytes: int
    records: int
    accounts: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmergencyAccount:
    """An account as its side journal names it; ``trouble`` says in one line why that cannot be read."""

    account_id: str
    exchange: str
    trouble: str = ""
