from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.performance.attribution import By
from src.domain.performance.daily import daily
from src.domain.performance.equity import DAY_MS, EquityMark, Flow
from src.domain.performance.funding import FundingPayment
from src.domain.performance.history import Period, TradingHistory
from src.domain.performance.report import report
from tests.domain.performance.histories import START_MS, World, a_trip, an_execution, marks

seeds = st.integers(0, 2**32)


@given(seeds, st.sampled_from(By))
def test_the_parts_add_up_to_the_whole_to_the_last_digit(seed, by):
    whole = report(World(seed, 60).history(), by=by)

    parts = whole.groups

    for name in (
        "trades",
        "won",
        "lost",
        "pnl",
        "commission",
        "funding",
        "net_pnl",
        "gross_profit",
        "gross_loss",
    ):
        assert sum((getattr(part.trades, name) for part in parts), D(0)) == getattr(whole.trades, name), name
    for name in ("fills", "turnover", "realized_pnl", "commission", "slippage"):
        values = (getattr(part.executions, name) for part in parts)
        assert sum((v for v in values if v is not None), D(0)) == getattr(whole.executions, name), name
    assert sum((part.open_commission for part in parts), D(0)) == whole.open_commission
    assert sum((part.open_funding for part in parts), D(0)) == whole.open_funding


@given(seeds)
def test_every_commission_and_every_funding_payment_is_somebodys(seed):
    world = World(seed, 60)

    whole = report(world.history())

    assert whole.trades.commission + whole.open_commission == whole.executions.commission
    paid = sum((payment.amount for payment in world.funding), D(0))
    assert whole.trades.funding + whole.open_funding + whole.unheld_funding == paid == whole.funding


def test_funding_that_no_lot_is_known_of_is_told_apart():
    payments = [
        FundingPayment("BTCUSDT", D("-1.5"), START_MS + 1),
        FundingPayment("ETHUSDT", D(2), START_MS + 1),
    ]

    found = report(TradingHistory("USDT", [a_trip("4")], funding=payments))

    assert (found.trades.funding, found.unheld_funding, found.funding) == (D("-1.5"), D(2), D("0.5"))


def test_funding_that_no_lot_is_known_of_is_that_of_the_period():
    payments = [
        FundingPayment("ETHUSDT", D(amount), START_MS + day * DAY_MS) for day, amount in enumerate((2, 3))
    ]

    found = report(TradingHistory("USDT", funding=payments), Period(START_MS + DAY_MS))

    assert found.unheld_funding == found.funding == D(3)


@given(seeds, seeds, st.sampled_from(By))
def test_the_order_in_which_a_history_is_told_changes_nothing(seed, other, by):
    world = World(seed, 40)

    assert report(world.history(shuffled_by=other), by=by) == report(world.history(), by=by)


@given(seeds)
def test_a_strategy_asked_for_alone_has_the_figures_of_its_part(seed):
    history = World(seed, 40).history()

    for part in report(history, by=By.STRATEGY).groups:
        alone = report(history, strategy=part.name)
        assert (alone.trades, alone.executions) == (part.trades, part.executions)
        assert (alone.open_commission, alone.open_funding) == (part.open_commission, part.open_funding)
        assert alone.funding is alone.turnover_ratio is None
        assert alone.curve is None


@given(seeds)
def test_successive_periods_add_up(seed):
    world = World(seed, 60)
    history, middle = world.history(), (START_MS + world.end_ms) // 2

    before, after = report(history, Period(None, middle)), report(history, Period(middle, None))

    whole = report(history)
    assert before.trades.net_pnl + after.trades.net_pnl == whole.trades.net_pnl
    assert before.executions.turnover + after.executions.turnover == whole.executions.turnover


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last():
    history = TradingHistory("USDT", [a_trip(str(i), closed_ms=START_MS + i) for i in (1, 2, 3)])

    found = report(history, Period(START_MS + 1, START_MS + 3))

    assert found.trades.net_pnl == 3


