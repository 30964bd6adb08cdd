from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.sides import OrderSide
from src.domain.performance.executions import execution_figures, time_in_market, turnover_ratio
from tests.domain.performance.histories import an_execution


def test_slippage_counts_against_the_direction_of_the_trade():
    bought, sold = an_execution("101"), an_execution("101", side=OrderSide.SELL)

    assert (bought.slippage, sold.slippage) == (D(1), D(-1))


def test_fills_worked_by_hand():
    fills = [
        an_execution("101", quantity=D(2), realized_pnl=D(5)),
        an_execution("98", side=OrderSide.SELL, is_maker=True),
        an_execution("100", reference_price=None, commission=D("0.002"), commission_asset="BNB"),
    ]

    figures = execution_figures(fills, "USDT")

    assert (figures.fills, figures.maker_fills) == (3, 1)
    assert (figures.turnover, figures.realized_pnl, figures.commission) == (D(400), D(5), D("0.2"))
    assert figures.other_commission == (("BNB", D("0.002")),)
    # 2 on the first, 2 on the second, of the 300 that have a reference price.
    assert figures.slippage == D(4)
    assert figures.slippage_bps == pytest.approx(D(40_000) / 300)


def test_slippage_is_unknown_without_any_reference_price():
    figures = execution_figures([an_execution(reference_price=None)], "USDT")

    assert figures.slippage is figures.slippage_bps is None


def test_time_counts_once_where_holdings_overlap():
    held = [(10, 30), (20, 40), (60, None), (0, 5)]

    assert time_in_market(held, 0, 100) == D("0.75")


def test_what_was_held_before_and_after_the_period_is_cut_off():
    assert time_in_market([(0, 150)], 100, 200) == D("0.5")


def test_a_period_without_length_has_no_share():
    assert time_in_market([(0, None)], 5, 5) is None


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=10))
def test_the_share_is_that_of_the_moments_in_which_something_was_held(pairs):
    held = [(a, a + b) for a, b in pairs]

    counted = sum(1 for moment in range(5, 40) if any(a <= moment < b for a, b in held))

    assert time_in_market(held, 5, 40) == pytest.approx(D(counted) / 35)


def test_turnover_is_compared_with_the_mean_equity():
    assert turnover_ratio(D(600), [D(100), D(200)]) == 4
    assert turnover_ratio(D(600), []) is None
