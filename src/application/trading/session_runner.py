"""The life of one session in one process: take over or open, recover, run, stop.

Start-up and crash recovery are the same code. RUNNING is reached only through recovery, and whatever goes wrong
after that ends the process rather than being repaired in memory: the next start repairs it from disk.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from enum import StrEnum

from src.application.ports.failpoints import failpoint
from src.application.trading.account_setup import prepare_account
from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter
from src.application.trading.back_fill import BackFill
from src.application.trading.candle_memory import CandleMemory
from src.application.trading.dead_man import DeadManSwitch
from src.application.trading.halting import SwitchWatch
from src.application.trading.live_strategy_runner import LiveStrategyRunner
from src.application.trading.order_execution_bridge import OrderExecutionBridge
from src.application.trading.rehearsal import Rehearsal
from src.application.trading.services.pretrade_risk_validator import PretradeRiskValidator
from src.application.trading.services.state_recovery_service import RecoveryReport, StateRecoveryService
from src.application.trading.session_loop import SessionLoop
from src.application.trading.session_parts import SessionParts
from src.application.trading.signal_desk import SignalDesk
from src.application.trading.strategy_board import StrategyBoard
from src.application.trading.synchrony import Synchrony
from src.application.trading.winding_up import ROUND_MS, StillOpen, WindingUp
from src.domain.decisions.news import MoveSession, OpenSession, RaiseAlarm, TakeOver
from src.domain.ledger.evolve import open_ledger
from src.domain.ledger.state import Ledger
from src.domain.orders.transitions import AttemptState
from src.domain.sessions.session import SessionOptions, SessionTrigger, TradingSession, TradingSessionStatus

FLATTENS = ", closing positions"
FILES_CHECKED_EVERY_MS = 10_000


class ContradictingOptions(ValueError):
    """An unfinished session is resumed with other options than it was started with."""


class EndCause(StrEnum):
    """Why a session came to its end."""

    DURATION = "duration"
    END_OF_DATA = "end_of_data"
    STOP = "stop"
    SIGNAL = "signal"


_END_TEXT = {
    EndCause.DURATION: "its time is over",
    EndCause.END_OF_DATA: "the market is over",
    EndCause.STOP: "asked for",
    EndCause.SIGNAL: "the process was told to end",
}


class SessionRunner:
    """Runs one session. Call :meth:`start`, then :meth:`run` until it returns, then read the ledger.

    With ``flatten`` its positions are closed at its end, whatever ends it.
    """

    def __init__(self, parts: SessionParts, *, flatten: bool = False) -> None:
        self.parts = parts
        self.resumed = False
        self.finished = False
        self.ended: EndCause | None = None
        self._flatten = flatten
        self._files_due_ms = 0
        self._switch: SwitchWatch
        self.loop: SessionLoop
        self.recovery: StateRecoveryService
        self.synchrony: Synchrony
        self.signals: SignalDesk
        self.strategies: LiveStrategyRunner
        self.board: StrategyBoard
        self.validator: PretradeRiskValidator

    # --- start ----------------------------------------------------------------------------------------------

    async def start(self, once_ours: Callable[[], None] = lambda: None) -> RecoveryReport:
        """Take the lease, take over or open the session, recover, and be RUNNING (or PAUSED, if it was).

        ``once_ours`` is called once the account is ours; if it raises, nothing is opened or taken over.
        """
        parts = self.parts
        await parts.store.open_account(parts.account, parts.inputs.now_ms())
        epoch = await parts.store.acquire(parts.account.account_id, parts.owner)
        failpoint("session.lease_taken")
        ledger = await parts.store.load(parts.account.account_id) or open_ledger(parts.account)
        self._check_options(ledger)
        once_ours()
        parts.inputs.begin_at(ledger.account.last_ms)
        self._assemble(ledger)
        # Before the session is opened: one that the exchange does not allow must not stay behind, unfinished.
        self.resumed = ledger.session is not None and ledger.session.is_unfinished
        undone = await prepare_account(parts, resumes=self.resumed)
        if self._dead_man is not None and self._has_past:
            undone += await self._dead_man.take_over(parts.options.symbols)
        loop = self.loop
        loop.decide(TakeOver(epoch))
        if not self.resumed:
            loop.decide(OpenSession(parts.ids.session_id(), parts.options))
        for text in undone:
            loop.decide(RaiseAlarm("account", text))
        await loop.flush()
        failpoint("session.opened")
        report = await self.recovery.recover("start", new_stream=True, at_start=True)
        # The switch may have been thrown while nothing ran.
        self._switch.look()
        await loop.flush()
        if self.session.status is TradingSessionStatus.STOPPING:
            self.ended = EndCause.STOP
            self._flatten = self._flatten or self.session.reason.endswith(FLATTENS)
        self._take_up_the_past()
        self._name_the_gone()
        loop.tick_ms = parts.tick_ms
        loop.start_ticking()
        self.synchrony.start()
        return report

    def _check_options(self, ledger: Ledger) -> None:
        session = ledger.session
        if session is None or not session.is_unfinished or session.options == self.parts.options:
            return
        wanted, has = self.parts.options, session.options
        names = [n for n in SessionOptions.__dataclass_fields__ if getattr(wanted, n) != getattr(has, n)]
        told = ", ".join(f"{n} {getattr(has, n)} (now {getattr(wanted, n)})" for n in names)
        raise ContradictingOptions(
            f"session {session.id} is unfinished and was started with {told}: start without these options "
            "to resume it, or stop it first"
        )

    def _assemble(self, ledger: Ledger) -> None:
        parts = self.parts
        self.loop = SessionLoop(
            ledger, parts.store, parts.broker, parts.desk, parts.inputs, parts.bus, parts.kill_switch,
            parts.policy, parts.mark_equity_ms,
        )  # fmt: skip
        options = parts.options
        self.recovery = StateRecoveryService(
            self.loop, options.symbols, parts.side_journal, has_a_past=parts.has_a_past
        )
        self.synchrony = Synchrony(self.loop, self.recovery)
        self._has_past = ledger.session is not None
        self.candles = CandleMemory(parts)
        self.strategies = LiveStrategyRunner(
            event_bus=parts.bus, symbols=options.symbols, guest_stopwatch=parts.stopwatch
        )
        history, load = self.candles.history, parts.load_strategy
        self.board = StrategyBoard(self.loop, self.strategies, options, history, load)
        self.board.open()
        self.validator = PretradeRiskValidator(ledger, parts.desk, parts.limits)
        market_orders, tolerance = options.use_market_orders, options.slippage_tolerance
        stop, target = options.stop_loss_pct, options.take_profit_pct
        self.adapter = LiveBrokerAdapter(
            parts.desk, market_orders, tolerance, options.hedge_mode, stop, target
        )
        bridge = OrderExecutionBridge(ledger, parts.desk, self.adapter, parts.sizer, stop, target)
        self.validator.ticket_for = bridge.ticket_for
        self.signals = SignalDesk(
            self.loop,
            self.strategies,
            bridge,
            self.validator,
            options.symbols,
            auto_execute=parts.auto_execute,
        )
        if parts.stays_awake:
            rehearsal = Rehearsal(ledger, parts, self.adapter, self.strategies, self.loop.decide)
            self.loop.idle = rehearsal.spend
        kept = self.candles.before(self.signals.on_candle)
        self._back_fill = BackFill(parts, self.loop, self.candles, self.strategies, kept)
        self.loop.on_candle = self._back_fill.on_candle
        self.loop.on_minute = self._minute
        self.loop.on_trip = parts.sizer.learn
        self._switch = SwitchWatch(parts.kill_switch, self.loop, parts.side_journal)
        self.loop.on_tick = self._look_around
        self._dead_man = DeadManSwitch(ledger, parts.broker, parts.dead_man_ms) if parts.dead_man_ms else None

    def _look_around(self) -> None:
        now_ms = self.parts.inputs.now_ms()
        if now_ms >= self._files_due_ms:
            self._files_due_ms = now_ms + FILES_CHECKED_EVERY_MS
            self.parts.check_files()
        self._switch.look()
        self.synchrony.look()
        if self._dead_man is not None:
            self._dead_man.tick(now_ms, is_deaf=self.loop.stream_lost)

    def _name_the_gone(self) -> None:
        """A symbol that cannot be traded any more, delisted meanwhile, is no reason not to go on with the others."""
        for symbol in self.parts.options.symbols:
            if self.parts.desk.instrument(symbol) is None:
                text = "not to be traded any more: the session goes on without it"
                self.loop.decide(RaiseAlarm(symbol, text))

    def _take_up_the_past(self) -> None:
        """Strategies and figures begin with the candles before this process, the sizer with its session's trades."""
        parts, trades = self.parts, self.session.total_trades
        with ExitStack() as opened:
            reads = None
            if self._has_past and parts.reads is not None:
                reads = opened.enter_context(closing(parts.reads()))
            self._back_fill.begin(reads)
            if reads is not None and trades and parts.sizer.learns:
                for trip in reversed(reads.round_trips(parts.account.account_id, trades)):
                    parts.sizer.learn(trip)

    # --- run ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until the session is stopped or the market is over; then bring it to STOPPED.

        Raises :class:`StillOpen`, and what reading the exchange raises, when that cannot be: the session is STOPPING
        then, and the next start goes on with it.
        """
        loop = self.loop
        alive = True
        while alive and self.ended is None:
            alive = await loop.turn()
            if loop.reconcile_wanted:
                await self.reconcile()
        self.ended = self.ended or EndCause.END_OF_DATA
        await self._stop(_END_TEXT[self.ended])

    async def reconcile(self) -> None:
        """Run the recovery procedure because something asked for it."""
        await self.synchrony.restore()

    def _minute(self) -> None:
        line = self.signals.minute()
        self.parts.bus.publish("session.minute", line)

    # --- stop -----------------------------------------------------------------------------------------------

    def request_stop(self, cause: EndCause, *, flatten: bool = False) -> None:
        """Stop at the end of the current batch: entries are cancelled, positions keep their stops or are closed."""
        self.ended = self.ended or cause
        # The batch ends here: at which input a session stops does not depend on its speed.
        self.loop.pending = True
        self._flatten = self._flatten or flatten

    def stop_after(self, duration_ms: int) -> None:
        """Stop when this much session time has passed."""
        self.parts.inputs.after(duration_ms, lambda: self.request_stop(EndCause.DURATION))

    async def _stop(self, reason: str) -> None:
        loop = self.loop
        session = loop.ledger.session
        assert session is not None, "a session that ran is there"
        await self.strategies.stop()
        self._back_fill.close()
        if session.status is not TradingSessionStatus.STOPPING:
            # What is in the journal is what a process that takes over has to go on with.
            loop.decide(MoveSession(SessionTrigger.STOP, reason + FLATTENS if self._flatten else reason))
        await loop.flush()
        desk, synchrony = self.parts.desk, self.synchrony
        winding_up = WindingUp(loop, self.adapter, desk, synchrony, flattens=lambda: self._flatten)
        try:
            await winding_up.run()
        except StillOpen:
            await self.parts.broker.close()
            raise
        loop.decide(MoveSession(SessionTrigger.CLEANED_UP, reason))
        await loop.flush()
        self.finished = True
        await self.parts.broker.close()

    async def settle(self) -> None:
        """Work until nothing of ours is on its way any more, without trading on."""
        deadline_ms = self.loop.inputs.now_ms() + ROUND_MS
        while self.loop.inputs.now_ms() < deadline_ms:
            on_their_way = (o.attempt_state is AttemptState.OPEN for o in self.loop.ledger.orders.values())
            if not any(on_their_way) or not await self.loop.turn():
                return

    @property
    def session(self) -> TradingSession:
        """The session; valid after :meth:`start`."""
        session = self.loop.ledger.session
        assert session is not None, "the session was opened by start"
        return session

    @property
    def is_running(self) -> bool:
        """Whether the session is RUNNING."""
        return self.session.status is TradingSessionStatus.RUNNING
