"""What may happen, in any order: hypothesis plays trader, network, exchange, stream, recovery and crash.

A precondition here says only what the exchange guarantees, never what we hope.
"""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from src.domain.decisions.effects import SubmitOrder
from src.domain.decisions.news import MoveTrading, PlaceFence, PlaceOrder, RequestCancel, Tick
from src.domain.orders.news import (
    Accepted,
    CancelAccepted,
    CancelRefused,
    CancelUnknown,
    NotSent,
    OutcomeUnknown,
    Refused,
    SubmitOutcome,
)
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.risk.review import Approved, review_reducing
from src.domain.sessions.trading_states import TradingTrigger
from tests.domain.decisions.exchange_model import Exchange
from tests.domain.decisions.session_model import Reading, Session
from tests.support.domain_builders import BTC, BUY, SELL, a_ticket, an_exit
from tests.support.domain_scene import VENUE_AHEAD_MS

SIDES = st.sampled_from([BUY, SELL])
QUANTITIES = st.sampled_from([Decimal(1), Decimal(2), Decimal("0.5")])
ROUNDS_MAX = 60
CRASHES_MAX = 2


class AnyHistory(RuleBasedStateMachine):
    """One symbol, one exchange, one session."""

    session_class = Session

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange()
        self.session = self.session_class(self.exchange)
        self.answers: list[SubmitOutcome] = []
        self.heard = 0
        self.crashes = 0
        self.reading: Reading | None = None
        self.naked_until_tick = False
        self.pass_time(500)

    @property
    def position(self):
        return self.session.ledger.position(BTC)

    def pass_time(self, ms: int) -> None:
        self.session.scene.now_ms += ms
        self.exchange.now_ms = self.session.scene.now_ms + VENUE_AHEAD_MS

    @initialize(side=SIDES, quantity=QUANTITIES, resting=st.booleans(), begun=st.booleans())
    def begin(self, side, quantity, resting, begun):
        """Most histories begin with a position whose stops are on their way."""
        self.enter(side, quantity, resting)
        if begun:
            self.all_goes_well()

    @rule()
    def all_goes_well(self):
        """What is on its way arrives, is answered, and everything is told; what follows from it is on its way."""
        for request in list(self.session.submits):
            self.settle(request, "taken", Decimal(1))
        while self.answers:
            self.hear_answer(self.answers.pop(0))
        while self.heard < len(self.exchange.told):
            self.the_stream_tells_the_next()

    # --- what the trader does -------------------------------------------------------------------------------

    @rule(side=SIDES, quantity=QUANTITIES, resting=st.booleans())
    def enter(self, side, quantity, resting):
        price = {"limit_price": 100} if resting else {}
        self.session.decide(PlaceOrder(Approved(a_ticket(side=side, quantity=quantity, **price))))

    @precondition(lambda self: not self.position.is_flat)
    @rule(part=st.booleans())
    def leave(self, part):
        quantity = abs(self.position.quantity) / (2 if part else 1)
        verdict = review_reducing(
            self.session.ledger, an_exit(side=self.position.side.opposite, quantity=quantity)
        )
        if isinstance(verdict, Approved):
            self.session.decide(PlaceOrder(verdict))

    @precondition(lambda self: self.session.ledger.orders)
    @rule(data=st.data())
    def want_an_order_to_end(self, data):
        name = data.draw(st.sampled_from(sorted(self.session.ledger.orders)))
        self.naked_until_tick = True
        self.session.decide(RequestCancel(name, "by hand"))

    @precondition(lambda self: self.session.unresolved())
    @rule()
    def cause_an_event(self):
        """A fence, for whatever is of unknown outcome."""
        self.session.decide(PlaceFence(BTC))

    # --- what becomes of requests ---------------------------------------------------------------------------

    @precondition(lambda self: self.session.submits)
    @rule(data=st.data(), fate=st.sampled_from(["taken", "lost", "refused", "turned away", "not sent"]))
    def a_request_is_settled(self, data, fate):
        request = data.draw(st.sampled_from(self.session.submits), "request")
        self.settle(request, fate, data.draw(st.sampled_from([Decimal(1), Decimal("0.5")]), "market share"))

    def settle(self, request: SubmitOrder, fate: str, share: Decimal) -> None:
        self.session.submits.remove(request)
        name = request.attempt.client_order_id
        if fate == "taken":
            held = self.exchange.take(request, share)
            report = self.exchange.report(held)
            ids = report.exchange_order_id, report.algo_id
            self.answers.append(Accepted(name, *ids))
        elif fate in ("refused", "turned away"):
            self.exchange.refuse(request)
            code = -2021 if fate == "refused" else -1008
            self.answers.append(Refused(name, code, "no"))
        elif fate == "not sent":
            self.answers.append(NotSent(name, "no route"))
        else:
            self.answers.append(OutcomeUnknown(name, "timeout"))

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), how=st.sampled_from(["told", "lost", "told again later"]))
    def an_answer_comes(self, data, how):
        answer = data.draw(st.sampled_from(self.answers))
        if how != "told again later":
            self.answers.remove(answer)
        if how == "lost":
            answer = OutcomeUnknown(answer.client_order_id, "timeout")
        self.hear_answer(answer)

    def hear_answer(self, answer: SubmitOutcome) -> None:
        # What could not be sent is tried again with the next tick.
        self.naked_until_tick |= isinstance(answer, NotSent)
        self.session.decide(answer)

    @precondition(lambda self: self.session.cancels)
    @rule(data=st.data(), answered=st.booleans(), arrives=st.booleans())
    def a_cancel_is_settled(self, data, answered, arrives):
        request = data.draw(st.sampled_from(self.session.cancels))
        self.session.cancels.remove(request)
        name = request.client_order_id
        done = arrives and self.exchange.cancel(request)
        if not answered or not arrives:
            self.session.decide(CancelUnknown(name, "timeout"))
        elif done:
            self.session.decide(CancelAccepted(name))
        else:
            self.session.decide(CancelRefused(name, -2011, "unknown order"))

    # --- what the exchange does -----------------------------------------------------------------------------

    def alive(self, *, waiting):
        return [held for held in self.exchange.orders.values() if held.is_open and held.is_waiting is waiting]

    @precondition(lambda self: self.alive(waiting=False))
    @rule(data=st.data(), whole=st.booleans())
    def an_order_trades(self, data, whole):
        held = data.draw(st.sampled_from(self.alive(waiting=False)))
        self.exchange.fill(held, held.quantity if whole else held.quantity / 4)

    @precondition(lambda self: self.alive(waiting=True))
    @rule(data=st.data(), rejected=st.booleans())
    def a_stop_triggers(self, data, rejected):
        self.exchange.trigger(data.draw(st.sampled_from(self.alive(waiting=True))), rejected=rejected)

    @precondition(lambda self: self.alive(waiting=False) + self.alive(waiting=True))
    @rule(data=st.data())
    def the_exchange_ends_an_order(self, data):
        held = data.draw(st.sampled_from(self.alive(waiting=False) + self.alive(waiting=True)))
        self.exchange.end(held, OrderStatus.EXPIRED)

    @rule(side=SIDES, quantity=QUANTITIES)
    def somebody_else_trades(self, side, quantity):
        self.exchange.somebody_trades(side, quantity)

    @precondition(lambda self: self.alive(waiting=False))
    @rule(data=st.data(), quantity=QUANTITIES)
    def somebody_meets_an_order_of_ours(self, data, quantity):
        self.exchange.somebody_meets(data.draw(st.sampled_from(self.alive(waiting=False))), quantity)

    @rule(quarters=st.integers(-4, 4), trigger=st.sampled_from([TradingTrigger.HALT, TradingTrigger.REARM]))
    def funding_is_paid_and_somebody_halts_or_rearms(self, quarters, trigger):
        self.exchange.pay(Decimal(quarters) / 4)
        self.session.decide(MoveTrading(trigger, "wanted", "operator"))

    # --- what we hear ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.exchange.told)
    @rule(data=st.data())
    def the_stream_tells_something(self, data):
        """Anything that ever happened, in any order, again."""
        self.session.hear(data.draw(st.sampled_from(self.exchange.told)))

    @precondition(lambda self: self.heard < len(self.exchange.told))
    @rule()
    def the_stream_tells_the_next(self):
        self.heard += 1
        self.session.hear(self.exchange.told[self.heard - 1])

    @precondition(lambda self: self.heard < len(self.exchange.told))
    @rule()
    def the_stream_skips_the_next(self):
        self.heard += 1

    @precondition(lambda self: self.reading is None)
    @rule()
    def recovery_reads_the_trades(self):
        self.reading = self.session.read_trades()

    @precondition(lambda self: self.reading is not None and self.reading.reports is None)
    @rule()
    def recovery_reads_the_orders(self):
        assert self.reading is not None
        self.session.read_orders(self.reading)

    @precondition(lambda self: self.reading is not None and self.reading.reports is not None)
    @rule(conclusive=st.booleans())
    def recovery_merges_what_it_read(self, conclusive):
        """Dead is what cannot arrive any more; without a promise that it cannot, it is lost."""
        reading, self.reading = self.reading, None
        assert reading is not None
        under_way = {request.attempt.client_order_id for request in self.session.submits}
        gone = tuple(name for name in reading.absent if name not in under_way | self.exchange.orders.keys())
        if conclusive:
            self.session.merge(reading, gone, ())
        else:
            self.session.merge(reading, (), reading.absent)

    @rule()
    def time_passes(self):
        self.pass_time(1_000)
        self.session.decide(Tick())
        self.naked_until_tick = False

    @precondition(lambda self: self.crashes < CRASHES_MAX)
    @rule(data=st.data())
    def the_process_dies_and_the_next_takes_over(self, data):
        """Requests that were decided may have left, or not; their answers reach nobody."""
        self.crashes += 1
        for request in list(self.session.submits):
            if data.draw(st.booleans(), "never left"):
                self.session.submits.remove(request)
        self.session.cancels.clear()
        self.answers.clear()
        self.reading = None
        self.session.crash()
        self.session.recover()

    def pausing(self) -> bool:
        """Whether a stop was turned away for its moment, or its close again and again, and the next try is not due."""
        now_ms = self.session.scene.now_ms
        held = not self.position.is_flat
        return held and any(
            (each.are_transient or (purpose is Purpose.EMERGENCY and each.count > 1))
            and now_ms < each.next_ms + 1_000
            for (_, _, purpose), each in self.session.ledger.refusals.items()
        )

    # --- and in the end ---

    def deliver_everything(self):
        """Until nothing moves any more: requests arrive, answers come, the stream is complete, time passes."""
        for _ in range(ROUNDS_MAX):
            events = 0
            for request in list(self.session.submits):
                self.settle(request, "taken", Decimal(1))
            while self.answers:
                events += len(self.session.decide(self.answers.pop()).events)
            while self.session.cancels:
                self.exchange.cancel(self.session.cancels.pop())
            while self.heard < len(self.exchange.told):
                self.heard += 1
                events += len(self.session.hear(self.exchange.told[self.heard - 1]).events) - 1
            events += len(self.session.recover().events)
            self.pass_time(2_000)
            events += len(self.session.decide(Tick()).events)
            if not (events or self.session.submits or self.session.cancels or self.pausing()):
                return
        raise AssertionError("the session never comes to rest")
