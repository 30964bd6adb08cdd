"""The incremental handles give the batch functions' values, to the last bit."""

import numpy
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from src.application.strategies.indicators import Indicators, bars_until_forgotten
from tests.application.strategies.builders import a_random_walk

SEEDS = st.integers(0, 10**6)
BARS = 400


def closes_of(seed: int) -> list[float]:
    return [float(close) for close in a_random_walk(seed, BARS)]


def continued(line, closes: list[float]) -> list[float]:
    return [line.update(close) for close in closes]


@given(SEEDS, st.integers(1, 60), st.integers(60, 200))
def test_moving_average_continues_exactly_as_the_batch_function(seed, period, opened_after):
    closes = closes_of(seed)

    line = Indicators().sma(closes[:opened_after], period)

    batch = talib.SMA(numpy.array(closes), timeperiod=period)
    assert continued(line, closes[opened_after:]) == list(batch[opened_after:])


@given(SEEDS, st.integers(1, 50), st.integers(60, 200))
def test_momentum_continues_exactly_as_the_batch_function(seed, period, opened_after):
    closes = closes_of(seed)

    line = Indicators().momentum(closes[:opened_after], period)

    batch = talib.MOM(numpy.array(closes), timeperiod=period)
    assert continued(line, closes[opened_after:]) == list(batch[opened_after:])


@given(SEEDS, st.integers(2, 50), st.integers(60, 200))
def test_rsi_continues_exactly_as_the_batch_function(seed, period, opened_after):
    closes = closes_of(seed)

    line = Indicators().rsi(closes[:opened_after], period)

    batch = talib.RSI(numpy.array(closes), timeperiod=period)
    assert continued(line, closes[opened_after:]) == list(batch[opened_after:])


@given(SEEDS, st.integers(2, 20), st.integers(21, 40), st.integers(1, 15), st.integers(60, 200))
def test_macd_continues_exactly_as_the_batch_function(seed, fast, slow, signal, opened_after):
    closes = closes_of(seed)

    lines = Indicators().macd(closes[:opened_after], fast, slow, signal)

    batch = talib.MACD(numpy.array(closes), fastperiod=fast, slowperiod=slow, signalperiod=signal)
    expected = list(zip(*(column[opened_after:] for column in batch), strict=True))
    assert [lines.update(close) for close in closes[opened_after:]] == expected


def test_mean_move_is_the_average_distance_between_closes():
    line = Indicators().mean_move([10.0, 12.0, 11.0], 2)

    assert line.update(5.0) == pytest.approx((1 + 5) / 2)


@given(st.integers(1, 200))
def test_an_exponential_average_has_forgotten_its_start_after_that_many_bars_and_not_before(period):
    weight = 2 / (period + 1)

    bars = bars_until_forgotten(weight)

    assert (1 - weight) ** bars <= 1e-9 * 1.000001
    assert weight == 1 or (1 - weight) ** (bars - 1) > 1e-9


@given(SEEDS, st.integers(2, 60), st.integers(60, 200))
def test_the_deviation_is_the_batch_functions_and_does_not_depend_on_where_it_was_opened(
    seed, period, opened_after
):
    closes = closes_of(seed)

    early = continued(Indicators().deviation(closes[:60], period), closes[60:])
    late = continued(Indicators().deviation(closes[:opened_after], period), closes[opened_after:])

    batch = talib.STDDEV(numpy.array(closes), timeperiod=period)
    assert late == early[opened_after - 60 :]
    assert late == pytest.approx(list(batch[opened_after:]), rel=1e-6, abs=1e-4)
