"""What the absence of an order proves: nothing by itself, and never by a clock that may be ahead."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.ports.broker import Consistency
from src.application.trading.services.unknown_outcomes import FENCE_AFTER_MS, FENCES_MAX, UnknownOutcomes
from src.application.trading.stream_witness import StreamWitness
from src.domain.decisions.news import ImportEmergency
from src.domain.ledger.events import OutcomeDoubted
from src.domain.orders.client_order_ids import emergency_order_id
from src.domain.orders.emergency import EmergencyOrder
from src.domain.orders.news import OrderNews, OutcomeUnknown
from src.domain.orders.order import Order
from src.domain.orders.ticket import Attempt
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from tests.support.domain_builders import BTC, ETH, SELL, a_fill, a_report
from tests.support.domain_scene import Scene

MARGIN_MS, LAG_MS, OTHERS_MS = 5_000, 45 * 60_000, 60_000
EPOCH = 7
LAGGING = Consistency(False, MARGIN_MS, LAG_MS, others_wait_ms=OTHERS_MS)
PROMPT = Consistency(True, MARGIN_MS, 0)


class Case:
    """An entry of unknown outcome, the stream's testimony, and reads that do not show it."""

    def __init__(self, consistency: Consistency = LAGGING, **ticket: Any) -> None:
        self.scene = Scene()
        self.witness = StreamWitness()
        self.witness.opened(EPOCH, 1)
        self.unknown = UnknownOutcomes(consistency, self.witness)
        self.order = self.lose(**ticket)
        self.until_ms = self.order.attempt.deadline_ms + MARGIN_MS

    def lose(self, **ticket: Any) -> Order:
        order = self.scene.place(**ticket)
        self.scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))
        return order

    def read(self, late_ms: int, *, strange: Any = (), disputed: Any = (), at_start: bool = False) -> str:
        """One whole read at so much venue time after the attempt could arrive; what it makes of the order."""
        judgement = self.unknown.judge([self.order], list(strange), self.until_ms + late_ms, at_start)
        self.unknown.agreed(judgement, disputed)
        name = self.order.client_order_id
        return "dead" if name in judgement.dead else "lost" if name in judgement.lost else "open"

    def hear(self, late_ms: int, symbol: str = BTC, stream_epoch: int = EPOCH, **report: Any) -> None:
        """The stream tells of another order of ours."""
        other = self.scene.place(symbol=symbol)
        told = a_report(other, OrderStatus.NEW, updated_ms=self.until_ms + late_ms, **report)
        self.witness.heard(stream_epoch, (OrderNews(told),), "")


# --- time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late_ms", "fate"), [(-1, "open"), (0, "open"), (1, "dead")])
def test_one_read_proves_death_where_reads_show_everything_once_nothing_can_arrive_any_more(late_ms, fate):
    assert Case(PROMPT).read(late_ms) == fate


@pytest.mark.parametrize(("late_ms", "fate"), [(-60_000, "lost"), (0, "lost")])
def test_at_a_start_what_may_still_arrive_is_lost_and_not_dead(late_ms, fate):
    assert Case(PROMPT).read(late_ms, at_start=True) == fate
    assert Case().read(late_ms, at_start=True) == fate


# --- quiescence ---------------------------------------------------------------------------------------------


def test_silence_proves_death_after_three_agreeing_reads_and_the_longest_lag():
    case = Case()

    fates = [case.read(late_ms) for late_ms in (1_000, 60_000, 120_000, LAG_MS, LAG_MS + 1)]

    assert fates == ["lost", "lost", "lost", "lost", "dead"]


def test_reads_are_as_good_as_their_number_however_late_they_come():
    case = Case()

    fates = [case.read(LAG_MS * 10 + n * 1_000) for n in range(4)]

    assert fates == ["lost", "lost", "lost", "dead"]


def test_reads_within_a_second_count_once():
    case = Case()

    fates = [case.read(LAG_MS + 1 + n) for n in range(10)]

    assert set(fates) == {"lost"}


def test_a_trade_that_nobody_can_explain_starts_the_count_anew():
    case = Case()
    for late_ms in (1_000, 60_000, 120_000):
        case.read(late_ms)
    trade = a_fill(None, 9, traded_ms=case.order.attempt.timestamp_ms + 1)

    fates = [case.read(LAG_MS + 1, strange=[trade])]
    fates += [case.read(LAG_MS + 1 + n * 1_000) for n in range(1, 5)]

    assert fates == ["lost", "lost", "lost", "lost", "dead"]


def test_a_trade_of_the_other_side_says_nothing_about_it():
    case = Case()
    for late_ms in (1_000, 60_000, 120_000):
        case.read(late_ms)
    trade = a_fill(None, 9, side=SELL, traded_ms=case.order.attempt.timestamp_ms + 1)

    assert case.read(LAG_MS + 1, strange=[trade]) == "dead"


def test_a_read_in_which_the_position_differs_does_not_count():
    case = Case()

    fates = [case.read(LAG_MS + n * 1_000, disputed={BTC}) for n in range(1, 9)]

    assert set(fates) == {"lost"}


def test_a_read_in_which_the_position_differs_starts_the_count_anew():
    case = Case()
    for late_ms in (1_000, 60_000, 120_000):
        case.read(late_ms)
    case.read(180_000, disputed={BTC})

    fates = [case.read(LAG_MS + n * 1_000) for n in range(1, 5)]

    assert fates == ["lost", "lost", "lost", "dead"]


@given(st.lists(st.integers(-60_000, LAG_MS), max_size=30))
def test_no_reads_before_the_longest_lag_prove_anything(times):
    case = Case()

    assert "dead" not in {case.read(late_ms) for late_ms in sorted(times)}


# --- fences -------------------------------------------------------------------------------------------------


