"""Volatility and correlation of closed bars, against the textbook's formulas on the whole series."""

import math
import random
from decimal import Decimal

import numpy as np
import pytest

from src.application.trading.candle_memory import STATISTICS_BARS
from src.application.trading.market_statistics import RETURNS, RETURNS_MIN, MarketStatistics
from src.domain.market.candle import Candle

MINUTE = 60_000


DAY = 1_440 * MINUTE


def candles(symbol: str, closes, start: int = MINUTE, step: int = MINUTE) -> list[Candle]:
    return [
        Candle(symbol, "1m", start + i * step, c, c, c, c, Decimal(1))
        for i, c in enumerate(Decimal(f"{close:.4f}") for close in closes)
    ]


def walk(seed: int, count: int, beside: list[float] | None = None, share: float = 0.0) -> list[float]:
    """A seeded random walk of prices; ``share`` of its steps are those of another walk."""
    chance = random.Random(seed)
    price, prices = 1_000.0, []
    for i in range(count):
        step = chance.gauss(0, 0.001)
        if beside is not None and i:
            step = share * math.log(beside[i] / beside[i - 1]) + (1 - share) * step
        price *= math.exp(step)
        prices.append(round(price, 4))
    return prices


def fed(**closes) -> MarketStatistics:
    statistics = MarketStatistics(closes, "1m")
    for symbol, prices in closes.items():
        for candle in candles(symbol, prices):
            statistics.add(candle)
    return statistics


def pearson(first: list[float], second: list[float]) -> float:
    """The correlation of the log returns of two series of prices."""
    returns = np.array([np.diff(np.log(first)), np.diff(np.log(second))])
    return float(np.corrcoef(returns)[0, 1])


def variances(prices: list[float]) -> list[float]:
    """The exponentially weighted variance after each return."""
    found: list[float] = []
    for value in map(float, np.diff(np.log(prices))):
        found.append(0.94 * found[-1] + 0.06 * value**2 if found else value**2)
    return found


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, -0.9])
def test_the_correlation_is_pearsons_of_the_last_120_log_returns(share):
    first = walk(1, 300)
    second = walk(2, 300, first, share)

    found = fed(A=first, B=second).correlation("A", "B")

    assert found is not None
    assert float(found) == pytest.approx(pearson(first[-RETURNS - 1 :], second[-RETURNS - 1 :]), abs=1e-6)


def test_a_symbol_whose_last_bar_is_still_to_come_is_compared_over_the_bars_that_both_have():
    first = walk(1, 100)
    second = walk(2, 99, first, 0.8)

    found = fed(A=first, B=second).correlation("A", "B")

    assert found is not None
    assert float(found) == pytest.approx(pearson(first[:99], second), abs=1e-6)


@pytest.mark.parametrize(("bars", "known"), [(RETURNS_MIN, False), (RETURNS_MIN + 1, True)])
def test_nothing_is_said_of_fewer_than_thirty_returns(bars, known):
    statistics = fed(A=walk(1, bars), B=walk(2, bars))

    assert (statistics.correlation("A", "B") is not None) is known
    assert (statistics.volatility("A") is not None) is known


def test_a_price_that_stands_still_is_correlated_with_nothing():
    assert fed(A=[5.0] * 60, B=walk(1, 60)).correlation("A", "B") is None


def test_volatility_is_annualised_from_the_exponentially_weighted_variance():
    prices = walk(3, 200)

    reading = fed(A=prices).volatility("A")
    assert reading is not None

    variance = variances(prices)[-1]
    assert float(reading.now) == pytest.approx(math.sqrt(variance * 365 * 1_440), abs=1e-6)


def test_what_is_usual_is_the_median_of_the_last_day_and_older_samples_leave_it():
    calm, wild = walk(1, 200), walk(2, 1_600)
    prices = [*calm, *(calm[-1] + 5 * (price - wild[0]) for price in wild)]

    reading = fed(A=prices).volatility("A")
    assert reading is not None and reading.usual is not None

    usual = sorted(variances(prices)[RETURNS_MIN - 1 :][-1_440:])[720]
    assert float(reading.usual) == pytest.approx(math.sqrt(usual * 365 * 1_440), abs=1e-6)


