"""A stopwatch that stands where the session loop stands: the loop does its work, with a look at the clock around it.

The stages are those of the product's own turn: decode the frame, show it to the market desk, let the strategy
speak, size the order, ask every risk rule, decide (which writes and chains the journal's records), commit, submit.
"""

import json
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Final

from benchmarks.quotes import candle_at
from benchmarks.samples import Samples
from src.application.ports.broker import UserEvent
from src.application.ports.market_data import (
    DepthFrame,
    MarkFrame,
    PointFrame,
    SnapshotFrame,
    TickerFrame,
    TradeFrame,
)
from src.application.strategies.sma_cross import SmaCrossStrategy
from src.application.strategies.streaming import Wish
from src.application.trading.order_execution_bridge import OrderExecutionBridge
from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import PlaceOrder
from src.domain.market.instrument import Instrument
from src.domain.orders.news import CancelOutcome, ModifyOutcome, SubmitOutcome
from src.domain.risk.review import Approved
from src.infrastructure.market_data.decoding import decode_message
from src.infrastructure.market_data.frames import MarketEvent

FILLED: Final = '"x":"TRADE"'
COMMITTED: Final = "session.committed"
SENT: Final = "broker.after_send"
BORDERS: Final = frozenset({COMMITTED, SENT})
STAGES: Final = ("decode", "market", "strategy", "sizing", "risk", "decide", "commit", "submit")


class EveryBar(SmaCrossStrategy):
    """The shipped strategy with all its work; only its answer is a wish at every bar, up and down in turns."""

    _is_up = False

    def _advance(self, close: float) -> Wish | None:
        wish = super()._advance(close)
        self._is_up = not self._is_up
        if wish is not None and wish.is_up is self._is_up:
            return wish
        numbers = (("fast", self._fast_value), ("slow", self._slow_value), ("distance", self._distance))
        return Wish(self._is_up, 0.5, f"The fast average is {self._distance:.2f} from the slow one.", numbers)


@dataclass(slots=True)
class HotPath:
    """What was measured, each the quotes' own order: durations in ns by stage, of the whole, of the references.

    ``path`` is from the frame's bytes to the request handed over, without the commit. ``json`` is json.loads of the
    same message at the same moment, ``disk`` as many bytes as the commit's written and synced plainly right after
    it. ``fills`` are events of the user stream that brought a fill, from their bytes to the position, without the
    commit. ``recoveries`` are the comparisons with the exchange that a running session makes once a minute; the loop
    waits for them. ``in_a_row`` is each stage, and the reference, repeated without anything in between: the cost in
    warm caches.
    """

    stages: dict[str, Samples] = field(default_factory=lambda: {name: Samples(name) for name in STAGES})
    path: Samples = field(default_factory=lambda: Samples("frame to submit"))
    json: Samples = field(default_factory=lambda: Samples("json.loads"))
    disk: Samples = field(default_factory=lambda: Samples("write and sync"))
    commit_bytes: Samples = field(default_factory=lambda: Samples("bytes of a commit"))
    recoveries: Samples = field(default_factory=lambda: Samples("recovery"))
    fills: Samples = field(default_factory=lambda: Samples("fill applied"))
    in_a_row: dict[str, Samples] = field(default_factory=dict)
    resident_bytes: int = 0
    orders_in_memory: int = 0

    @property
    def path_in_a_row(self) -> int:
        """The medians' sum of the stages in a row, ns."""
        return sum(self.in_a_row[name].p50 for name in STAGES if name in self.in_a_row)


