"""Candles, their timeframes, and the builder that folds trades into them.

Bars are aligned to the epoch (a 1m bar opens at second 0) and closed by time, not by the next trade: a bar without
a trade repeats the last close with no volume, so that every moment of a session has its bar.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from src.domain.shared.errors import InvariantViolated
from src.domain.shared.making import maker

_ZERO: Final = Decimal(0)
_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DAY_MS: Final = _UNIT_MS["d"]
_TIMEFRAME: Final = re.compile(r"([1-9][0-9]{0,4})([smhd])", re.ASCII)


@lru_cache(maxsize=64)
def timeframe_ms(timeframe: str) -> int:
    """The length in ms of a timeframe such as 1s, 5m, 4h or 1d.

    Raises :class:`InvariantViolated` when it cannot be read, is longer than a day or does not divide one: its bars
    would drift through the day.
    """
    match = _TIMEFRAME.fullmatch(timeframe)
    length_ms = int(match[1]) * _UNIT_MS[match[2]] if match else 0
    if not 0 < length_ms <= _DAY_MS or _DAY_MS % length_ms:
        raise InvariantViolated(
            f"{timeframe!r} is not a timeframe; write one that divides a day, like 1s, 5m, 1d"
        )
    return length_ms


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar: prices in quote asset per base asset, volume in base asset, times in ms since the epoch (UTC)."""

    symbol: str
    timeframe: str
    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def __post_init__(self) -> None:
        low, high, first, last = self.low, self.high, self.open, self.close
        if not (_ZERO < low <= first <= high and low <= last <= high):
            raise InvariantViolated(
                f"{self.symbol} at {self.open_ms}: high and low do not span open and close"
            )

    @property
    def close_ms(self) -> int:
        """The first moment that no longer belongs to the bar."""
        return self.open_ms + timeframe_ms(self.timeframe)


make_candle: Final = maker(Candle)


class CandleBuilder:
    """Folds the trades of one symbol into bars of one timeframe, by session time (ms since the epoch).

    Time never goes back in a session; a trade stamped before the running bar is folded into the running bar.
    """

    __slots__ = (
        "_close",
        "_end_ms",
        "_high",
        "_length_ms",
        "_low",
        "_open",
        "_volume",
        "symbol",
        "timeframe",
    )

    def __init__(self, symbol: str, timeframe: str) -> None:
        self.symbol = symbol
        self.timeframe = timeframe
        self._length_ms = timeframe_ms(timeframe)
        self._end_ms = 0
        self._open = self._high = self._low = self._close = self._volume = _ZERO

    def add_trade(self, price: Decimal, quantity: Decimal, now_ms: int) -> tuple[Candle, ...]:
        """Fold one trade; return the bars that ended before it, oldest first (mostly none)."""
        if not self._end_ms:
            self._begin(price, now_ms)
        closed = self.advance(now_ms) if now_ms >= self._end_ms else ()
        if not self._volume:
            # A bar opens at its own first trade; until then it carries the last close.
            self._open = self._high = self._low = price
        elif price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        self._close = price
        self._volume += quantity
        return closed

    def advance(self, now_ms: int) -> tuple[Candle, ...]:
        """Let time pass; return the bars that have ended by ``now_ms``, oldest first (mostly none)."""
        if now_ms < self._end_ms or not self._end_ms:
            return ()
        closed = []
        while now_ms >= self._end_ms:
            closed.append(self._running())
            self._end_ms += self._length_ms
            self._open = self._high = self._low = self._close
            self._volume = _ZERO
        return tuple(closed)

    def lose(self, now_ms: int) -> None:
        """Trades up to ``now_ms`` are missing: a bar that has ended by then is forgotten, the next trade begins one."""
        if now_ms >= self._end_ms:
            self._end_ms = 0

    def _begin(self, price: Decimal, now_ms: int) -> None:
        self._end_ms = now_ms - now_ms % self._length_ms + self._length_ms
        self._open = self._high = self._low = self._close = price
        self._volume = _ZERO

    def _running(self) -> Candle:
        return make_candle(
            self.symbol,
            self.timeframe,
            self._end_ms - self._length_ms,
            self._open,
            self._high,
            self._low,
            self._close,
            self._volume,
        )
