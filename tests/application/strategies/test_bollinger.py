"""Closes that come back into the Bollinger bands."""

from decimal import Decimal

import numpy
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from src.application.strategies import BollingerParameters, BollingerStrategy
from src.domain.signals import SignalType
from tests.application.strategies.builders import MINUTE_MS, a_random_walk, candles, feed


@given(st.integers(0, 10**6), st.integers(6, 40))
def test_signals_come_exactly_where_the_close_comes_back_into_the_batch_functions_bands(seed, period):
    closes = a_random_walk(seed, 300)
    values = numpy.array([float(close) for close in closes])
    upper, _, lower = talib.BBANDS(values, timeperiod=period, nbdevup=1.8, nbdevdn=1.8)
    zones = [1 if v > u else -1 if v < w else 0 for v, u, w in zip(values, upper, lower, strict=True)]
    expected = [
        (bar, zones[bar - 1] < 0) for bar in range(period + 1, 300) if not zones[bar] and zones[bar - 1]
    ]

    signals = feed(BollingerStrategy(BollingerParameters(period=period, width=1.8)), candles(closes))

    found = [(each.at_ms // MINUTE_MS - 1, each.signal_type is SignalType.BUY) for each in signals]
    assert found == expected


def test_a_fall_out_of_the_bands_that_comes_back_is_bought():
    quiet = [100, 101] * 12

    [signal] = feed(BollingerStrategy(), candles([*quiet, 90, 100]))

    assert signal.signal_type is SignalType.BUY
    assert "came back above the lower band" in signal.reason
    assert Decimal("0.5") < signal.confidence < 1


def test_a_close_exactly_on_the_band_is_back():
    # Four of twenty bars a tick below the others: exactly two deviations.
    closes = ["61800.0"] * 40 + ["61799.9"] * 4

    [signal] = feed(BollingerStrategy(), candles(closes))

    assert (signal.signal_type, signal.at_ms) == (SignalType.BUY, 44 * MINUTE_MS)


def test_a_close_beyond_the_bands_is_waited_out_and_said():
    strategy = BollingerStrategy()

    signals = feed(strategy, candles([*([100, 101] * 12), 90]))

    assert signals == []
    assert strategy.why_not.endswith("still below the lower band")


def test_a_market_that_stands_still_has_no_bands_to_leave():
    strategy = BollingerStrategy()

    assert feed(strategy, candles([100] * 60)) == []
    assert strategy.why_not == "the close is +0.00 deviations off the middle, within 2"


def test_bands_that_no_close_can_leave_are_refused():
    with pytest.raises(ValueError, match="width=2 cannot be reached in 4 bars"):
        BollingerParameters(period=4)
