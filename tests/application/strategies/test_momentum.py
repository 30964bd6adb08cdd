"""Moves over a window that stand out from chance."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.strategies import MomentumParameters, MomentumStrategy
from src.domain.signals import SignalType
from tests.application.strategies.builders import MINUTE_MS, a_random_walk, candles, feed


@given(st.integers(0, 10**6), st.integers(2, 30))
def test_signals_come_exactly_where_the_score_enters_a_zone(seed, period):
    walk = a_random_walk(seed, 300, step=3)
    closes, zones = [Fraction(close) for close in walk], [0] * 300
    for bar in range(period, 300):
        way = sum(abs(closes[i] - closes[i - 1]) for i in range(bar - period + 1, bar + 1))
        move = closes[bar] - closes[bar - period]
        # move / (way / n · √n) beyond 1.5, squared: no root, nothing rounded.
        if move * move * period > Fraction(9, 4) * way * way:
            zones[bar] = 1 if move > 0 else -1
    expected = [
        (bar, zones[bar] > 0) for bar in range(period + 2, 300) if zones[bar] not in (0, zones[bar - 1])
    ]

    signals = feed(MomentumStrategy(MomentumParameters(period=period)), candles(walk))

    found = [(each.at_ms // MINUTE_MS - 1, each.signal_type is SignalType.BUY) for each in signals]
    assert found == expected


def test_a_rise_after_a_quiet_time_is_bought_with_its_size_on_record():
    quiet = [100, 101] * 12

    [signal] = feed(MomentumStrategy(), candles([*quiet, 130]))

    assert signal.signal_type is SignalType.BUY
    assert signal.reason.startswith("The price has risen over 20 bars by ")
    assert dict(signal.numbers)["momentum"] == 30
    assert signal.confidence > signal.confidence.__class__("0.5")


def test_a_market_that_stands_still_has_no_momentum():
    strategy = MomentumStrategy()

    signals = feed(strategy, candles([100] * 60))

    assert signals == []
    assert strategy.why_not == "momentum 0.00 within 1.5 of zero over 20 bars"


def test_a_threshold_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"threshold=0.0 is out of range"):
        MomentumParameters(threshold=0.0)