class Meter:
    """Takes the inbox's inputs in the loop's place and hands them on; the way of a quote is timed."""

    def __init__(self, result: HotPath) -> None:
        self.result = result
        self.marks: dict[str, int] = {}
        self.is_armed = False
        self.is_warm = False
        self._is_calm = False
        self._spent = dict.fromkeys(STAGES, 0)
        self._message = b""

    def attach(self, runner: SessionRunner) -> None:
        """Take the session's own parts."""
        parts, self.loop = runner.parts, runner.loop
        self.strategies, self.validator = runner.strategies, runner.validator
        # The broker tells the loop itself.
        self._take_event = self.loop.on_user_event
        setattr(self.loop, "on_user_event", self.on_user_event)  # noqa: B010 - a method is put in another's place
        options = parts.options
        self.bridge = OrderExecutionBridge(
            self.loop.ledger,
            parts.desk,
            runner.adapter,
            parts.sizer,
            options.stop_loss_pct,
            options.take_profit_pct,
        )

    def decode(self, message: bytes) -> MarketEvent:
        """Time the decoding."""
        start = perf_counter_ns()
        event = decode_message(message)
        self._spent["decode"] = perf_counter_ns() - start
        self._message = message
        return event

    def on_ticker(self, frame: TickerFrame, now_ms: int) -> None:
        """The way of one quote up to the decision."""
        start = perf_counter_ns()
        self.loop.on_ticker(frame, now_ms)
        shown = perf_counter_ns()
        candle = candle_at(frame.symbol, now_ms - 1_000, frame.bid_price)
        (signal,) = self.strategies.on_candle(candle)
        wished = perf_counter_ns()
        ticket = self.bridge.ticket_for(signal)
        sized = perf_counter_ns()
        verdict = self.validator.review(ticket, self.loop.inputs.now_ms())
        reviewed = perf_counter_ns()
        if not isinstance(verdict, Approved):
            raise RuntimeError(f"no rule may refuse here: {verdict.objection.text}")
        self.loop.decide(PlaceOrder(verdict, self.bridge.note(signal)))
        decided = perf_counter_ns()
        spent = self._spent
        spent["market"], spent["strategy"], spent["sizing"] = shown - start, wished - shown, sized - wished
        spent["risk"], spent["decide"] = reviewed - sized, decided - reviewed
        self.is_armed = True
        self._compare()

    def _compare(self) -> None:
        """Time the reference on the bytes of the same quote, at the end of its way to the decision."""
        start = perf_counter_ns()
        json.loads(self._message)
        if self.is_warm:
            self.result.json.add(perf_counter_ns() - start)

    def on_failpoint(self, name: str) -> None:
        """The borders inside a flush are marked by the product itself; the first of a name counts."""
        if name in BORDERS and self.is_armed and name not in self.marks:
            self.marks[name] = perf_counter_ns()

    async def flush(self) -> bool:
        """Commit and act as the loop does; return whether this was a quote's order, and was timed."""
        self._is_calm = False
        if not self.is_armed:
            await self.loop.flush()
            return False
        self.marks.clear()
        start = perf_counter_ns()
        await self.loop.flush()
        self.is_armed = False
        committed, sent = self.marks[COMMITTED], self.marks[SENT]
        self._spent["commit"], self._spent["submit"] = committed - start, sent - committed
        if self.is_warm:
            self._keep()
        return self.is_warm

    def _keep(self) -> None:
        spent = self._spent
        for name, samples in self.result.stages.items():
            samples.add(spent[name])
        self.result.path.add(sum(spent.values()) - spent["commit"])

    # --- the rest of the inbox, untimed -----------------------------------------------------------------------

    @property
    def pending(self) -> bool:
        """Whether something waits for its commit; before a burst, whatever there is."""
        return self.loop.pending or self._is_calm

    @pending.setter
    def pending(self, is_pending: bool) -> None:
        self.loop.pending = is_pending

    def on_trade(self, frame: TradeFrame, now_ms: int) -> None:
        """A public trade."""
        self.loop.on_trade(frame, now_ms)

    def on_point(self, frame: PointFrame, now_ms: int) -> None:
        """A quote and a trade in one."""
        self.loop.on_point(frame, now_ms)

    def on_depth(self, frame: DepthFrame, now_ms: int) -> None:
        """Changed levels."""
        self.loop.on_depth(frame, now_ms)

    def on_snapshot(self, frame: SnapshotFrame, now_ms: int) -> None:
        """The whole book."""
        self.loop.on_snapshot(frame, now_ms)

    def on_mark_price(self, frame: MarkFrame, now_ms: int) -> None:
        """The mark price comes before a burst: the batch ends here, so that a quote's commit is its own order's."""
        self.loop.on_mark_price(frame, now_ms)
        self._is_calm = True

    def on_submit_outcome(self, outcome: SubmitOutcome) -> None:
        """An answer."""
        self.loop.on_submit_outcome(outcome)

    def on_cancel_outcome(self, outcome: CancelOutcome) -> None:
        """An answer."""
        self.loop.on_cancel_outcome(outcome)

    def on_modify_outcome(self, outcome: ModifyOutcome) -> None:
        """An answer."""
        self.loop.on_modify_outcome(outcome)

    def on_instruments(self, instruments: list[Instrument]) -> None:
        """Filters that have changed."""
        self.loop.on_instruments(instruments)

    def on_user_event(self, event: UserEvent) -> None:
        """An event of the stream; one that brings a fill is timed from its bytes to the position it changed."""
        if FILLED not in event.raw:
            self._take_event(event)
            return
        start = perf_counter_ns()
        self._take_event(event)
        if self.is_warm:
            self.result.fills.add(perf_counter_ns() - start)

    def on_stream_lost(self, stream_epoch: int, reason: str) -> None:
        """The stream ended."""
        self.loop.on_stream_lost(stream_epoch, reason)