def test_a_later_event_on_an_unbroken_stream_proves_death_at_once():
    case = Case()
    case.hear(1)

    assert case.read(2) == "dead"


@pytest.mark.parametrize(
    "event",
    [
        {"late_ms": 0},
        {"late_ms": 1, "symbol": ETH},
        {"late_ms": 1, "stream_epoch": EPOCH - 1},
        # Conditional orders are told of by events of another kind, whose order is not promised.
        {"late_ms": 1, "algo_id": 5},
    ],
)
def test_what_is_too_early_or_of_another_kind_is_no_fence(event):
    case = Case()
    case.hear(**event)

    assert case.read(2_000) == "lost"


def test_an_event_of_a_conditional_order_is_a_fence_for_a_conditional_one():
    case = Case(
        stop_price=98, order_type=OrderType.STOP_MARKET, side=SELL, reduce_only=True, purpose=Purpose.EXIT
    )
    case.hear(1, algo_id=5)

    assert case.read(2) == "dead"


def test_no_fence_is_wanted_for_a_conditional_order():
    case = Case(
        stop_price=98, order_type=OrderType.STOP_MARKET, side=SELL, reduce_only=True, purpose=Purpose.EXIT
    )
    case.read(1)

    assert case.unknown.fences_wanted(case.scene.ledger, case.until_ms + FENCE_AFTER_MS) == []


@pytest.mark.parametrize("why", ["broken", "unreadable", "opened later"])
def test_a_stream_that_broke_since_the_order_was_sent_testifies_nothing(why):
    case = Case()
    if why == "broken":
        case.witness.broken()
    elif why == "unreadable":
        case.witness.heard(EPOCH, (), "no JSON")
    else:
        case.witness.opened(EPOCH, case.order.intent + 1)
    case.hear(1)

    assert case.read(2) == "lost"
    assert case.unknown.fences_wanted(case.scene.ledger, case.until_ms + 60_000) == []


def test_a_fence_is_wanted_when_no_event_comes_by_itself_and_not_for_ever():
    case = Case()
    ledger = case.scene.ledger

    case.read(1)
    early = case.unknown.fences_wanted(ledger, case.until_ms + FENCE_AFTER_MS - 1)
    late = []
    for _ in range(FENCES_MAX + 2):
        late.append(case.unknown.fences_wanted(ledger, case.until_ms + FENCE_AFTER_MS))
        case.unknown.fence_placed(ledger, BTC)

    assert early == []
    assert late == [[BTC]] * FENCES_MAX + [[]] * 2


def test_a_fence_that_may_not_be_placed_now_is_wanted_again():
    case = Case()
    case.read(1)

    wanted = [case.unknown.fences_wanted(case.scene.ledger, case.until_ms + 60_000) for _ in range(9)]

    assert wanted == [[BTC]] * 9


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("read"), st.integers(-10_000, LAG_MS)),
            st.tuples(st.just("hear"), st.integers(-10_000, 0)),
            st.tuples(st.just("other"), st.integers(-10_000, LAG_MS)),
            st.tuples(st.just("break"), st.just(0)),
        ),
        max_size=25,
    )
)
def test_nothing_but_a_later_event_of_the_symbol_or_enough_silence_proves_death(happenings):
    case = Case()
    fates = set()

    for kind, late_ms in happenings:
        if kind == "read":
            fates.add(case.read(late_ms))
        elif kind == "break":
            case.witness.broken()
        else:
            case.hear(late_ms, ETH if kind == "other" else BTC)

    assert "dead" not in fates


# --- other symbols ------------------------------------------------------------------------------------------


def test_other_symbols_wait_until_the_silence_is_old_enough_and_was_seen_three_times():
    case = Case()
    ledger = case.scene.ledger
    held = []

    for late_ms in (1_000, 30_000, 59_000, 61_000):
        case.read(late_ms)
        held.append(bool(case.unknown.hold(ledger, case.until_ms + late_ms)))

    assert held == [True, True, True, False]


def test_nobody_waits_where_reads_show_everything():
    case = Case(PROMPT)

    assert case.unknown.hold(case.scene.ledger, case.until_ms) == ""


def test_other_symbols_trade_on_as_soon_as_the_order_is_found():
    case = Case()
    case.read(1_000)
    case.scene.accept(case.order)

    assert case.unknown.hold(case.scene.ledger, case.until_ms + 1_000) == ""


def test_each_agreeing_read_is_recorded_with_what_is_known():
    case = Case()
    case.hear(-5)
    recorded: list[OutcomeDoubted] = []

    for late_ms in (1_000, 4_000):
        judgement = case.unknown.judge([case.order], [], case.until_ms + late_ms, at_start=False)
        recorded += case.unknown.agreed(judgement, ())

    assert [(d.reads, d.first_ms, d.last_ms) for d in recorded] == [
        (1, case.until_ms + 1_000, case.until_ms + 1_000),
        (2, case.until_ms + 1_000, case.until_ms + 4_000),
    ]
    assert {(d.client_order_id, d.arrives_until_ms, d.fence_ms) for d in recorded} == {
        (case.order.client_order_id, case.until_ms, case.until_ms - 5)
    }


def test_no_stream_testifies_for_an_order_that_was_sent_around_the_session():
    case = Case()
    ticket, venue_ms = case.order.ticket, case.order.attempt.timestamp_ms
    name = emergency_order_id(case.scene.ledger.account.namespace, venue_ms, 1)
    sent = EmergencyOrder(ticket, Attempt(name, venue_ms, 5_000))
    case.scene.decide(ImportEmergency((sent,)))
    case.order = case.scene.ledger.orders[name]

    case.hear(1)

    assert not case.witness.listens_since(case.order)
    assert case.read(2) == "lost"
