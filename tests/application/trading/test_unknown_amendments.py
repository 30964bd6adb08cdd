"""What a read that shows an order as it was proves about its amendment: nothing by itself where reads may lag."""

from dataclasses import replace
from decimal import Decimal

import pytest

from src.application.ports.broker import Consistency
from src.application.trading.services.unknown_amendments import UnknownAmendments
from src.application.trading.services.unknown_outcomes import READS_APART_MS
from src.application.trading.stream_witness import StreamWitness
from src.domain.decisions.news import RequestModify
from src.domain.orders.news import ModifyAccepted, OrderNews
from tests.support.domain_builders import a_report
from tests.support.domain_scene import Scene

MARGIN_MS, LAG_MS, EPOCH = 5_000, 45 * 60_000, 7
LAGGING = Consistency(False, MARGIN_MS, LAG_MS)
PROMPT = Consistency(True, MARGIN_MS, 0)


class Case:
    """A resting order for one whose amendment to three is under way, the stream's testimony, and reads."""

    def __init__(self, consistency: Consistency = LAGGING) -> None:
        self.scene = Scene()
        self.witness = StreamWitness()
        self.witness.opened(EPOCH, 1)
        self.amendments = UnknownAmendments(consistency, self.witness)
        self.order = self.scene.place(limit_price=99, quantity=1)
        self.scene.accept(self.order)
        self.as_it_was = a_report(self.order)
        self.amend(3)

    def amend(self, quantity: int) -> None:
        self.scene.decide(RequestModify(self.order.client_order_id, None, Decimal(quantity), "wanted"))
        assert self.order.modify_deadline_ms is not None
        self.until_ms = self.order.modify_deadline_ms + MARGIN_MS

    def read(self, late_ms: int, quantity: int | None = 1) -> bool:
        """Whether one read, so much venue time after the amendment could arrive, proves that it never happened."""
        shown = [] if quantity is None else [replace(self.as_it_was, quantity=Decimal(quantity))]
        never = self.amendments.judge([self.order], shown, self.until_ms + late_ms)
        assert never in ((), ((self.order.client_order_id, self.order.modify_deadline_ms),))
        return bool(never)


@pytest.mark.parametrize(("late_ms", "proves"), [(-1, False), (0, False), (1, True)])
def test_one_read_disproves_where_reads_show_everything_once_nothing_can_arrive_any_more(late_ms, proves):
    assert Case(PROMPT).read(late_ms) is proves


@pytest.mark.parametrize("promises", [PROMPT, LAGGING])
@pytest.mark.parametrize("quantity", [3, None])
def test_an_order_that_is_as_wanted_or_not_shown_disproves_nothing(promises, quantity):
    case = Case(promises)

    assert not any(case.read(LAG_MS + n * 1_000, quantity) for n in range(1, 9))


def test_where_reads_may_lag_three_of_them_and_the_longest_lag_disprove():
    case = Case()

    assert [case.read(late_ms) for late_ms in (1, 60_000, 120_000, LAG_MS, LAG_MS + 1)] == [False] * 4 + [
        True
    ]


def test_reads_that_follow_each_other_within_a_second_count_once():
    case = Case()

    within = [case.read(LAG_MS + 1 + n) for n in range(0, READS_APART_MS, 100)]
    apart = [case.read(LAG_MS + 1 + n * READS_APART_MS) for n in (1, 2)]

    assert within == [False] * 10
    assert apart == [False, True]


def test_an_order_that_somebody_else_has_amended_since_is_not_as_wanted():
    assert Case(PROMPT).read(1, quantity=5)


def test_a_new_amendment_of_the_same_order_is_judged_anew():
    case = Case()
    for late_ms in (1, 60_000, 120_000):
        case.read(late_ms)
    case.scene.decide(ModifyAccepted(case.order.client_order_id, Decimal(99), Decimal(3), 0))
    case.scene.now_ms += 1
    case.amend(2)

    assert [case.read(LAG_MS + n * 1_000) for n in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(("late_ms", "epoch", "proves"), [(1, EPOCH, True), (0, EPOCH, False), (1, 6, False)])
def test_a_later_event_on_a_stream_that_never_broke_disproves_with_one_read(late_ms, epoch, proves):
    case = Case()
    other = a_report(case.scene.place(), updated_ms=case.until_ms + late_ms)
    case.witness.heard(epoch, (OrderNews(other),), "")

    assert case.read(1) is proves