@pytest.mark.parametrize(("timeframe", "minutes"), [("5m", 5), ("15m", 15), ("1h", 60), ("4h", 240)])
def test_a_day_is_a_day_whatever_the_length_of_a_bar(timeframe: str, minutes: int):
    step, a_day = minutes * MINUTE, 1_440 // minutes
    prices = walk(1, 2 * a_day + RETURNS_MIN)
    calm = walk(2, a_day)
    prices += [round(prices[-1] + (price - calm[0]) / 10, 4) for price in calm]

    statistics = MarketStatistics(["A"], timeframe)
    for candle in candles("A", prices, step=step):
        statistics.add(candle)
    reading = statistics.volatility("A")

    assert reading is not None and reading.usual is not None
    usual = sorted(variances(prices)[RETURNS_MIN - 1 :][-a_day:])[a_day // 2]
    assert float(reading.usual) == pytest.approx(math.sqrt(usual * 365 * a_day), abs=1e-6)


@pytest.mark.parametrize(
    ("timeframe", "minutes", "bars"), [("1m", 1, 30), ("5m", 5, 30), ("1h", 60, 12), ("1d", 1_440, 1)]
)
def test_what_is_usual_is_known_from_half_a_day_or_thirty_samples_on(timeframe: str, minutes: int, bars: int):
    statistics = MarketStatistics(["A"], timeframe)
    known = []
    for candle in candles("A", walk(1, RETURNS_MIN + bars + 1), step=minutes * MINUTE):
        statistics.add(candle)
        reading = statistics.volatility("A")
        known.append(reading is not None and reading.usual is not None)

    assert known.index(True) == RETURNS_MIN + bars - 1


def test_what_is_older_than_a_day_is_forgotten_after_a_gap():
    statistics = fed(A=walk(1, 500))

    for candle in candles("A", walk(2, 20), start=501 * MINUTE + DAY):
        statistics.add(candle)
    reading = statistics.volatility("A")

    assert reading is not None and reading.usual is None


def test_a_gap_ages_what_came_before_it():
    first, second = walk(1, 400), walk(2, 1_300)
    statistics = fed(A=first)
    for candle in candles("A", second, start=501 * MINUTE):
        statistics.add(candle)
    reading = statistics.volatility("A")

    assert reading is not None and reading.usual is not None
    found: list[float] = variances(first)
    for value in map(float, np.diff(np.log(second))):
        found.append(0.94 * found[-1] + 0.06 * value**2)
    # The gap of a hundred minutes and the bar behind it have no sample.
    usual = sorted(found[-1_440 + 101 :])
    assert float(reading.usual) == pytest.approx(math.sqrt(usual[len(usual) // 2] * 365 * 1_440), abs=1e-6)


def test_a_gap_makes_no_return_and_an_old_bar_says_nothing():
    statistics = MarketStatistics(["A"], "1m")
    for candle in candles("A", walk(1, 40)):
        statistics.add(candle)
    before = statistics.volatility("A")

    statistics.add(candles("A", [1.0], start=30 * MINUTE)[0])
    statistics.add(candles("A", [9_000.0], start=90 * MINUTE)[0])

    assert statistics.volatility("A") == before


def test_history_replaces_what_was_heard_so_far():
    prices = walk(1, 80)
    late = MarketStatistics(["A"], "1m")
    for candle in candles("A", prices)[40:]:
        late.add(candle)

    late.warm("A", candles("A", prices))

    assert late.volatility("A") == fed(A=prices).volatility("A")


@pytest.mark.parametrize("seed", range(5))
def test_what_a_restart_begins_with_gives_the_readings_of_a_session_that_never_stopped(seed: int):
    prices = walk(seed, 5_000)
    never_stopped, restarted = fed(BTCUSDT=prices), MarketStatistics(["BTCUSDT"], "1m")

    restarted.warm("BTCUSDT", candles("BTCUSDT", prices)[-STATISTICS_BARS:])

    assert restarted.volatility("BTCUSDT") == never_stopped.volatility("BTCUSDT")


def test_a_reading_is_computed_once_a_bar():
    statistics = fed(A=walk(1, 60), B=walk(2, 60))

    assert statistics.volatility("A") is statistics.volatility("A")
    assert statistics.correlation("A", "B") is statistics.correlation("A", "B")
