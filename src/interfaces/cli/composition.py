"""What the command line needs from the program behind it.

The entry point hands a :class:`Composition` to the commands; only the composition root implements it, and tests
bring one of their own. Nothing here imports more than annotations need: ``--help`` must answer at once.
Everything blocks; whoever implements a call runs whatever loop it needs inside. Times are ms since the epoch (UTC),
money is in the settle asset.

Besides what is named, any call may raise ``StoreError`` (the database), ``BrokerError`` (the exchange) or
``ValueError`` (an input without a meaning): each with one line that names cause and fix.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from src.interfaces.cli.outcomes import (
    BackedUp,
    Check,
    Difference,
    EmergencyAccount,
    Ended,
    Health,
    Initialised,
    LivePlan,
    Migrated,
    OrderCanceled,
    OrderReleased,
    RecoveryOutcome,
    SessionResult,
    SettingLine,
    Thrown,
    TradingChange,
)

if TYPE_CHECKING:
    from src.application.ports.kill_switch import KillLevel
    from src.application.ports.store import AccountRow, ReadModels
    from src.application.trading.services.emergency_close import EmergencyReport
    from src.application.trading.snapshot import SessionSnapshot
    from src.domain.ledger.events import Event
    from src.domain.risk.limits import RiskLimits
    from src.interfaces.cli.audits import AuditOutcome
    from src.interfaces.cli.testnet import TestnetRequest

Tell = Callable[[str], None]

__all__ = [
    "Application",
    "BackedUp",
    "Check",
    "Composition",
    "ConfigurationError",
    "Difference",
    "EmergencyAccount",
    "Ended",
    "Health",
    "Initialised",
    "LivePlan",
    "Migrated",
    "OrderCanceled",
    "OrderReleased",
    "RecoveryOutcome",
    "SessionObserver",
    "SessionRequest",
    "SessionResult",
    "SettingLine",
    "Thrown",
    "TradingChange",
]


class ConfigurationError(Exception):
    """A setting, an option or a file that was named is wrong: where, what, and the fix, a line for each problem."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What one run of a session was asked for beside the settings.

    ``duration_ms`` is session time, None runs until stopped or until the recording ends. ``replay`` names recorded
    files; without any the market is synthetic. ``speed`` is session time over wall time, None as quick as possible.
    ``flatten`` closes all positions at the end. ``exchange`` is paper, testnet or live. ``given`` holds the names of
    the settings that stood on the command line: an unfinished session is resumed with its own options, and one of
    these that contradicts it is refused (:class:`ConfigurationError`). ``resume`` goes on with an unfinished session
    where the settings want to be asked first (AUTO_RESTART=false).
    """

    duration_ms: int | None = None
    replay: tuple[Path, ...] = ()
    speed: Decimal | None = Decimal(1)
    flatten: bool = False
    given: frozenset[str] = frozenset()
    exchange: str = "paper"
    resume: bool = False


class SessionObserver(Protocol):
    """The screen of a running session. Every call returns at once; nothing of it may raise into the session."""

    @property
    def view_interval_ms(self) -> int | None:
        """Wall time between two calls of :meth:`on_view`; None when no pictures are wanted between events."""
        ...

    def on_started(self, snapshot: "SessionSnapshot") -> None:
        """The session is RUNNING, or PAUSED when it was resumed so; called at each start, before anything below."""
        ...

    def on_restart(self, reason: str) -> None:
        """The session failed, or its last start did, and it starts itself again now; ``reason`` is one line."""
        ...

    def on_events(self, at_ms: int, events: "Sequence[Event]") -> None:
        """Events of one commit, in order, after it; ``at_ms`` is session time."""
        ...

    def on_view(self, snapshot: "SessionSnapshot") -> None:
        """A picture, at most every ``view_interval_ms`` of wall time."""
        ...

    def on_minute(self, at_ms: int, why_not: str) -> None:
        """A minute of session time is over: what was traded in it, and why not more."""
        ...


class Application(Protocol):
    """The program with its settings read. Making one opens nothing."""

    @property
    def data_dir(self) -> Path:
        """The folder of databases, sockets, logs and the HALT file; it need not exist yet."""
        ...

    def setting_lines(self) -> list[SettingLine]:
        """Every setting with its source."""
        ...

    def open_reads(self) -> "ReadModels":
        """The read models of the database; the caller closes them."""
        ...

    def state_age_ms(self) -> int | None:
        """Wall time since the database was last written, ms; None when there is no such database."""
        ...

    def last_active_ns(self, account_id: str) -> int:
        """When a session of the account started or ended last, wall time in ns since the epoch; 0: not known."""
        ...

    def live_plan(self) -> LivePlan:
        """What a live session would be; raises :class:`ConfigurationError` unless every limit is written down."""
        ...

    def run_session(self, request: SessionRequest, observer: SessionObserver) -> SessionResult:
        """Start or resume the account's session and run it to its end, SIGINT and SIGTERM included.

        Creates the database, the account and the portfolio where they are missing. Raises
        :class:`ConfigurationError` for options that contradict an unfinished session, AccountBusy while another
        process runs it. A session that fails while running is a result with ``Ended.ERROR``, not an exception.
        """
        ...

    @property
    def control_timeout_ms(self) -> int:
        """How long to wait for the answer of a running session."""
        ...

    def control(
        self, account_id: str, command: str, arguments: Mapping[str, Any], timeout_ms: int
    ) -> dict[str, Any]:
        """Send a command to the process that runs the account's session; return its answer.

        The answer holds either ``result`` or ``error`` (one line) with ``kind`` ("invalid", "not_found", "failed").
        Raises ConnectionRefusedError when no process answers a ping in time, another ConnectionError when it hangs up,
        TimeoutError when the command is not answered in ``timeout_ms``: its outcome is unknown in both cases.
        """
        ...

    def holder(self, account_id: str) -> str | None:
        """Which process has the account, like "pid 7", whether it answers or not; None when none has."""
        ...

    def engage_kill_switch(self, reason: str, level: "KillLevel", account_id: str | None) -> Path:
        """Make the HALT file of one account, for None of all, whatever happens; its path. It never grows milder."""
        ...

    def kill_switch(self, account_id: str | None) -> Thrown | None:
        """What the switch asks of the account, for None of every account; None while nobody has thrown it."""
        ...

    def release_kill_switch(self, account_id: str | None) -> bool:
        """Remove the account's HALT file, for None every one; False when there was none."""
        ...

    def kill_switch_engaged(self, account_id: str) -> bool:
        """Whether a HALT file, its own or that of all, stops the account."""
        ...

    def halt(self, account_id: str, reason: str, level: "KillLevel") -> TradingChange:
        """Halt the account as its one writer, for when no process runs it. Raises AccountBusy.

        Closing positions, where the level asks for it, waits for the next start.
        """
        ...

    def emergency_accounts(self) -> list[EmergencyAccount]:
        """Every account of the data folder, by its side journal: for when the database cannot be read."""
        ...

    def close_in_emergency(self, account_id: str, reason: str, tell: Tell, stops: bool) -> "EmergencyReport":
        """Cancel entries, close every position, with ``stops`` end what only reduces; without session and database.

        ``tell`` takes a line for each thing done. Raises :class:`ConfigurationError` without the account's key.
        """
        ...

    def risk_limits(self) -> "RiskLimits":
        """The limits that the settings name."""
        ...

    def rearm(self, account_id: str) -> TradingChange:
        """Allow trading again as the one writer, for when no process runs it. Raises AccountBusy."""
        ...

    def reopen_symbol(self, account_id: str, symbol: str) -> TradingChange:
        """Free a closed symbol as the one writer, for when no process runs the account. Raises AccountBusy."""
        ...

    def recover(self, account_id: str, *, dry_run: bool) -> RecoveryOutcome:
        """Compare store and exchange and make them agree, as the one writer. Raises AccountBusy."""
        ...

    def initialise(self) -> Initialised:
        """Create tables, account and portfolio where they are missing; harmless to repeat."""
        ...

    def migrate(self) -> Migrated:
        """Bring the tables to this version, after a copy of the database."""
        ...

    def back_up(self, target: Path | None) -> BackedUp:
        """Copy database and paper exchanges into one file; None makes a name. Raises StoreError if it exists."""
        ...

    def restore(self, source: Path) -> BackedUp:
        """Put a backup's files in place, checked. Raises StoreError when something is there already."""
        ...

    def cancel_order(self, account_id: str, client_order_id: str) -> OrderCanceled:
        """Record the wish to cancel as the one writer, for when no process runs it. Raises AccountBusy."""
        ...

    def release_order(self, account_id: str, client_order_id: str, reason: str) -> OrderReleased:
        """Take an order of unknown outcome for dead as the one writer, for when no process runs it.

        Raises AccountBusy, and ValueError while the exchange may still accept the order.
        """
        ...

    def verify_journal(self, account_id: str) -> int:
        """Check the whole hash chain; the number of records. Raises StoreCorrupt."""
        ...

    def audit(self, account: "AccountRow", since_ms: int) -> "AuditOutcome":
        """Rebuild the account from the exchange's trades and income, and compare; 0 is everything.

        Writes nothing; a session may run meanwhile. Raises :class:`ConfigurationError` when a side cannot be read.
        """
        ...

    def last_audit(self, account_id: str) -> "AuditOutcome | None":
        """The newest outcome of the audits that the account's session makes by itself; None: there is none."""
        ...

    def checks(self) -> Iterator[Check]:
        """The checks of ``doctor``, each done when it is asked for; a failing one is an answer, not an exception."""
        ...

    def benchmark(self, arguments: Sequence[str]) -> int:
        """Run the project's benchmarks, printing as they go; the exit code."""
        ...


class Composition(Protocol):
    """Makes an :class:`Application`."""

    def load(
        self, flags: Mapping[str, str], needs: Collection[str] | None = None, tell: Tell = print
    ) -> Application:
        """Read the settings, ``flags`` by setting; raises :class:`ConfigurationError` for what is wrong.

        With ``needs`` only where that may be about these; ``tell`` takes each other line, and the default holds there.
        """
        ...

    def serve_testnet(self, request: "TestnetRequest") -> None:
        """Serve a local exchange until SIGINT or SIGTERM, saying where it is."""
        ...
