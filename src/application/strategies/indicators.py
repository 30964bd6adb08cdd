"""TA-Lib's incremental indicators: one update is O(1) and equals the batch function to the last bit.

TA-Lib and numpy are imported by the first :class:`Indicators`, that is when a strategy is made: the command
line's help must not wait for them (about 0.15 s), and neither must the session's loop, where handles are
opened. The handles compute in float64, which is for signals only; they cannot be stored, so they are opened
again from history.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Protocol

FORGOTTEN: Final = 1e-9
"""An exponential average has forgotten where it started when that weighs less than this in its value."""


class Line(Protocol):
    """A handle with one output."""

    def update(self, real: float, /) -> float:
        """Take the next value and return the indicator's."""
        ...


class MacdLines(Protocol):
    """A handle with the three outputs of MACD."""

    def update(self, real: float, /) -> tuple[float, float, float]:
        """Take the next value and return MACD, its signal line and the histogram between them."""
        ...


class Indicators:
    """Opens handles on values given oldest first; they continue after the last of them.

    Too few values, or a period that TA-Lib does not take (above 100,000), raise TA-Lib's own exception.
    """

    __slots__ = ("_numpy", "_stream")

    def __init__(self) -> None:
        import numpy
        from talib import stream

        self._numpy = numpy
        self._stream = stream

    def sma(self, values: Sequence[float], period: int) -> Line:
        """Simple moving average; needs ``period`` values."""
        return self._stream.SMA(self._numpy.array(values, "float64"), timeperiod=period)

    def mean_move(self, closes: Sequence[float], period: int) -> Line:
        """Mean absolute move from close to close; needs ``period`` + 1 closes and is updated with moves."""
        moves = [abs(after - before) for before, after in pairwise(closes)]
        return self.sma(moves, period)

    def momentum(self, values: Sequence[float], period: int) -> Line:
        """The value minus the one ``period`` bars before; needs ``period`` + 1 values."""
        return self._stream.MOM(self._numpy.array(values, "float64"), timeperiod=period)

    def rsi(self, values: Sequence[float], period: int) -> Line:
        """Wilder's relative strength index, 0 to 100; needs ``period`` + 1 values."""
        return self._stream.RSI(self._numpy.array(values, "float64"), timeperiod=period)

    def macd(self, values: Sequence[float], fast: int, slow: int, signal: int) -> MacdLines:
        """Appel's MACD of three exponential averages; needs ``slow`` + ``signal`` - 1 values."""
        array = self._numpy.array(values, "float64")
        return self._stream.MACD(array, fastperiod=fast, slowperiod=slow, signalperiod=signal)


def bars_until_forgotten(weight: float) -> int:
    """Bars after which an average that gives ``weight`` (0 to 1) to the newest value forgets its start."""
    return math.ceil(math.log(FORGOTTEN) / math.log(1 - weight)) if weight < 1 else 1
