"""When a market trades: the volume of recent bars, as the weights of a VWAP's slices.

The profile of the coming stretch is that of the one just over: as long, and cut into as many slices. A bar that lies
across a border counts for both sides by its share of time. Where the bars do not reach back so far, or hold no volume,
every slice weighs the same: what nobody saw is not a market that stood still.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from src.domain.market.candle import Candle

BARS_MAX: Final = 1_500
"""Somewhat more than a day of minutes."""
_DIGITS: Final = Decimal("0.00000001")


class VolumeProfile:
    """The volume of each symbol's last bars, fed when they close."""

    def __init__(self) -> None:
        self._bars: dict[str, deque[Candle]] = {}

    def add(self, candle: Candle) -> None:
        """A closed bar."""
        bars = self._bars.get(candle.symbol)
        if bars is None:
            bars = self._bars[candle.symbol] = deque(maxlen=BARS_MAX)
        bars.append(candle)

    def warm(self, symbol: str, candles: Iterable[Candle]) -> None:
        """Begin a symbol anew with its history, oldest first."""
        self._bars.pop(symbol, None)
        for candle in candles:
            self.add(candle)

    def weights(self, symbol: str, now_ms: int, duration_ms: int, slices: int) -> tuple[Decimal, ...]:
        """The volume (base asset) of each of ``slices`` equal parts of the last ``duration_ms`` before ``now_ms``."""
        start_ms = now_ms - duration_ms
        bars = self._bars.get(symbol)
        if not bars or bars[0].open_ms > start_ms:
            return (Decimal(1),) * slices
        found = [Decimal(0)] * slices
        for candle in bars:
            open_ms, close_ms, volume = candle.open_ms, candle.close_ms, candle.volume
            if close_ms <= start_ms or open_ms >= now_ms or not volume:
                continue
            first = max(0, (open_ms - start_ms) * slices // duration_ms)
            last = min(slices - 1, (close_ms - 1 - start_ms) * slices // duration_ms)
            for place in range(first, last + 1):
                begins = max(open_ms, start_ms + duration_ms * place // slices)
                ends = min(close_ms, start_ms + duration_ms * (place + 1) // slices)
                found[place] += volume * max(0, ends - begins) / (close_ms - open_ms)
        if not any(found):
            return (Decimal(1),) * slices
        return tuple(weight.quantize(_DIGITS) for weight in found)