def test_an_account_that_did_nothing_has_a_report_without_figures():
    found = report(TradingHistory("USDT"), by=By.STRATEGY)

    assert found.trades.trades == found.executions.fills == 0
    assert found.exposure_time is found.turnover_ratio is None
    assert found.curve is not None and found.curve.total_return is None
    assert found.curve.drawdown is None
    assert found.groups == ()


def test_the_curve_of_an_account_that_was_paid_into():
    history = TradingHistory(
        "USDT", transfers=[Flow(0, D(100)), Flow(START_MS + 1, D(100))], marks=marks("100", "220", "198")
    )

    curve = report(history).curve

    assert curve is not None and curve.drawdown is not None
    assert (curve.first_equity, curve.last_equity) == (D(100), D(198))
    assert (curve.paid_in, curve.earned) == (D(100), D(-2))
    assert curve.total_return == pytest.approx(D("1.2") * D("0.9") - 1)
    assert (curve.drawdown.amount, curve.drawdown.share) == (D(22), D("0.1"))


def test_the_time_in_the_market_is_between_the_first_and_the_last_mark():
    trip = a_trip(opened_ms=START_MS - DAY_MS, closed_ms=START_MS + DAY_MS // 2)

    found = report(TradingHistory("USDT", [trip], marks=marks("1", "1", "1")))

    assert found.exposure_time == D("0.25")


def test_the_days_worked_by_hand():
    noon = START_MS + DAY_MS // 2
    history = TradingHistory(
        "USDT",
        [a_trip("4", closed_ms=noon), a_trip("-1", closed_ms=noon + DAY_MS)],
        executions=[
            an_execution(at_ms=noon, realized_pnl=D(4), commission=D("0.5")),
            an_execution(at_ms=noon + DAY_MS, realized_pnl=D(-1), commission=D("0.5")),
        ],
        funding=[FundingPayment("BTCUSDT", D("-0.25"), noon + DAY_MS)],
        transfers=[Flow(0, D(100)), Flow(noon + DAY_MS, D(50))],
        marks=[
            EquityMark(START_MS, D(100)),
            EquityMark(noon + 1, D("103.5")),
            EquityMark(noon + DAY_MS + 1, D("151.75")),
        ],
    )

    first, second = daily(history, Period())

    assert (first.day, first.net, first.transfers, first.equity) == (
        "2026-01-05",
        D("3.5"),
        D(100),
        D("103.5"),
    )
    assert (first.trades, first.won, first.lost, first.drawdown) == (1, 1, 0, D(0))
    assert first.earned == D("0.035")
    assert (second.realized_pnl, second.commission, second.funding) == (D(-1), D("0.5"), D("-0.25"))
    assert (second.net, second.transfers, second.equity) == (D("-1.75"), D(50), D("151.75"))
    assert second.earned is not None
    assert second.earned == pytest.approx(D("101.75") / D("103.5") - 1)
    assert second.drawdown == pytest.approx(-second.earned)


def test_what_an_insurance_fund_takes_is_a_loss_of_its_day():
    noon = START_MS + DAY_MS // 2
    history = TradingHistory(
        "USDT",
        transfers=[Flow(0, D(100))],
        other_income=[Flow(noon, D(-30))],
        marks=[EquityMark(START_MS, D(100)), EquityMark(noon + 1, D(70))],
    )

    (day,), whole = daily(history, Period()), report(history)

    assert (day.other, day.net, day.transfers) == (D(-30), D(-30), D(100))
    assert (day.earned, day.drawdown) == (D("-0.3"), D("0.3"))
    assert whole.curve is not None
    assert whole.other_income == D(-30)
    assert (whole.curve.paid_in, whole.curve.total_return) == (D(0), D("-0.3"))


@given(seeds)
def test_the_days_add_up_to_the_report(seed):
    history = World(seed, 60).history()

    days, whole = daily(history, Period()), report(history)

    assert sum((day.realized_pnl for day in days), D(0)) == whole.executions.realized_pnl
    assert sum((day.commission for day in days), D(0)) == whole.executions.commission
    assert sum((day.funding for day in days), D(0)) == whole.funding
    assert sum(day.trades for day in days) == whole.trades.trades
    assert [day.day for day in days] == sorted(day.day for day in days)
