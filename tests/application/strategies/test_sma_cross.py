"""Moving average crossover."""

import itertools

import numpy
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from src.application.strategies import SmaCrossParameters, SmaCrossStrategy
from src.domain.signals import SignalType
from tests.application.strategies.builders import MINUTE_MS, a_random_walk, candles, feed


def a_fast_strategy() -> SmaCrossStrategy:
    return SmaCrossStrategy(SmaCrossParameters(fast=2, slow=4))


@given(st.integers(0, 10**6), st.integers(1, 10), st.integers(11, 40))
def test_signals_come_exactly_where_the_batch_averages_cross(seed, fast, slow):
    closes = a_random_walk(seed, 400)
    array = numpy.array([float(close) for close in closes])
    distance = talib.SMA(array, timeperiod=fast) - talib.SMA(array, timeperiod=slow)
    # Touching bars keep the side before them, as any chart reader would.
    sided = [(bar, d > 0) for bar, d in enumerate(distance) if bar >= slow and abs(d) > 1e-10 * array[bar]]
    expected = [(bar, up) for (_, before), (bar, up) in itertools.pairwise(sided) if before != up]

    signals = feed(SmaCrossStrategy(SmaCrossParameters(fast=fast, slow=slow)), candles(closes))

    found = [(each.at_ms // MINUTE_MS - 1, each.signal_type is SignalType.BUY) for each in signals]
    assert found == expected


def test_a_crossing_says_what_crossed_what_and_at_which_values():
    [signal] = feed(a_fast_strategy(), candles([104, 103, 102, 101, 100, 110]))

    assert signal.signal_type is SignalType.BUY
    assert signal.reason == "The 2-bar average crossed above the 4-bar average, 105.0 against 103.2."
    assert [(name, str(value)) for name, value in signal.numbers] == [
        ("fast", "105"),
        ("slow", "103.25"),
        ("mean_move", "3.25"),
    ]


def test_between_crossings_it_says_which_average_leads_for_how_long():
    strategy = a_fast_strategy()
    feed(strategy, candles([100, 101, 102, 103, 104, 105]))
    before = strategy.why_not
    feed(strategy, candles([106], first_bar=6))

    assert before == "fast 104.5 above slow 103.5 for 1 bar"
    assert strategy.why_not == "fast 105.5 above slow 104.5 for 2 bars"


def test_the_side_of_the_warm_up_is_no_crossing():
    assert feed(a_fast_strategy(), candles(range(100, 140))) == []


def test_a_steeper_crossing_is_a_surer_one():
    falling = [104, 103, 102, 101, 100]

    confidences = [
        feed(a_fast_strategy(), candles([*falling, last]))[0].confidence for last in (104, 106, 110, 120)
    ]

    assert confidences == sorted(set(confidences))


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"fast": 30, "slow": 30}, "fast=30 is not below slow=30"),
        ({"fast": 0}, r"fast=0 is out of range: choose 1 to 5000 \(bars of the fast average\)"),
        ({"slow": 5001}, "slow=5001 is out of range"),
    ],
    ids=str,
)
def test_impossible_windows_are_refused_with_a_way_out(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        SmaCrossParameters(**values)
