"""A program behind the command line that does what a test says, and keeps what it was asked."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from src.application.ports.kill_switch import KillLevel
from src.application.ports.store import (
    AccountRow,
    EquityPoint,
    JournalHead,
    JournalRecord,
    RecoveryRow,
)
from src.application.trading.services.emergency_close import EmergencyReport
from src.application.trading.snapshot import SessionSnapshot
from src.domain.ledger.events import Event, FillBooked, IncomeBooked
from src.domain.ledger.state import Ledger
from src.domain.market.candle import Candle
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder
from src.domain.performance.executions import Execution
from src.domain.positions.position import Position, RoundTrip
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.session import TradingSession, TradingSessionStatus
from src.interfaces.cli.audits import AuditOutcome
from src.interfaces.cli.composition import (
    Application,
    BackedUp,
    Check,
    EmergencyAccount,
    Health,
    Initialised,
    LivePlan,
    Migrated,
    OrderCanceled,
    OrderReleased,
    RecoveryOutcome,
    SessionObserver,
    SessionRequest,
    SessionResult,
    SettingLine,
    Tell,
    Thrown,
    TradingChange,
)
from src.interfaces.cli.testnet import TestnetRequest
from tests.support.session_builders import a_result, a_snapshot


@dataclass
class FakeReads:
    """Read models that hold what a test put in."""

    rows: list[AccountRow] = field(default_factory=list)
    the_ledger: Ledger | None = None
    the_orders: list[Order] = field(default_factory=list)
    the_parents: list[ParentOrder] = field(default_factory=list)
    trips: list[RoundTrip] = field(default_factory=list)
    records: list[JournalRecord] = field(default_factory=list)
    the_executions: list[Execution] = field(default_factory=list)
    the_income: list[IncomeBooked] = field(default_factory=list)
    points: list[EquityPoint] = field(default_factory=list)
    the_recoveries: list[RecoveryRow] = field(default_factory=list)

    def same_commit(self) -> AbstractContextManager[None]:
        return nullcontext()

    def accounts(self) -> list[AccountRow]:
        return self.rows

    def ledger(self, account_id: str) -> Ledger | None:
        return self.the_ledger

    def sessions(self, account_id: str, limit: int = 20) -> list[TradingSession]:
        session = self.the_ledger.session if self.the_ledger is not None else None
        return [session] if session is not None else []

    def orders(
        self, account_id: str, *, open_only: bool = False, symbol: str | None = None, limit: int = 100
    ) -> list[Order]:
        found = [o for o in self.the_orders if symbol in (None, o.symbol) and (o.is_open or not open_only)]
        return found[:limit]

    def parents(self, account_id: str, limit: int = 20) -> list[ParentOrder]:
        return self.the_parents[:limit]

    def parent(self, account_id: str, parent_id: str) -> ParentOrder | None:
        return next((each for each in self.the_parents if each.parent_id == parent_id), None)

    def verify(self, account_id: str) -> int:
        return len(self.records)

    def order(self, account_id: str, client_order_id: str) -> Order | None:
        return next((o for o in self.the_orders if o.client_order_id == client_order_id), None)

    def positions(self, account_id: str) -> list[Position]:
        return [] if self.the_ledger is None else list(self.the_ledger.positions.values())

    def fills(
        self, account_id: str, *, symbol: str | None = None, limit: int | None = None
    ) -> list[FillBooked]:
        return []

    def executions(self, account_id: str) -> list[Execution]:
        return self.the_executions

    def income(self, account_id: str) -> list[IncomeBooked]:
        return self.the_income

    def round_trips(self, account_id: str, limit: int | None = None) -> list[RoundTrip]:
        return self.trips[:limit]

    def equity_curve(self, account_id: str, session_id: str | None = None) -> list[EquityPoint]:
        return self.points

    def candles(self, account_id: str, symbol: str, timeframe: str, limit: int | None = None) -> list[Candle]:
        return []

    def recoveries(self, account_id: str, limit: int = 20) -> list[RecoveryRow]:
        return self.the_recoveries[:limit]

    def journal(
        self, account_id: str, after_seq: int = 0, kind: str | None = None
    ) -> Iterator[JournalRecord]:
        return (each for each in self.records if each.seq > after_seq and kind in (None, each.kind))

    def head(self, account_id: str) -> JournalHead:
        return JournalHead(self.records[-1].seq, self.records[-1].hash)

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class FakeApplication:
    """``running`` is what its session's process shows, None when there is none.

    It ends when it is told to stop, if it ``stops``, and leaves its session as ``ends_as`` says. ``fails`` maps calls
    to what they raise, ``asked`` keeps what changes something, in order; ``events`` are told to the observer of a run.
    """

    reads: FakeReads = field(default_factory=FakeReads)
    running: SessionSnapshot | None = None
    result: SessionResult = field(default_factory=a_result)
    events: list[tuple[int, list[Event]]] = field(default_factory=list)
    fails: dict[str, BaseException] = field(default_factory=dict)
    outcome: RecoveryOutcome = field(default_factory=lambda: RecoveryOutcome(False, 3, 0, 0, 0, True))
    health: tuple[Check, ...] = (Check("disk", Health.OK, "plenty"),)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    still_engaged: bool = False
    answers: dict[str, Any] = field(default_factory=dict)
    audited: AuditOutcome = field(default_factory=lambda: AuditOutcome("acc00001-x", "paper", 1))
    self_audited: AuditOutcome | None = None
    side_accounts: list[EmergencyAccount] = field(default_factory=list)
    reports: dict[str, EmergencyReport] = field(default_factory=dict)
    thrown: Thrown | None = None
    halted_already: bool = False
    data_dir: Path = Path("data")
    control_timeout_ms: int = 1_000
    patience_ms: int = 0
    active: dict[str, int] = field(default_factory=dict)
    stops: bool = True
    ends_as: TradingSessionStatus = TradingSessionStatus.STOPPED
    held_by: str | None = None
    missing: tuple[str, ...] = ()

    def _may_fail(self, name: str) -> None:
        if name in self.fails:
            raise self.fails[name]

    def setting_lines(self) -> list[SettingLine]:
        return [SettingLine("STOP_LOSS_PCT", "0.02", "default", "Distance of the stop.")]

    def open_reads(self) -> FakeReads:
        self._may_fail("open_reads")
        return self.reads

    def state_age_ms(self) -> int | None:
        return 125_000

    def last_active_ns(self, account_id: str) -> int:
        return self.active.get(account_id, 0)

    def live_plan(self) -> LivePlan:
        return LivePlan("abcd", ("BTCUSDT",), 10, Decimal("0.02"), Decimal("0.1"))

    def run_session(self, request: SessionRequest, observer: SessionObserver) -> SessionResult:
        self.asked.append(("run", request))
        self._may_fail("run_session")
        observer.on_started(a_snapshot())
        for at_ms, events in self.events:
            observer.on_events(at_ms, events)
        observer.on_view(a_snapshot())
        observer.on_minute(a_snapshot().now_ms, a_snapshot().why_not)
        return self.result

    def control(
        self, account_id: str, command: str, arguments: Mapping[str, Any], timeout_ms: int
    ) -> dict[str, Any]:
        if self.running is None:
            raise ConnectionRefusedError("nobody answers")
        if command == "ping":
            return {"result": {"pid": 1}}
        self.asked.append((command, dict(arguments)))
        self.patience_ms = timeout_ms
        self._may_fail(command)
        if command == "stop" and self.stops:
            answer, self.running = self.running, None
            session = self.reads.the_ledger.session if self.reads.the_ledger is not None else None
            assert session is not None, "a running session is in the database"
            session.status = self.ends_as
            return {"result": _sent(answer)}
        if command in ("halt", "rearm"):
            soft = arguments.get("level") == "soft"
            soft = soft and not self.halted_already
            state = "ACTIVE" if command == "rearm" else "REDUCE_ONLY" if soft else "HALTED"
            return {"result": {**_sent(self.running), "trading_state": state, "trading_reason": ""}}
        return {"result": self.answers.get(command) or _sent(self.running)}

    def holder(self, account_id: str) -> str | None:
        return self.held_by or ("pid 7" if self.running is not None else None)

    def engage_kill_switch(self, reason: str, level: KillLevel, account_id: str | None) -> Path:
        self.asked.append(("engage", reason, level.value, account_id))
        self._may_fail("engage")
        return self.data_dir / "HALT"

    def kill_switch(self, account_id: str | None) -> Thrown | None:
        return self.thrown

    def release_kill_switch(self, account_id: str | None) -> bool:
        self.asked.append(("release", account_id))
        return True

    def kill_switch_engaged(self, account_id: str) -> bool:
        return self.still_engaged

    def emergency_accounts(self) -> list[EmergencyAccount]:
        return self.side_accounts

    def close_in_emergency(
        self, account_id: str, reason: str, tell: Callable[[str], None], stops: bool = False
    ) -> EmergencyReport:
        self.asked.append(("emergency", account_id, reason, *(["stops"] if stops else [])))
        self._may_fail(f"emergency {account_id}")
        tell(f"line about {account_id}")
        return self.reports.get(account_id, EmergencyReport())

    def risk_limits(self) -> RiskLimits:
        return RiskLimits()

    def halt(self, account_id: str, reason: str, level: KillLevel) -> TradingChange:
        self.asked.append(("offline halt", account_id, reason, level.value))
        self._may_fail("offline halt")
        return TradingChange(account_id, "REDUCE_ONLY" if level is KillLevel.SOFT else "HALTED", reason)

    def rearm(self, account_id: str) -> TradingChange:
        self.asked.append(("offline rearm", account_id))
        self._may_fail("offline rearm")
        return TradingChange(account_id, "ACTIVE", "")

    def reopen_symbol(self, account_id: str, symbol: str) -> TradingChange:
        self.asked.append(("offline reopen", account_id, symbol))
        return TradingChange(account_id, "ACTIVE", "")

    def recover(self, account_id: str, *, dry_run: bool) -> RecoveryOutcome:
        self.asked.append(("offline recover", account_id, dry_run))
        self._may_fail("offline recover")
        return self.outcome

    def initialise(self) -> Initialised:
        return Initialised("data/steadyhand.db", True, "acc00001-x", "default")

    def migrate(self) -> Migrated:
        return Migrated("data/steadyhand.db", ("0002",), Path("data/old.db"))

    def back_up(self, target: Path | None) -> BackedUp:
        self._may_fail("back_up")
        return BackedUp(target or Path("data/backups/b.tar.gz"), 1_234, 56, 1, self.missing)

    def restore(self, source: Path) -> BackedUp:
        self._may_fail("restore")
        return BackedUp(source, 1_234, 56, 1)

    def cancel_order(self, account_id: str, client_order_id: str) -> OrderCanceled:
        self.asked.append(("offline cancel", account_id, client_order_id))
        self._may_fail("offline cancel")
        return OrderCanceled(client_order_id, "BTCUSDT", False)

    def release_order(self, account_id: str, client_order_id: str, reason: str) -> OrderReleased:
        self.asked.append(("offline release", account_id, client_order_id, reason))
        self._may_fail("offline release")
        return OrderReleased(client_order_id, "BTCUSDT", False)

    def verify_journal(self, account_id: str) -> int:
        self._may_fail("verify")
        return len(self.reads.records)

    def audit(self, account: AccountRow, since_ms: int) -> AuditOutcome:
        self.asked.append(("audit", account.account_id, since_ms))
        self._may_fail("audit")
        return self.audited

    def last_audit(self, account_id: str) -> AuditOutcome | None:
        return self.self_audited

    def checks(self) -> Iterator[Check]:
        return iter(self.health)

    def benchmark(self, arguments: Sequence[str]) -> int:
        self.asked.append(("benchmark", tuple(arguments)))
        return 0


def _sent(snapshot: SessionSnapshot) -> dict[str, Any]:
    """What a snapshot becomes on its way through the socket."""
    sent: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(snapshot))
    return sent


@dataclass
class FakeComposition:
    """Hands out one application and keeps the flags it was asked with."""

    app: FakeApplication = field(default_factory=FakeApplication)
    flags: dict[str, str] = field(default_factory=dict)
    fails: Exception | None = None

    problems: tuple[str, ...] = ()

    def load(
        self, flags: Mapping[str, str], needs: Collection[str] | None = None, tell: Tell = print
    ) -> Application:
        if self.fails is not None:
            raise self.fails
        for line in self.problems:
            tell(line)
        self.flags = dict(flags)
        return self.app

    def serve_testnet(self, request: TestnetRequest) -> None:
        self.app.asked.append(("testnet", request))
