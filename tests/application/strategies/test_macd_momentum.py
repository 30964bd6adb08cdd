"""MACD histogram crossings that momentum confirms."""

import numpy
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from src.application.strategies import MacdMomentumParameters, MacdMomentumStrategy
from src.domain.signals import SignalType
from tests.application.strategies.builders import MINUTE_MS, a_random_walk, candles, feed


def expected_signals(closes: list[float], momentum: int, confirm: int) -> list[tuple[int, bool]]:
    """The rule, told with TA-Lib's batch functions: (bar, whether upwards)."""
    array = numpy.array(closes)
    histogram = talib.MACD(array, fastperiod=12, slowperiod=26, signalperiod=9)[2]
    moved = talib.MOM(array, timeperiod=momentum)
    expected, side, waiting = [], 0, 0
    for bar in range(34, len(closes)):
        if abs(histogram[bar]) > 1e-10 * closes[bar]:
            now = 1 if histogram[bar] > 0 else -1
            if side not in (0, now):
                waiting = confirm
            side = now
        if waiting:
            waiting -= 1
            if moved[bar] * side > 0:
                expected.append((bar, side > 0))
                waiting = 0
    return expected


@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 5))
def test_signals_come_exactly_where_the_batch_histogram_crosses_and_momentum_confirms(
    seed, momentum, confirm
):
    closes = a_random_walk(seed, 400)
    strategy = MacdMomentumStrategy(MacdMomentumParameters(momentum=momentum, confirm=confirm))

    signals = feed(strategy, candles(closes))

    found = [(each.at_ms // MINUTE_MS - 1, each.signal_type is SignalType.BUY) for each in signals]
    assert found == expected_signals([float(close) for close in closes], momentum, confirm)


def test_a_crossing_that_momentum_does_not_confirm_in_time_is_dropped():
    falling_ever_slower = [str(1000 - 20 * (1 - 0.9**bar)) for bar in range(200)]
    strategy = MacdMomentumStrategy()

    signals, waits = [], 0
    for candle in candles(falling_ever_slower):
        signals += feed(strategy, [candle])
        waits += "does not confirm it yet" in strategy.why_not

    # The histogram rises above zero because the fall slows down, not because the price rises.
    assert signals == []
    assert "above zero" in strategy.why_not
    assert waits <= MacdMomentumParameters().confirm


def test_a_signal_says_what_confirmed_it():
    signals = feed(MacdMomentumStrategy(), candles(a_random_walk(3, 300)))

    up = next(each for each in signals if each.signal_type is SignalType.BUY)

    assert up.reason.startswith("The MACD histogram crossed above zero and the price has risen by ")
    assert [name for name, _ in up.numbers] == ["macd", "signal", "histogram", "momentum", "mean_move"]
    assert dict(up.numbers)["momentum"] > 0


def test_a_stronger_confirmation_is_a_surer_one():
    falling_ever_faster = [1000 - bar * bar // 20 for bar in range(60)]

    confidences = [
        feed(MacdMomentumStrategy(), candles([*falling_ever_faster, last]))[-1].confidence
        for last in (900, 1000, 1500)
    ]

    assert confidences == sorted(set(confidences))


def test_a_fast_window_that_is_not_the_faster_one_is_refused():
    with pytest.raises(ValueError, match="fast=26 is not below slow=26"):
        MacdMomentumParameters(fast=26)
