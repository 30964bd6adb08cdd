"""The program as the command line sees it: settings read, everything else opened when it is asked for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from src.application.ports.store import AccountRow, StoreUnavailable
from src.application.trading.restarts import Restarts
from src.application.trading.session_parts import SessionParts
from src.bootstrap import offline
from src.bootstrap.activity import mark_active
from src.bootstrap.audit_watch import AuditWatch
from src.bootstrap.audits import audit_request
from src.bootstrap.elsewhere import refuse_for, sessions_elsewhere, told_of
from src.bootstrap.markets import open_market, try_market
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_account import account_of, exchange_file
from src.bootstrap.paper_config import PAPER, PaperConfig
from src.bootstrap.paper_lock import opening_alone
from src.bootstrap.repeating import run_again
from src.bootstrap.selection import MARKET_SETTINGS, Selection, keep_note, select
from src.bootstrap.session_process import SessionProcess
from src.bootstrap.settings import Loaded, load_settings
from src.bootstrap.troubles import told_in_one_line
from src.bootstrap.upkeep import Upkeep
from src.domain.money import use_money_context
from src.domain.sessions.session import TradingSessionStatus
from src.infrastructure.brokers.guarded_reads import guarded
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.monitoring.logging import configure_logging, log_session
from src.infrastructure.persistence.databases import SqliteDatabase
from src.infrastructure.persistence.file_places import FilePlaces
from src.infrastructure.persistence.schema import SchemaState
from src.infrastructure.strategies.loading import load_strategy
from src.interfaces.cli.composition import (
    ConfigurationError,
    Initialised,
    LivePlan,
    RecoveryOutcome,
    SessionObserver,
    SessionRequest,
    SessionResult,
    Tell,
)
from src.interfaces.cli.testnet import TestnetRequest

if TYPE_CHECKING:
    from src.bootstrap.venue import Venue


class PaperApplication(Upkeep):
    """Implements the command line's Application over paper trading and SQLite.

    ``sleep`` waits for some seconds between two starts of a session that failed.
    """

    def __init__(self, loaded: Loaded, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        super().__init__(loaded)
        self._sleep = sleep

    # --- sessions -------------------------------------------------------------------------------------------

    def live_plan(self) -> LivePlan:
        """What a live session would be; raises ConfigurationError unless every limit is written down."""
        from src.bootstrap.going_live import live_plan

        return live_plan(self._loaded, self.data_dir)

    def run_session(self, request: SessionRequest, observer: SessionObserver) -> SessionResult:
        """Start or resume the account's session and run it to its end; one that fails starts itself again."""
        result = self._run_once(request, observer)
        if not self.settings.auto_restart:
            return result

        def run(rest: SessionRequest) -> SessionResult:
            self._require_database()
            return self._run_once(rest, observer)

        return run_again(result, request, run, observer, Restarts(time.monotonic, self._sleep))

    def _require_database(self) -> None:
        """A session goes on in the database that it was in: a new one would know of no position."""
        if self.database.state() is SchemaState.EMPTY:
            raise StoreUnavailable(f"{self.database.name} is gone: put it back, or restore a backup")

    def _run_once(self, request: SessionRequest, observer: SessionObserver) -> SessionResult:
        use_money_context()
        with told_in_one_line():
            parts = self.open_session(request)
            if not (self.settings.auto_restart or request.resume):
                self._refuse_unfinished(parts)
            self._log(parts)
            process = SessionProcess(parts, request, observer, self.data_dir, self._audits_of(parts))
            try:
                return asyncio.run(process.run())
            finally:
                parts.close()
                mark_active(self.data_dir, parts.account.account_id)

    def _audits_of(self, parts: SessionParts) -> AuditWatch:
        """What compares the running session with the exchange now and then."""
        account = parts.account
        request = audit_request(self.settings, self.database, account.account_id, account.exchange)
        return AuditWatch(request, account.exchange, self.settings.audit_interval / 1_000, self.data_dir)

    def _refuse_unfinished(self, parts: SessionParts) -> None:
        """Let go of the parts and raise ConfigurationError when they are about an unfinished session."""
        reads = self.open_reads()
        try:
            ledger = reads.ledger(parts.account.account_id)
        finally:
            reads.close()
        if ledger is not None and ledger.session is not None and ledger.session.is_unfinished:
            asyncio.run(parts.store.close())
            parts.close()
            raise ConfigurationError(
                f"session {ledger.session.id[:8]} is unfinished and AUTO_RESTART is false: add --resume to go on"
            )

    def open_session(self, request: SessionRequest, venue: "Venue | None" = None) -> SessionParts:
        """The parts of the session that a request is about, new or to be resumed; the caller runs and closes them.

        ``venue`` is where to trade and as whom; without one the settings say so.
        """
        waiting = self._sessions_elsewhere()
        if request.exchange != PAPER:
            parts = self._open_venue(request, venue)
        else:
            if not request.replay and not MARKET_SETTINGS & request.given:
                # It would go on with what was unfinished, and this may not silently be something else.
                refuse_for(waiting)
            selection = self._select(request)
            parts = self._open(selection)
            with opening_alone(exchange_file(self.data_dir, parts.account.account_id)):
                keep_note(selection.config, parts.account.account_id)
        own = parts.account.account_id
        parts.notes += [told_of(row) for row in waiting if row.account_id != own]
        mark_active(self.data_dir, own)
        return parts

    def _sessions_elsewhere(self) -> list[AccountRow]:
        if self.database.state() is SchemaState.EMPTY:
            return []
        reads = self.open_reads()
        try:
            return sessions_elsewhere(reads.accounts(), self.database)
        finally:
            reads.close()

    def _log(self, parts: SessionParts) -> None:
        settings = self.settings
        configure_logging(
            self.data_dir, settings.log_level, settings.secrets(), log_trades=settings.log_trades
        )
        log_session(parts.bus)

    def _select(self, request: SessionRequest) -> Selection:
        if self.database.state() is SchemaState.EMPTY:
            # A session that cannot be leaves no database behind.
            try_market(request.replay, self.settings.symbols, self.settings.seed)
        self._initialise_database()
        reads = self.open_reads()
        try:
            selection = select(self.settings, request, reads, self.database)
        finally:
            reads.close()
        return selection

    def _open_venue(self, request: SessionRequest, venue: "Venue | None") -> SessionParts:
        """The parts of a session at an exchange; imported here, as paper has no use for it."""
        from src.bootstrap.venue_sessions import open_venue

        self._initialise_database()
        reads = self.open_reads()
        try:
            parts = open_venue(self.settings, request, reads, self.database, venue)
        finally:
            reads.close()
        return self._completed(parts)

    def _open(self, selection: Selection) -> SessionParts:
        parts = paper_parts(
            selection.config, _make_market, selection.market, selection.accounts, selection.account_id
        )
        return self._completed(parts)

    def _completed(self, parts: SessionParts) -> SessionParts:
        """What every session has, wherever it trades: repeated reads, users' own strategies, a look at its files."""
        parts.broker = guarded(parts.broker, self.settings.retry_attempts)
        parts.load_strategy, parts.stopwatch = load_strategy, time.thread_time_ns
        parts.check_files = FilePlaces(self._files_of(parts)).check
        return parts

    def _files_of(self, parts: SessionParts) -> Iterator[Path]:
        """What the session stores in."""
        if isinstance(self.database, SqliteDatabase):
            yield self.database.path
        if parts.account.exchange == PAPER:
            yield exchange_file(self.data_dir, parts.account.account_id)

    def recover(self, account_id: str, *, dry_run: bool) -> RecoveryOutcome:
        """Compare store and exchange, the account's own, and make them agree, as the one writer."""
        use_money_context()
        reads = self.open_reads()
        with closing(reads), told_in_one_line():
            selection = select(self.settings, SessionRequest(), reads, self.database, account_id=account_id)
            row = next(row for row in selection.accounts if row.account_id == account_id)
            if not dry_run:
                _require_unfinished(row)
            if row.exchange != PAPER:
                parts = self._open_account(selection, row)
                return offline.recover_dry(parts, reads) if dry_run else offline.recover_now(parts)
            if dry_run:
                with offline.copy_of_exchange(selection.config, account_id) as config:
                    return offline.recover_dry(self._open(replace(selection, config=config)), reads)
            return offline.recover_now(self._open(selection))

    def _open_account(self, selection: Selection, row: AccountRow) -> SessionParts:
        """The parts of an account at an exchange; imported here, as paper has no use for it."""
        from src.bootstrap.venue_sessions import open_account

        return self._completed(open_account(self.settings, selection, row))

    # --- database -------------------------------------------------------------------------------------------

    def initialise(self) -> Initialised:
        """Create tables, account and portfolio where they are missing; harmless to repeat."""
        created = self._initialise_database()
        selection = self._select(SessionRequest())
        known = account_of(selection.config, selection.market, selection.accounts)
        if known is not None:
            account_id = known.account_id
        else:
            parts = self._open(selection)
            asyncio.run(_open_account(parts))
            account_id = parts.account.account_id
        return Initialised(self.database.name, created, account_id, self.settings.portfolio)

    def _initialise_database(self) -> bool:
        database = self.database
        if database.state() is not SchemaState.EMPTY:
            return False
        database.create()
        return True


async def _open_account(parts: SessionParts) -> None:
    try:
        await parts.store.open_account(parts.account, parts.inputs.now_ms())
    finally:
        await parts.store.close()
        parts.close()


def _require_unfinished(row: AccountRow) -> None:
    """Refuse a recovery of a session that ended in good order: the recovery would open a new one."""
    if row.session_status in (None, TradingSessionStatus.STOPPED.value):
        raise ConfigurationError(
            f"account {row.account_id[:8]} has no unfinished session, there is nothing to recover: compare store and "
            "exchange with --dry-run"
        )


def _make_market(config: PaperConfig) -> MarketSource:
    return open_market(config.replay, config.symbols, config.seed)


class PaperComposition:
    """Makes the application from settings and flags."""

    def load(
        self, flags: Mapping[str, str], needs: Collection[str] | None = None, tell: Tell = print
    ) -> PaperApplication:
        """Read the settings; raises ConfigurationError."""
        loaded = load_settings(flags, needs=needs)
        for line in loaded.problems:
            tell(line)
        return PaperApplication(loaded)

    def serve_testnet(self, request: TestnetRequest) -> None:
        """Serve a local exchange until a signal comes."""
        from src.bootstrap.testnet import serve_testnet  # loads the server

        serve_testnet(request)
