from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.performance.trades import ClosedTrade, TradeTally
from tests.domain.performance.histories import START_MS, a_trip

amounts = st.integers(-(10**10), 10**10).map(lambda n: D(n).scaleb(-8))


def test_the_figures_of_five_trades_worked_by_hand():
    nets = ["10", "-4", "6", "-2", "0"]

    figures = TradeTally.of(ClosedTrade(a_trip(net)) for net in nets).figures()

    assert (figures.trades, figures.won, figures.lost) == (5, 2, 2)
    assert (figures.gross_profit, figures.gross_loss, figures.net_pnl) == (D(16), D(6), D(10))
    assert figures.win_rate == D("0.5")
    assert figures.profit_factor == pytest.approx(D(16) / D(6))
    assert (figures.expectancy, figures.average_win, figures.average_loss) == (D(2), D(8), D(3))
    assert figures.payoff_ratio == pytest.approx(D(8) / D(3))
    assert (figures.best, figures.worst) == (D(10), D(-4))
    assert figures.average_held_ms == 60_000


def test_a_result_is_net_of_both_commissions_and_of_funding():
    trip = a_trip("10", commission=D("1.25"))

    figures = TradeTally.of([ClosedTrade(trip, D("-0.5"))]).figures()

    assert (figures.pnl, figures.commission, figures.funding) == (D(10), D("1.25"), D("-0.5"))
    assert figures.net_pnl == figures.gross_profit == D("8.25")


def test_a_trade_that_its_commission_turns_into_a_loss_is_lost():
    figures = TradeTally.of([ClosedTrade(a_trip("1", commission=D("1.5")))]).figures()

    assert (figures.won, figures.lost, figures.gross_loss) == (0, 1, D("0.5"))


def test_without_trades_every_ratio_is_undefined():
    figures = TradeTally().figures()

    assert figures.trades == 0 and figures.net_pnl == 0
    assert figures.win_rate is figures.profit_factor is figures.expectancy is figures.payoff_ratio is None
    assert figures.best is figures.worst is figures.sqn is None
    assert figures.average_held_ms is None


def test_without_a_loss_there_is_no_profit_factor_and_without_a_win_it_is_zero():
    won = TradeTally.of([ClosedTrade(a_trip("3"))]).figures()
    lost = TradeTally.of([ClosedTrade(a_trip("-3"))]).figures()

    assert won.profit_factor is None and won.payoff_ratio is None
    assert lost.profit_factor == 0 and lost.payoff_ratio is None


def test_only_trades_that_came_out_even_leave_the_win_rate_undefined():
    assert TradeTally.of([ClosedTrade(a_trip("0"))]).figures().win_rate is None


def test_the_system_quality_of_thirty_trades_worked_by_hand():
    # Fifteen results of 3 and fifteen of -1: mean 1, sum of squares 150, variance (150 - 900/30) / 29.
    trades = [ClosedTrade(a_trip(net)) for net in ["3", "-1"] * 15]

    sqn = TradeTally.of(trades).figures().sqn

    assert sqn == pytest.approx(D(30).sqrt() / (D(120) / 29).sqrt())


def test_the_system_quality_needs_thirty_trades_that_differ():
    few = TradeTally.of(ClosedTrade(a_trip(net)) for net in ["3", "-1"] * 14)
    same = TradeTally.of(ClosedTrade(a_trip("2")) for _ in range(40))

    assert few.figures().sqn is None
    assert same.figures().sqn is None


@given(st.lists(amounts, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_trades_changes_nothing(nets, draw):
    trades = [ClosedTrade(a_trip(format(net, "f"), closed_ms=START_MS + i)) for i, net in enumerate(nets)]
    shuffled = list(trades)
    draw.shuffle(shuffled)

    assert TradeTally.of(trades).figures() == TradeTally.of(shuffled).figures()


@given(st.lists(amounts, max_size=40))
def test_won_and_lost_add_up_to_the_result_to_the_last_digit(nets):
    figures = TradeTally.of(ClosedTrade(a_trip(format(net, "f"))) for net in nets).figures()

    assert figures.gross_profit - figures.gross_loss == figures.net_pnl == sum(nets, D(0))
