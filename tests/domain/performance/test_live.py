from collections.abc import Iterator
from decimal import Decimal as D
from decimal import localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.money import MONEY_CONTEXT
from src.domain.performance.equity import DAY_MS, HOUR_MS, MINUTE_MS, EquityMark, Flow
from src.domain.performance.history import TradingHistory
from src.domain.performance.live import CurveTally
from src.domain.performance.report import report
from tests.domain.performance.histories import START_MS, marks, random_equities


@pytest.fixture(autouse=True, scope="module")
def money_context() -> Iterator[None]:
    """Every entry point of the program sets it."""
    with localcontext(MONEY_CONTEXT):
        yield


def followed(points: list[EquityMark], every_ms: int, flows: dict[int, D] | None = None) -> CurveTally:
    tally = CurveTally(every_ms)
    for point in points:
        tally.add(point.at_ms, point.equity, (flows or {}).get(point.at_ms, D(0)))
    return tally


@given(
    st.lists(st.integers(-5, 10**6), min_size=1, max_size=150),
    st.integers(0, HOUR_MS),
    st.sampled_from([MINUTE_MS, 30_000, 20 * MINUTE_MS, HOUR_MS]),
)
def test_a_curve_followed_mark_by_mark_has_the_figures_of_the_whole(values, offset_ms, every_ms):
    assert_same(marks(*map(D, values), every_ms=every_ms, start_ms=START_MS + offset_ms), every_ms)


@pytest.mark.parametrize("every_ms", [30_000, MINUTE_MS, HOUR_MS, DAY_MS])
@pytest.mark.parametrize("count", [30, 31, 32, 400, 31 * 60])
def test_a_long_curve_has_the_same_ratios(count, every_ms):
    assert_same(marks(*random_equities(count, count), every_ms=every_ms), every_ms)


def assert_same(points: list[EquityMark], every_ms: int) -> None:
    live = followed(points, every_ms).figures()

    whole = report(TradingHistory("USDT", marks=points)).curve
    assert whole is not None
    assert (live.total_return, live.drawdown) == (whole.total_return, whole.drawdown)
    if len(points) > 1:
        assert (live.bucket_ms, live.returns) == (whole.risk.bucket_ms, whole.risk.returns)
    assert (live.sharpe, live.sortino, live.volatility) == (
        whole.risk.sharpe,
        whole.risk.sortino,
        whole.risk.volatility,
    )


@pytest.mark.parametrize(
    "values",
    [("100", "0", "0"), ("100", "-5", "10", "20"), ("0", "10", "20"), ("-1",), ("1", "-1", "1", "-1", "0")],
)
def test_an_account_that_lost_everything_has_no_returns_any_more(values):
    assert_same(marks(*values, every_ms=DAY_MS), DAY_MS)


def test_returns_that_have_ended_are_taken_over_the_buckets_of_the_whole_curve():
    equities = [*random_equities(1, 300), D(-1), *random_equities(2, 2_000)]

    assert_same(marks(*equities, every_ms=MINUTE_MS), MINUTE_MS)


def test_what_is_paid_in_between_two_marks_is_no_return():
    points = marks("100", "210", "231", every_ms=MINUTE_MS)
    paid_ms = points[1].at_ms

    live = followed(points, MINUTE_MS, {paid_ms: D(100)}).figures()

    whole = report(TradingHistory("USDT", marks=points, transfers=[Flow(paid_ms, D(100))])).curve
    assert whole is not None
    assert live.total_return == whole.total_return == D("0.21")


def test_before_the_first_mark_nothing_is_known():
    live = CurveTally(MINUTE_MS).figures()

    assert live.total_return is live.sharpe is None and live.drawdown is None


def test_the_figures_go_on_after_they_were_asked_for():
    points = marks(*random_equities(7, 90), every_ms=MINUTE_MS)
    tally, asked = CurveTally(MINUTE_MS), CurveTally(MINUTE_MS)

    for point in points:
        tally.add(point.at_ms, point.equity)
        asked.add(point.at_ms, point.equity)
        asked.figures()

    assert tally.figures() == asked.figures()
