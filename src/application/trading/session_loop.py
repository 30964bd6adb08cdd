"""The session loop: one writer, one ordered inbox, one thing at a time.

    inbox → decide → one transaction (synced) → effects → publish

Everything that can change the session arrives here as an input and is worked off in order. What was decided is
durable before any byte leaves; effects run after the commit; events are published after the effects. Inputs that
lead to no effect (an event that only confirms what we know) share the commit of their batch: what is lost of them
in a crash, the exchange tells again. If a commit fails, nothing is retried: the process leaves RUNNING and recovers
from disk at its next start.
"""

from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from src.application.ports import market_data as m
from src.application.ports.broker import Broker, UserEvent
from src.application.ports.event_bus import EventBus
from src.application.ports.failpoints import failpoint
from src.application.ports.inputs import Inputs
from src.application.ports.kill_switch import KillSwitch
from src.application.ports.store import Store
from src.application.trading.market_desk import MarketDesk
from src.application.trading.outbox import Outbox
from src.application.trading.stream_witness import StreamWitness
from src.application.trading.topics import TRADE_CLOSED_TOPIC, by_moment, topic_of
from src.domain.decisions.decide import decide
from src.domain.decisions.effects import Effect
from src.domain.decisions.news import News, StreamEnded, StreamNews, Tick
from src.domain.decisions.step import Now, Policy, Step
from src.domain.ledger.events import Event
from src.domain.ledger.state import Ledger
from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.domain.orders import news as o
from src.domain.positions.position import RoundTrip
from src.domain.shared.errors import IllegalTransition

Result = TypeVar("Result")

BATCH_INPUTS = 256
TICK_MS = 1_000
COMMITTED_TOPIC = "session.committed"
BATCHES_BEFORE_BREATHING = 16
UNFORESEEN = (ArithmeticError, AttributeError, TypeError)


