from decimal import Decimal as D

import pytest

from src.domain.performance.equity import DAY_MS, HOUR_MS, MINUTE_MS
from src.domain.performance.risk import (
    ReturnTally,
    cagr,
    calmar,
    expected_shortfall,
    risk_figures,
    value_at_risk,
)

# Twenty returns of 2 % and twenty of -1 %: mean 0.5 %, spread 1.5 % around it.
FORTY = [D("0.02"), D("-0.01")] * 20


def tally(values: list[D], bucket_ms: int = DAY_MS) -> ReturnTally:
    found = ReturnTally(bucket_ms)
    for value in values:
        found.add(value)
    return found


def test_sharpe_worked_by_hand():
    spread = (40 * D("0.015") ** 2 / 39).sqrt()

    assert tally(FORTY).sharpe() == pytest.approx(D("0.005") / spread * D(365).sqrt())


def test_sortino_counts_only_what_lies_below_zero():
    below = (20 * D("0.01") ** 2 / 40).sqrt()

    assert tally(FORTY).sortino() == pytest.approx(D("0.005") / below * D(365).sqrt())


def test_a_year_has_all_its_hours():
    hourly, daily = tally(FORTY, HOUR_MS).volatility(), tally(FORTY).volatility()

    assert hourly is not None and daily is not None
    assert hourly == pytest.approx(daily * D(24).sqrt())


def test_below_thirty_returns_nothing_is_said():
    figures = risk_figures(FORTY[:29], DAY_MS, D("0.01"))

    assert figures.returns == 29
    assert figures.sharpe is figures.sortino is figures.calmar is figures.volatility is None
    assert figures.var is figures.cvar is figures.cagr is None
    assert risk_figures(FORTY[:30], DAY_MS, D("0.01")).sharpe is not None


def test_without_variation_there_is_no_sharpe_and_without_a_loss_no_sortino():
    same = tally([D("0.001")] * 40)
    won = tally([D("0.001"), D("0.002")] * 20)

    assert same.sharpe() is None and same.volatility() == 0
    assert won.sharpe() is not None and won.sortino() is None


def test_growth_over_two_years_of_days():
    # Doubled after 730 days: the square root of two a year.
    half = [D(0)] * 729 + [D(1)]

    assert cagr(half, DAY_MS) == pytest.approx(D(2).sqrt() - 1)


def test_growth_needs_a_day_of_returns():
    assert cagr([D("0.001")] * 1_439, MINUTE_MS) is None
    assert cagr([D("0.001")] * 1_440, MINUTE_MS) is not None


def test_who_lost_everything_shrinks_by_all_of_it():
    assert cagr([D(0)] * 40 + [D(-1)], DAY_MS) == -1


def test_calmar_is_growth_over_drawdown_and_undefined_without_one():
    assert calmar(D("0.3"), D("0.1")) == 3
    assert calmar(D("0.3"), D(0)) is None
    assert calmar(None, D("0.1")) is None


def test_the_tail_of_a_hundred_and_one_returns_worked_by_hand():
    # From -50 to 50 in thousandths: the quantile of 5 % is the sixth lowest, -45; the worst six average -47.5.
    values = [D(n).scaleb(-3) for n in range(-50, 51)]

    assert value_at_risk(values) == D("0.045")
    assert expected_shortfall(values) == D("0.0475")
    assert value_at_risk(values, D("0.955")) == D("0.0455")


def test_a_tail_that_still_gained_is_a_negative_loss():
    assert value_at_risk([D("0.01")] * 40) == D("-0.01")
