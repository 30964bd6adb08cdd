"""The time before the server's start: what a market's source knows of it, as the bars that the public is shown."""

from collections.abc import Callable
from typing import Final

from src.domain.market.candle import Candle
from src.infrastructure.simulated_exchange.server.bars import DAY_MS, HOUR_MS, MINUTE_MS, Bar, Bars

History = Callable[[str, str, int], list[Candle]]
"""Symbol, timeframe and count to the newest closed candles, oldest first."""

MINUTES: Final = 1_000
LONGER: Final = 500
TIMEFRAMES: Final = (("1m", MINUTES), ("1h", LONGER), ("1d", LONGER))
"""What is asked of a source, with how many of each."""


def placed_before(history: History, symbol: str, now_ms: int) -> Bars:
    """The candles of a market of another time, put right before the present, the longer ones before the shorter."""
    minutes = _placed(history(symbol, "1m", MINUTES), MINUTE_MS, now_ms)
    first_ms = minutes[0].open_ms if minutes else now_ms
    hours = _placed(history(symbol, "1h", LONGER), HOUR_MS, first_ms)
    first_ms = hours[0].open_ms if hours else first_ms
    return Bars(minutes, hours, _placed(history(symbol, "1d", LONGER), DAY_MS, first_ms))


def as_they_were(history: History, symbol: str) -> Bars:
    """The candles of the present market, each at its own time.

    The shorter ones begin where a longer one ends, so that no trade counts twice.
    """
    minutes, hours = history(symbol, "1m", MINUTES), history(symbol, "1h", LONGER)
    days = history(symbol, "1d", LONGER)
    if hours:
        minutes = _from_a_whole(minutes, HOUR_MS)
        hours = _before(hours, minutes)
    if days:
        hours = _from_a_whole(hours, DAY_MS)
        days = _before(days, hours or minutes)
    return Bars(*([_bar(candle, candle.open_ms) for candle in each] for each in (minutes, hours, days)))


def _from_a_whole(candles: list[Candle], length_ms: int) -> list[Candle]:
    """Without those before the first whole interval of a longer kind, unless that would leave none."""
    first_ms = -(-candles[0].open_ms // length_ms) * length_ms if candles else 0
    return [candle for candle in candles if candle.open_ms >= first_ms] or candles


def _before(candles: list[Candle], shorter: list[Candle]) -> list[Candle]:
    return [candle for candle in candles if not shorter or candle.close_ms <= shorter[0].open_ms]


def _placed(candles: list[Candle], length_ms: int, end_ms: int) -> list[Bar]:
    """Candles as bars, the last one ending at the last whole interval before ``end_ms``."""
    start_ms = end_ms - end_ms % length_ms - len(candles) * length_ms
    return [_bar(candle, start_ms + index * length_ms) for index, candle in enumerate(candles)]


def _bar(candle: Candle, open_ms: int) -> Bar:
    """A candle does not say how often was traded and at what average: one trade at its close stands for all."""
    return Bar(
        open_ms,
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.volume * candle.close,
        1,
        candle.volume / 2,
        candle.volume * candle.close / 2,
    )