class SessionLoop:
    """Works off the inbox of one session. The only one that decides for its ledger and calls ``Store.commit``."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        broker: Broker,
        desk: MarketDesk,
        inputs: Inputs,
        bus: EventBus,
        kill_switch: KillSwitch,
        policy: Policy,
        mark_equity_ms: int = 60_000,
    ) -> None:
        self.ledger, self.store = ledger, store
        self.broker = broker
        self.desk = desk
        self.inputs = inputs
        # The clock may have been set back since the last record: session time neither goes back nor stands still.
        self._ahead_ms = desk.ahead_ms = max(0, ledger.account.last_ms - inputs.now_ms())
        self.bus, self.policy = bus, policy
        self.pending = self.stream_lost = False
        self.on_candle: Callable[[Candle], None] = _ignore
        self.on_minute: Callable[[], None] = _ignore
        self.on_trip: Callable[[RoundTrip], None] = lambda trip: None
        self.idle: Callable[[], Awaitable[bool]] = inputs.wait
        self.on_tick: Callable[[], None] = _ignore
        self.reconcile_wanted = ""
        self.witness = StreamWitness()
        self.tick_ms = TICK_MS
        self.frames = self._batches = 0
        self._outbox = Outbox(broker, kill_switch, self.decide)
        self._mark_equity_ms = mark_equity_ms
        self._next_mark_ms = self._next_minute_ms = 0
        self._effects: list[Effect] = []
        self._untold: list[tuple[int, list[Event]]] = []
        self._answers: list[tuple[Future[Any], object]] = []
        self._late: list[tuple[StreamNews, list[str]]] = []
        self._staged = self._handed_over = self._ticking = False

    @property
    def orders_sent(self) -> int:
        """How many orders were handed to the broker."""
        return self._outbox.orders_sent

    def now_ms(self) -> int:
        """Session time, ms since the epoch, UTC: that of the inputs, but never before the last record."""
        return self.inputs.now_ms() + self._ahead_ms

    # --- deciding -------------------------------------------------------------------------------------------

    def decide(self, news: News) -> Step:
        """Work one piece of news into the ledger; its records are staged, its effects wait for the commit."""
        session_ms = self.inputs.now_ms() + self._ahead_ms
        venue_ms, _ = self.broker.venue_time()
        step = decide(self.ledger, self.desk, self.policy, news, Now(session_ms, venue_ms))
        if step.events:
            self._untold.append((session_ms, step.events))
            self.store.stage(session_ms, step.events)
            self._staged = True
        if step.effects:
            self._effects += step.effects
            self.pending = True
        return step

    async def flush(self) -> None:
        """Commit what was decided, then act on it, then tell the world."""
        while self.pending or self._staged:
            if self._late:
                await self._decide_late()
            self.pending = self._staged = False
            # The commit clears them.
            closed = tuple(self.ledger.changes.round_trips)
            await self.store.commit(self.ledger)
            failpoint("session.committed")
            effects, self._effects = self._effects, []
            if effects:
                self._handed_over = True
                # Whatever is wanted already, effects are run: they must not stand behind an "or".
                wanted = self._outbox.run(effects)
                self.reconcile_wanted = self.reconcile_wanted or wanted
            failpoint("session.effects_done")
            self._publish(closed)
            answers, self._answers = self._answers, []
            for future, result in answers:
                if not future.done():
                    future.set_result(result)

    def _publish(self, closed: tuple[RoundTrip, ...]) -> None:
        untold, self._untold = self._untold, []
        for at_ms, events in by_moment(untold):
            self.bus.publish(COMMITTED_TOPIC, (at_ms, events))
            for event in events:
                self.bus.publish(topic_of(event), event)
        for trip in closed:
            self.on_trip(trip)
            self.bus.publish(TRADE_CLOSED_TOPIC, trip)

    # --- inputs: the exchange -------------------------------------------------------------------------------

    def on_submit_outcome(self, outcome: o.SubmitOutcome) -> None:
        """The answer to a submit."""
        self.decide(outcome)

    def on_cancel_outcome(self, outcome: o.CancelOutcome) -> None:
        """The answer to a cancel."""
        self.decide(outcome)

    def on_modify_outcome(self, outcome: o.ModifyOutcome) -> None:
        """The answer to an amendment."""
        self.decide(outcome)

    def on_instruments(self, instruments: list[Instrument]) -> None:
        """Filters were read again: what had waited for them is sent by them."""
        self.desk.learn(instruments)
        self.decide(Tick())

    def on_user_event(self, event: UserEvent) -> None:
        """An event of the user stream: journalled raw, then interpreted; settled orders it names come back."""
        trouble = ""
        meaning: tuple[o.OrderNews | o.IncomeReport | o.WalletMoved, ...] = ()
        try:
            meaning = self.broker.interpret(event)
        except ValueError as error:
            trouble = str(error)
        self.witness.heard(event.stream_epoch, meaning, trouble)
        news = StreamNews(event.stream_epoch, event.raw, meaning, trouble)
        orders = self.ledger.orders
        strange = [
            item.order.client_order_id
            for item in meaning
            if isinstance(item, o.OrderNews) and item.order.client_order_id not in orders
        ]
        if strange:
            # The store is asked when the batch ends, which it does here: no later input overtakes this one.
            self._late.append((news, strange))
            self.pending = True
        else:
            self.decide(news)

    def on_stream_lost(self, stream_epoch: int, reason: str) -> None:
        """The user stream ended: ask the exchange what was missed."""
        self.stream_lost = True
        self.witness.broken()
        self.desk.suspension = f"the user stream is lost: {reason}"
        self.decide(StreamEnded(stream_epoch, reason))
        self.reconcile_wanted = self.reconcile_wanted or reason

    async def _decide_late(self) -> None:
        """News of orders outside the working set: with the settled orders that the store knows by these names."""
        late, self._late = self._late, []
        for news, names in late:
            found = [await self.store.find_order(name) for name in names]
            self.decide(replace(news, known=tuple(order for order in found if order is not None)))

    # --- inputs: the market ---------------------------------------------------------------------------------

    def on_ticker(self, frame: m.TickerFrame, now_ms: int) -> None:
        """Best prices."""
        self.frames += 1
        self.desk.on_ticker(frame, now_ms)

    def on_trade(self, frame: m.TradeFrame, now_ms: int) -> None:
        """A public trade; it may close a candle, on which strategies decide."""
        self.frames += 1
        for candle in self.desk.on_trade(frame, now_ms):
            self.on_candle(candle)

    def on_point(self, frame: m.PointFrame, now_ms: int) -> None:
        """Best prices, and a public trade after them."""
        self.frames += 2
        for candle in self.desk.on_point(frame, now_ms):
            self.on_candle(candle)

    def on_depth(self, frame: m.DepthFrame, now_ms: int) -> None:
        """Changed levels of the book."""
        self.frames += 1
        self.desk.on_depth(frame, now_ms)

    def on_snapshot(self, frame: m.SnapshotFrame, now_ms: int) -> None:
        """The whole book."""
        self.frames += 1
        self.desk.on_snapshot(frame, now_ms)

    def on_mark_price(self, frame: m.MarkFrame, now_ms: int) -> None:
        """The mark price."""
        self.frames += 1
        self.desk.on_mark_price(frame, now_ms)

    # --- inputs: time and commands --------------------------------------------------------------------------

    def start_ticking(self) -> None:
        """Run the watchdogs every ``tick_ms`` of session time from now on, and say every sixtieth time why not."""
        if not self._ticking:
            self._ticking = True
            now_ms = self.inputs.now_ms()
            self._next_mark_ms = now_ms
            self._next_minute_ms = now_ms + 60 * self.tick_ms
            self.inputs.after(self.tick_ms, self._tick)

    def _tick(self) -> None:
        now_ms = self.inputs.now_ms()
        for candle in self.desk.advance(now_ms):
            self.on_candle(candle)
        mark = now_ms >= self._next_mark_ms
        if mark:
            self._next_mark_ms = now_ms + self._mark_equity_ms
        self.decide(Tick(mark_equity=mark))
        self.on_tick()
        if now_ms >= self._next_minute_ms:
            self._next_minute_ms = now_ms + 60 * self.tick_ms
            self.on_minute()
        self.inputs.after(self.tick_ms, self._tick)

    async def ask(self, command: Callable[[], Result]) -> Result:
        """Put a command into the inbox and wait until what it decided is durable."""
        future: Future[Result] = get_running_loop().create_future()
        self.inputs.post(lambda: self._command(command, future))
        return await future

    def _command(self, command: Callable[[], Result], future: Future[Result]) -> None:
        decided = len(self._untold)
        try:
            result = command()
        except (IllegalTransition, ValueError, LookupError, *UNFORESEEN) as error:
            # What nobody foresaw is the caller's alone as long as nothing was decided, and else ends the session.
            if isinstance(error, UNFORESEEN) and len(self._untold) > decided:
                raise
            future.set_exception(error)
            return
        self._answers.append((future, result))
        self.pending = True

    async def turn(self) -> bool:
        """Work off one batch; False when no input will ever come again."""
        count = self.inputs.pump(self, BATCH_INPUTS)
        await self.flush()
        if self.store.checkpoint_due:
            self.store.checkpoint()
        if not count:
            return await self.idle()
        self._batches += 1
        if self._handed_over or self._batches % BATCHES_BEFORE_BREATHING == 0:
            # What was handed to the transport leaves in the tasks of others.
            self._handed_over = False
            await self.inputs.breathe()
        return True


def _ignore(*_: object) -> None:
    """Nobody wants to know yet."""
