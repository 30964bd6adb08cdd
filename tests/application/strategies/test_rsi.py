"""Turns of the relative strength index out of an extreme."""

import itertools

import numpy
import pytest
import talib
from hypothesis import example, given
from hypothesis import strategies as st

from src.application.strategies import RSIParameters, RSIStrategy
from src.domain.signals import SignalType
from tests.application.strategies.builders import MINUTE_MS, a_random_walk, candles, feed


@given(st.integers(0, 10**6), st.integers(2, 30))
@example(16_022, 2)  # the warm-up ends oversold, on a bar that did not move
def test_signals_come_exactly_where_the_batch_index_leaves_a_zone(seed, period):
    closes = a_random_walk(seed, 400)
    index = talib.RSI(numpy.array([float(close) for close in closes]), timeperiod=period)
    moved = [bar for bar in range(period + 1, 400) if bar == period + 1 or closes[bar] != closes[bar - 1]]
    zones = [(bar, -1 if index[bar] < 30 else 1 if index[bar] > 70 else 0) for bar in moved]
    expected = [
        (bar, before < 0) for (_, before), (bar, zone) in itertools.pairwise(zones) if before not in (0, zone)
    ]

    signals = feed(RSIStrategy(RSIParameters(period=period)), candles(closes))

    found = [(each.at_ms // MINUTE_MS - 1, each.signal_type is SignalType.BUY) for each in signals]
    assert found == expected


def test_a_fall_that_turns_is_bought_with_the_depth_on_record():
    falling_then_up = [*range(200, 170, -1), 190]

    [signal] = feed(RSIStrategy(), candles(falling_then_up))

    assert signal.signal_type is SignalType.BUY
    assert signal.reason.startswith("RSI came back up through 30 to ")
    assert dict(signal.numbers)["extreme"] == 0
    assert signal.confidence == 1


def test_while_the_index_stays_in_a_zone_it_says_so():
    strategy = RSIStrategy()
    feed(strategy, candles(range(200, 170, -1)))

    assert strategy.why_not == "RSI 0.0 still below 30"


def test_a_market_that_has_stood_still_until_its_averages_vanish_keeps_its_index():
    closes = [100, 102, 101, 103, 102, *[103] * 1_200]
    index = talib.RSI(numpy.array(closes, dtype=float), timeperiod=2)
    strategy = RSIStrategy(RSIParameters(period=2))

    feed(strategy, candles(closes[:10]))
    signals = feed(strategy, candles(closes[10:], first_bar=10))

    assert index[-1] == 0
    assert signals == []
    assert strategy.why_not == "RSI 73.7 still above 70"


def test_edges_that_leave_no_middle_are_refused():
    with pytest.raises(ValueError, match="lower=70 is not below upper=70"):
        RSIParameters(lower=70.0)
