"""What commands do around sessions: look, control, halt, and keep the database; no session is run here."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.application.ports.kill_switch import KillLevel
from src.application.ports.store import AccountRow, ReadModels
from src.bootstrap import checks, offline
from src.bootstrap.activity import last_active_ns
from src.bootstrap.settings import ROOT, Loaded, Settings
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.trading_states import TradingTrigger
from src.infrastructure.messaging.control_path import control_path
from src.infrastructure.messaging.control_socket import ControlClient
from src.infrastructure.monitoring.kill_switch import FileKillSwitch, release_all
from src.infrastructure.persistence.databases import Database, SqliteDatabase, database_at
from src.interfaces.cli.composition import (
    BackedUp,
    Check,
    ConfigurationError,
    EmergencyAccount,
    Migrated,
    OrderCanceled,
    OrderReleased,
    SettingLine,
    Thrown,
    TradingChange,
)

if TYPE_CHECKING:
    from src.application.trading.services.emergency_close import EmergencyReport
    from src.interfaces.cli.audits import AuditOutcome


class Upkeep:
    """The part of the application that needs settings and a database, and no market."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._loaded.settings

    @property
    def data_dir(self) -> Path:
        """The folder of databases, sockets, logs and the HALT file; it need not exist yet."""
        return self.settings.data_folder

    @property
    def database(self) -> Database:
        """The session database: a file in the data folder, unless DATABASE_URL names another."""
        url = self.settings.database_url
        if url is None:
            return SqliteDatabase(self.data_dir / "steadyhand.db")
        return database_at(url.get_secret_value(), ROOT)

    @property
    def database_url(self) -> str:
        """The database's address, as the setting takes it."""
        url = self.settings.database_url
        return f"sqlite:///{self.data_dir / 'steadyhand.db'}" if url is None else url.get_secret_value()

    def setting_lines(self) -> list[SettingLine]:
        """Every setting with its source."""
        return self._loaded.lines()

    def open_reads(self) -> ReadModels:
        """The read models of the database; the caller closes them."""
        return self.database.reads()

    def state_age_ms(self) -> int | None:
        """Wall time since the database was last written, ms; None when that is not known."""
        written_ns = self.database.written_ns()
        return None if written_ns is None else max(0, (time.time_ns() - written_ns) // 1_000_000)

    def last_active_ns(self, account_id: str) -> int:
        """When the account was at work last, wall time in ns since the epoch; 0 when that is not known."""
        return last_active_ns(self.data_dir, account_id)

    # --- control --------------------------------------------------------------------------------------------

    @property
    def control_timeout_ms(self) -> int:
        """How long to wait for the answer of a running session."""
        return self.settings.control_timeout

    def control(
        self, account_id: str, command: str, arguments: Mapping[str, Any], timeout_ms: int
    ) -> dict[str, Any]:
        """Send a command to the process that runs the account's session; return its answer."""
        client = ControlClient(control_path(self.data_dir, account_id))
        return client.request(command, arguments, timeout_ms)

    def holder(self, account_id: str) -> str | None:
        """Which process has the account's lease."""
        return self.database.holder(account_id)

    def engage_kill_switch(
        self, reason: str, level: KillLevel = KillLevel.HALT, account_id: str | None = None
    ) -> Path:
        """Make the HALT file durable, whatever the database and the session do; return its path."""
        switch = self._kill_switch(account_id)
        switch.engage(reason, level)
        return switch.path

    def kill_switch(self, account_id: str | None) -> Thrown | None:
        """What the switch asks of the account, for None of every account; None while nobody has thrown it."""
        switch = self._kill_switch(account_id)
        level = switch.level()
        return None if level is None else Thrown(level, switch.reason())

    def release_kill_switch(self, account_id: str | None) -> bool:
        """Remove the account's HALT file, or all of them; False when there was none."""
        switch = self._kill_switch(account_id)
        return release_all(switch.path) if account_id is None else switch.release()

    def kill_switch_engaged(self, account_id: str) -> bool:
        """Whether a HALT file still stops the account."""
        return self._kill_switch(account_id).is_engaged()

    def _kill_switch(self, account_id: str | None) -> FileKillSwitch:
        return FileKillSwitch(self.data_dir / "HALT", account_id or "")

    def halt(self, account_id: str, reason: str, level: KillLevel = KillLevel.HALT) -> TradingChange:
        """Halt the account as its one writer, for when no process runs it; closing positions waits for a start."""
        trigger = TradingTrigger.REDUCE if level is KillLevel.SOFT else TradingTrigger.HALT
        return offline.move_trading(self.database, account_id, trigger, reason)

    def rearm(self, account_id: str) -> TradingChange:
        """Allow trading again as the one writer, for when no process runs it."""
        return offline.move_trading(self.database, account_id, TradingTrigger.REARM, "re-armed")

    def reopen_symbol(self, account_id: str, symbol: str) -> TradingChange:
        """Free a closed symbol as the one writer, for when no process runs the account."""
        return offline.reopen_symbol(self.database, account_id, symbol)

    def emergency_accounts(self) -> list[EmergencyAccount]:
        """Every account of the data folder, by its side journal."""
        from src.bootstrap.emergency import emergency_accounts

        return emergency_accounts(self.data_dir)

    def close_in_emergency(
        self, account_id: str, reason: str, tell: Callable[[str], None], stops: bool = False
    ) -> "EmergencyReport":
        """Cancel entries and close every position straight at the exchange, without session and database."""
        from src.bootstrap.emergency import close_in_emergency

        return close_in_emergency(self.settings, account_id, reason, tell, stops=stops)

    def risk_limits(self) -> RiskLimits:
        """The limits that the settings name."""
        return self.settings.risk_limits()

    def migrate(self) -> Migrated:
        """Bring the tables to this version, after a copy of the database."""
        applied, backup = self.database.migrate()
        return Migrated(self.database.name, tuple(applied), backup)

    def back_up(self, target: Path | None) -> BackedUp:
        """Copy the database and the paper exchanges into one file, while a session runs or not."""
        from src.bootstrap.backups import back_up

        database = self._file("back up")
        # Whatever is wrong with it is said as for every command.
        self.open_reads().close()
        return back_up(database, self.data_dir, target)

    def restore(self, source: Path) -> BackedUp:
        """Put the files of a backup in place; nothing is overwritten."""
        from src.bootstrap.backups import restore

        return restore(source, self._file("restore"), self.data_dir)

    def _file(self, wish: str) -> Path:
        """The database's file; raises ConfigurationError when it is on a server."""
        database = self.database
        if not isinstance(database, SqliteDatabase):
            raise ConfigurationError(
                f"{database.name} is on a server, which this cannot {wish}: use the server's own tools (pg_dump)"
            )
        return database.path

    def cancel_order(self, account_id: str, client_order_id: str) -> OrderCanceled:
        """Record the wish to cancel as the one writer; the next start tells the exchange."""
        return offline.cancel_order(self.database, account_id, client_order_id)

    def release_order(self, account_id: str, client_order_id: str, reason: str) -> OrderReleased:
        """Take an order of unknown outcome for dead as the one writer."""
        now_ms = time.time_ns() // 1_000_000
        return offline.release_order(self.database, account_id, client_order_id, reason, now_ms)

    def verify_journal(self, account_id: str) -> int:
        """Check the whole hash chain; the number of records."""
        reads = self.open_reads()
        try:
            return reads.verify(account_id)
        finally:
            reads.close()

    def audit(self, account: AccountRow, since_ms: int) -> "AuditOutcome":
        """Rebuild the account from the exchange's trades and income, and compare."""
        from src.bootstrap.audits import audit_now

        return audit_now(self.settings, self.database, account, since_ms)

    def last_audit(self, account_id: str) -> "AuditOutcome | None":
        """The newest outcome of the audits that the account's session makes by itself."""
        from src.bootstrap.audits import last_outcome

        return last_outcome(self.data_dir, account_id)

    # --- the rest -------------------------------------------------------------------------------------------

    def checks(self) -> Iterator[Check]:
        """The checks of ``doctor``."""
        return checks.run(self._loaded, self.data_dir, self.database)

    def benchmark(self, arguments: Sequence[str]) -> int:
        """Run the project's benchmarks, printing as they go; the exit code."""
        return subprocess.run(
            [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, check=False
        ).returncode
