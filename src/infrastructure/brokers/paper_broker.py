"""Paper trading: the Broker port over the simulated exchange, in virtual time.

Nothing here is kinder than the real thing. A request reaches the exchange after a latency and is checked there
against the exchange's own clock; its answer and the user stream travel separately, so an event may come before
the answer, after it, or twice (only events of one kind keep their order, as Binance promises). What was on its
way when the process ended is lost, as in a network; recovery asks by reads. All latencies are drawn by (seed, id),
so the same inputs give the same history. What is delivered to the session is durable at the exchange before.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from src.application.ports.broker import (
    BrokerSink,
    Consistency,
    UserEvent,
    VenueTime,
)
from src.application.ports.failpoints import failpoint
from src.domain.orders.news import (
    Accepted,
    CancelAccepted,
    CancelOutcome,
    CancelRefused,
    IncomeReport,
    ModifyOutcome,
    ModifyRefused,
    NotSent,
    OrderNews,
    SubmitOutcome,
)
from src.domain.orders.ticket import Amendment, Attempt, OrderTicket
from src.infrastructure.brokers.binance_answers import income_report, modify_outcome
from src.infrastructure.brokers.binance_codes import outcome_of_error
from src.infrastructure.brokers.binance_events import WalletNotice, read_event
from src.infrastructure.brokers.paper_reads import PaperReads
from src.infrastructure.brokers.paper_requests import order_request
from src.infrastructure.market_data.frames import MarketFrame
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.latency import LatencyModel
from src.infrastructure.time.timeline import RANK_ANSWER, RANK_EXCHANGE, Timeline

PAPER_ACCOUNT: Final = 1

# A read sees everything accepted before it, nothing is accepted after its deadline by the one clock there is, and
# the exchange lives in this process: what was on its way to it is gone when the process is.
CONSISTENCY: Final = Consistency(
    read_your_writes=True, arrival_margin_ms=0, quiescence_ms=0, requests_die_with_process=True
)

# Reported with the fills that caused them.
_WITH_FILLS: Final = frozenset({"REALIZED_PNL", "COMMISSION"})


class PaperBroker(PaperReads):
    """The first account of a simulated exchange. The driver of the timeline shows it the market by :meth:`on_market`.

    The account must exist in the engine. Reads are answered at once; their failpoints are "broker.read.<name>".
    """

    def __init__(self, engine: Engine, timeline: Timeline, *, latency: LatencyModel | None = None) -> None:
        super().__init__(engine, PAPER_ACCOUNT)
        self._timeline = timeline
        self._latency = latency or LatencyModel()
        self._sink: BrokerSink | None = None
        self._epoch = 0
        self._last_due_ns: dict[str, int] = {}

    # --- the market and time ------------------------------------------------------------------------------

    def on_market(self, frame: MarketFrame) -> None:
        """Show the exchange a market frame; what it causes is on its way when this returns."""
        if self._engine.on_frame(frame):
            self._send_events()

    def on_time(self, now_ms: int) -> None:
        """Move the exchange's time forward without a frame: funding and dead-man switches fall due."""
        if self._engine.advance_time(now_ms):
            self._send_events()

    def hold(self) -> None:
        """Let what the exchange does from now on share commits: it makes one before the session hears of anything."""
        self._engine.hold()

    def release(self) -> None:
        """Whatever the exchange did is durable from here on, and what it will do is at once."""
        self._engine.release()

    @property
    def consistency(self) -> Consistency:
        """Reads see every write; nothing is accepted after its deadline."""
        return CONSISTENCY

    def venue_time(self) -> VenueTime:
        """Engine time, exactly."""
        return VenueTime(self._engine.now_ms, 0)

    # --- the stream ---------------------------------------------------------------------------------------

    async def open(self, sink: BrokerSink) -> int:
        """Open a new user stream; events of the last one that are still on their way are lost."""
        failpoint("broker.open")
        self._epoch = self._engine.open_stream(self._account)
        self._sink = sink
        self._last_due_ns.clear()
        return self._epoch

    async def close(self) -> None:
        """Stop delivering answers and events; the exchange's file stays open for reads."""
        self._sink = None

    def interpret(self, event: UserEvent) -> tuple[OrderNews | IncomeReport, ...]:
        """Say what a raw event means; ValueError when it cannot be read.

        An event about the wallet names no transaction; what was booked at its time is read from the income.
        """
        meaning = read_event(event.raw)
        if meaning is None:
            return ()
        if not isinstance(meaning, WalletNotice):
            return (meaning,)
        rows = self._income_rows(meaning.at_ms, meaning.at_ms)
        return tuple(income_report(row) for row in rows if row["incomeType"] not in _WITH_FILLS)

    def _send_events(self) -> None:
        """Put the engine's new events on their way; each kind arrives in its order, copies whenever."""
        now_ns = self._timeline.now_ns
        for event in self._engine.take_events(ahead=True):
            if event.account != self._account:
                continue
            first_ns, *copies_ns = self._latency.event(str(event.number))
            due_ns = max(now_ns + first_ns, self._last_due_ns.get(event.kind, 0))
            self._last_due_ns[event.kind] = due_ns
            hear = partial(self._hear, self._epoch, event.raw)
            self._timeline.schedule(due_ns, RANK_ANSWER, hear)
            for copy_ns in copies_ns:
                self._timeline.schedule(max(due_ns, now_ns + copy_ns), RANK_ANSWER, hear)

    def _hear(self, epoch: int, raw: str) -> None:
        if self._sink is not None and epoch == self._epoch:
            self._engine.settle()
            failpoint("broker.event")
            self._sink.on_user_event(UserEvent(epoch, raw))

    # --- requests -----------------------------------------------------------------------------------------

    def submit(self, ticket: OrderTicket, attempt: Attempt) -> None:
        """Send the attempt on its way, unless its deadline has passed."""
        failpoint("broker.before_send")
        now_ms = self._engine.now_ms
        if now_ms > attempt.deadline_ms:
            late = NotSent(attempt.client_order_id, f"{now_ms - attempt.deadline_ms} ms past its deadline")
            self._timeline.schedule(self._timeline.now_ns, RANK_ANSWER, partial(self._answer_submit, late))
            return
        # What the network does with the request is not the sender's work: it is drawn once the request has left.
        self._leave(self._timeline, ticket, attempt)
        failpoint("broker.after_send")

    def rehearse(self, ticket: OrderTicket, attempt: Attempt) -> None:
        """Let the order leave on a timeline of its own, where time stands still."""
        self._leave(Timeline(), ticket, attempt)

    def _leave(self, timeline: Timeline, ticket: OrderTicket, attempt: Attempt) -> None:
        timeline.schedule(timeline.now_ns, RANK_EXCHANGE, partial(self._travel, ticket, attempt))

    def _travel(self, ticket: OrderTicket, attempt: Attempt) -> None:
        delay_ns = self._latency.request(attempt.client_order_id)
        self._at_exchange(delay_ns, partial(self._take_submit, ticket, attempt))

    def cancel(self, symbol: str, client_order_id: str, conditional: bool) -> None:
        """Send a request to cancel on its way."""
        failpoint("broker.before_send")
        key = f"cancel:{client_order_id}:{self._timeline.now_ns}"
        take = partial(self._take_cancel, symbol, client_order_id, conditional, key)
        self._at_exchange(self._latency.request(key), take)
        failpoint("broker.after_send")

    def modify(self, amendment: Amendment) -> None:
        """Send an amendment on its way; after its deadline the exchange refuses it."""
        failpoint("broker.before_send")
        key = f"modify:{amendment.client_order_id}:{amendment.timestamp_ms}"
        self._at_exchange(self._latency.request(key), partial(self._take_modify, amendment, key))
        failpoint("broker.after_send")

    def _at_exchange(self, delay_ns: int, action: Callable[[], None]) -> None:
        self._timeline.schedule(self._timeline.now_ns + delay_ns, RANK_EXCHANGE, action)

    def _after_answer_latency(self, key: str, action: Callable[[], None]) -> None:
        due_ns = self._timeline.now_ns + self._latency.answer(key)
        self._timeline.schedule(due_ns, RANK_ANSWER, action)

    def _take_submit(self, ticket: OrderTicket, attempt: Attempt) -> None:
        outcome = self._outcome_of_submit(ticket, attempt)
        self._send_events()
        self._after_answer_latency(attempt.client_order_id, partial(self._answer_submit, outcome))

    def _outcome_of_submit(self, ticket: OrderTicket, attempt: Attempt) -> SubmitOutcome:
        engine, client_order_id = self._engine, attempt.client_order_id
        request = order_request(ticket, attempt)
        try:
            if not ticket.order_type.is_conditional:
                order_id = engine.new_order(self._account, request)["orderId"]
                return Accepted(client_order_id, order_id, None)
            algo_id = engine.new_algo_order(self._account, request)["algoId"]
            return Accepted(client_order_id, None, algo_id)
        except ExchangeError as no:
            return outcome_of_error(client_order_id, no.code, no.message)

    def _take_cancel(self, symbol: str, client_order_id: str, conditional: bool, key: str) -> None:
        outcome: CancelOutcome
        try:
            if conditional:
                self._engine.cancel_algo_order(self._account, client_algo_id=client_order_id)
            else:
                self._engine.cancel_order(self._account, symbol, client_order_id=client_order_id)
            outcome = CancelAccepted(client_order_id)
        except ExchangeError as no:
            outcome = CancelRefused(client_order_id, no.code, no.message)
        self._send_events()
        self._after_answer_latency(key, partial(self._answer_cancel, outcome))

    def _take_modify(self, amendment: Amendment, key: str) -> None:
        outcome = self._outcome_of_modify(amendment)
        self._send_events()
        self._after_answer_latency(key, partial(self._answer_modify, outcome))

    def _outcome_of_modify(self, amendment: Amendment) -> ModifyOutcome:
        name, engine = amendment.client_order_id, self._engine
        try:
            answer = engine.modify_order(
                self._account,
                amendment.symbol,
                amendment.quantity,
                amendment.limit_price,
                amendment.timestamp_ms,
                recv_window=amendment.recv_window_ms,
                client_order_id=name,
            )
        except ExchangeError as no:
            return ModifyRefused(name, no.code, no.message)
        return modify_outcome(name, answer)

    def _answer_submit(self, outcome: SubmitOutcome) -> None:
        if self._sink is not None:
            self._engine.settle()
            failpoint("broker.answer")
            self._sink.on_submit_outcome(outcome)

    def _answer_cancel(self, outcome: CancelOutcome) -> None:
        if self._sink is not None:
            self._engine.settle()
            failpoint("broker.answer")
            self._sink.on_cancel_outcome(outcome)

    def _answer_modify(self, outcome: ModifyOutcome) -> None:
        if self._sink is not None:
            self._engine.settle()
            failpoint("broker.answer")
            self._sink.on_modify_outcome(outcome)
