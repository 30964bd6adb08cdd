"""Sizes that depend on the market or on the session's own record, and positions built in steps."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.sizing import (
    FractionalKelly,
    Gradual,
    PercentOfEquity,
    PositionSizer,
    VolatilityTarget,
    parse_sizer,
)
from src.application.sizing.kelly import TRADES_MIN, TradeRecord
from src.domain.market.sides import OrderSide
from src.domain.positions.position import RoundTrip
from tests.application.sizing.test_sizers import an_instrument

D = Decimal
EQUITY, PRICE = D(10_000), D(1_000)


def a_trip(net_pnl: str) -> RoundTrip:
    return RoundTrip("BTCUSDT", "a", OrderSide.BUY, D(1), D(1), D(1), D(net_pnl) + 1, D(1), 0, 1, 1, 2)


def a_kelly(wins: int, won: str, losses: int, lost: str, cap: str = "0.1") -> FractionalKelly:
    sizer = FractionalKelly(cap=D(cap))
    for net_pnl in [won] * wins + [f"-{lost}"] * losses:
        sizer.learn(a_trip(net_pnl))
    return sizer


def test_before_thirty_trades_the_fallback_is_used_and_said():
    sized = a_kelly(20, "10", 9, "5").size(EQUITY, PRICE, None, an_instrument())

    assert sized.quantity == D("0.2")
    assert sized.note == "29 of 30 trades that Kelly's fraction needs: the fallback, 0.02"


def test_half_of_kellys_fraction_is_used():
    # W = 0.6, R = 1: f = 0.6 - 0.4 = 0.2, half of it 0.1.
    sized = a_kelly(18, "10", 12, "10", cap="0.5").size(EQUITY, PRICE, None, an_instrument())

    assert sized == (D(1), "")


def test_a_great_record_is_capped():
    sized = a_kelly(29, "10", 1, "1").size(EQUITY, PRICE, None, an_instrument())

    assert sized == (D(1), "limited to 0.1 of equity")


def test_a_losing_record_bets_nothing():
    sized = a_kelly(12, "10", 18, "10").size(EQUITY, PRICE, None, an_instrument())

    assert sized == (D(0), "Kelly's fraction of 30 trades is -0.2000: nothing is to be gained")


@given(st.lists(st.decimals(-100, 100, places=2), min_size=TRADES_MIN, max_size=60))
def test_kelly_never_exceeds_its_cap_and_does_not_care_for_the_order(results: list[Decimal]):
    sizer, other = FractionalKelly(), FractionalKelly()
    for result in results:
        sizer.learn(a_trip(str(result)))
    for result in reversed(results):
        other.learn(a_trip(str(result)))

    sized = sizer.size(EQUITY, PRICE, None, an_instrument())

    assert sized == other.size(EQUITY, PRICE, None, an_instrument())
    assert sized.quantity * PRICE <= EQUITY * sizer.cap


def test_a_record_without_losses_or_gains_has_a_fraction():
    only_won, only_lost, nothing = TradeRecord(), TradeRecord(), TradeRecord()
    only_won.add(D(1))
    only_lost.add(D(-1))
    nothing.add(D(0))

    assert [each.kelly_fraction() for each in (only_won, only_lost, nothing)] == [1, -1, -1]


@pytest.mark.parametrize(
    ("volatility", "quantity", "note"),
    [
        ("0.8", "1.25", ""),
        ("0.4", "2.5", ""),
        ("0.1", "5", "limited to 0.5 of equity"),
    ],
)
def test_the_wilder_the_market_the_smaller_the_position(volatility: str, quantity: str, note: str):
    sizer = VolatilityTarget(D("0.1"), D("0.5"))

    assert sizer.size(EQUITY, PRICE, None, an_instrument(), D(1), D(volatility)) == (D(quantity), note)


@pytest.mark.parametrize("volatility", [None, D(0)])
def test_without_a_volatility_there_is_no_size(volatility: D | None):
    sized = VolatilityTarget().size(EQUITY, PRICE, None, an_instrument(), volatility=volatility)

    assert sized == (D(0), "the volatility is not known yet")


def test_a_part_is_the_whole_over_the_steps_rounded_down():
    sizer = Gradual(PercentOfEquity(D("0.1")), D(3))

    assert sizer.size(EQUITY, PRICE, None, an_instrument()).quantity == D("0.333")
    assert sizer.steps == 3


def test_parts_below_the_smallest_order_are_none():
    sized = Gradual(PercentOfEquity(D("0.02")), D(5)).size(EQUITY, PRICE, None, an_instrument())

    assert sized == (D(0), "a 5th of 0.200 is below the smallest order: take fewer steps")


def test_what_a_whole_learns_its_parts_know():
    sizer = parse_sizer("kelly:0.5,steps=2")
    for _ in range(TRADES_MIN):
        sizer.learn(a_trip("-1"))

    assert sizer.size(EQUITY, PRICE, None, an_instrument()).quantity == 0


@pytest.mark.parametrize(
    ("text", "sizer"),
    [
        ("kelly", FractionalKelly()),
        ("kelly:0.25,cap=0.2,fallback=0.01", FractionalKelly(D("0.25"), D("0.2"), D("0.01"))),
        ("volatility:0.3", VolatilityTarget(D("0.3"))),
        ("percent:0.1,steps=4", Gradual(PercentOfEquity(D("0.1")), D(4))),
    ],
)
def test_they_are_asked_for_in_text(text: str, sizer: PositionSizer):
    assert parse_sizer(text) == sizer


@pytest.mark.parametrize(
    "text",
    [
        "kelly:1.5",
        "kelly:0",
        "kelly:cap=0",
        "volatility:-1",
        *(f"percent:0.1,steps={n}" for n in ("1", "2.5", "21", "inf", "nan")),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_line(text: str):
    with pytest.raises(ValueError) as refused:
        parse_sizer(text)

    assert "\n" not in str(refused.value)


def test_only_a_size_that_depends_on_the_record_asks_for_it():
    assert [
        parse_sizer(text).learns for text in ("percent:0.1", "kelly", "percent:0.1,steps=2", "kelly:steps=2")
    ] == [
        False,
        True,
        False,
        True,
    ]
