from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.performance.drawdown import Drawdown, drawdown
from src.domain.performance.equity import DAY_MS, HOUR_MS, MINUTE_MS, Flow, bucket_for, curve, returns
from src.domain.shared.errors import InvariantViolated
from tests.domain.performance.histories import START_MS, marks


def test_returns_are_from_the_last_mark_of_a_bucket_to_that_of_the_next():
    points = curve(marks("100", "105", "110", "99", every_ms=DAY_MS // 2))

    assert returns(points, DAY_MS) == pytest.approx([D(99) / D(105) - 1])


def test_days_without_a_mark_are_no_days():
    points = curve([*marks("100"), *marks("110", "121", start_ms=START_MS + 9 * DAY_MS)])

    assert returns(points, DAY_MS) == pytest.approx([D("0.1"), D("0.1")])


def test_a_deposit_is_no_profit_and_a_withdrawal_no_loss():
    paid = [Flow(START_MS + DAY_MS - 1, D(900)), Flow(START_MS + 2 * DAY_MS, D(-500))]

    points = curve(marks("100", "1010", "510"), paid)

    assert returns(points, DAY_MS) == pytest.approx([D("0.1"), D(0)])
    assert [point.flow for point in points] == [D(0), D(900), D(-500)]


def test_capital_before_the_first_mark_is_part_of_it():
    points = curve(marks("100", "101"), [Flow(0, D(100))])

    assert returns(points, DAY_MS) == [D("0.01")]
    assert drawdown(points).amount == 0


def test_an_account_without_equity_earns_no_return_until_it_has_some():
    points = curve(marks("0", "100", "110"), [Flow(START_MS + 1, D(100))])

    assert [point.unit for point in points] == [D(1), D(1), D("1.1")]


def test_after_everything_is_lost_there_are_no_returns():
    assert returns(curve(marks("100", "0", "0")), DAY_MS) == [D(-1)]


def test_marks_may_come_in_any_order():
    given_marks = marks("100", "90", "120")

    assert curve(given_marks[::-1]) == curve(given_marks)


@pytest.mark.parametrize(
    ("count", "every_ms", "bucket_ms"),
    [
        (31, DAY_MS, DAY_MS),
        (30, DAY_MS, DAY_MS),
        (24 * 60, MINUTE_MS, MINUTE_MS),
        (31 * 60, MINUTE_MS, HOUR_MS),
        (30 * 60, MINUTE_MS, MINUTE_MS),
        (2, MINUTE_MS, MINUTE_MS),
        (60, 10 * MINUTE_MS, HOUR_MS),
        (0, MINUTE_MS, MINUTE_MS),
        (40, 10 * DAY_MS, 10 * DAY_MS),
        (40, 36 * HOUR_MS, DAY_MS),
    ],
)
def test_returns_are_taken_over_the_longest_bucket_that_gives_thirty(count, every_ms, bucket_ms):
    assert bucket_for(curve(marks(*["1"] * count, every_ms=every_ms))) == bucket_ms


def test_returns_over_less_than_the_time_between_marks_are_refused():
    points = curve(marks("1", "1", "1", every_ms=10 * MINUTE_MS))

    assert bucket_for(points, HOUR_MS) == HOUR_MS
    with pytest.raises(InvariantViolated, match="marked every 600 s"):
        bucket_for(points, MINUTE_MS)


def test_a_drawdown_worked_by_hand():
    # Peak 120 on day 1, trough 90 on day 3, back on day 5; then 130, and 10 below it until the end.
    points = curve(marks("100", "120", "100", "90", "110", "120", "130", "120", "125"))

    assert drawdown(points) == Drawdown(D(30), D("0.25"), 4 * DAY_MS)


def test_a_drawdown_that_did_not_end_lasts_until_the_last_mark():
    assert drawdown(curve(marks("100", "90", "95", "99"))).duration_ms == 3 * DAY_MS


def test_standing_still_at_a_peak_is_no_drawdown():
    assert drawdown(curve(marks("100", "100", "100"))) == Drawdown()


def test_a_withdrawal_is_no_drawdown():
    points = curve(marks("100", "40", "44"), [Flow(START_MS + 1, D(-60))])

    assert drawdown(points) == Drawdown()


equities = st.lists(st.integers(1, 10**6).map(D), min_size=1, max_size=40)


@given(equities)
def test_a_drawdown_is_the_worst_fall_between_any_two_marks(values):
    points = curve(marks(*values))

    falls = [(a - b, 1 - b / a) for i, a in enumerate(values) for b in values[i:]]

    worst = drawdown(points)
    assert worst.amount == max(fall for fall, _ in falls)
    assert float(worst.share) == pytest.approx(float(max(share for _, share in falls)), abs=1e-12)


@given(equities, st.integers(1, 10**6))
def test_money_paid_in_at_a_mark_changes_no_return(values, amount):
    paid_at = START_MS + DAY_MS
    richer = [value + (amount if i else 0) for i, value in enumerate(values)]

    plain = returns(curve(marks(*values[:2])), DAY_MS)
    paid = returns(curve(marks(*richer[:2]), [Flow(paid_at, D(amount))]), DAY_MS)

    assert plain == paid
