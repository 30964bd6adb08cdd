"""Closes and candles for the tests of strategies."""

import random
from collections.abc import Iterable
from decimal import Decimal

from src.application.strategies import Strategy
from src.domain.market.candle import Candle
from src.domain.signals import Signal

MINUTE_MS = 60_000


def a_candle(close: Decimal | int | str, bar: int = 0, symbol: str = "BTCUSDT") -> Candle:
    price = Decimal(close)
    return Candle(symbol, "1m", bar * MINUTE_MS, price, price, price, price, Decimal(1))


def candles(closes: Iterable[Decimal | int | str], first_bar: int = 0) -> list[Candle]:
    return [a_candle(close, bar) for bar, close in enumerate(closes, first_bar)]


def a_random_walk(seed: int, bars: int, start: int = 618_000, step: int = 60) -> list[Decimal]:
    """Closes on a tick of 0.1 that never leave the ground."""
    dice = random.Random(seed)
    ticks, closes = start, []
    for _ in range(bars):
        ticks = max(step, ticks + dice.randint(-step, step))
        closes.append(Decimal(ticks) / 10)
    return closes


def a_market_of_few_ticks(seed: int, bars: int, moving: float) -> list[Decimal]:
    """Closes around 61,800 that move by a tick of 0.1 in a share of the bars."""
    dice = random.Random(seed)
    ticks, closes = 618_000, []
    for _ in range(bars):
        if dice.random() < moving:
            ticks += dice.choice((-1, 1))
        closes.append(Decimal(ticks) / 10)
    return closes


def feed(strategy: Strategy, bars: Iterable[Candle]) -> list[Signal]:
    return [signal for candle in bars if (signal := strategy.on_candle(candle)) is not None]
