"""TA-Lib's incremental indicators: one update is O(1) and equals the batch function to the last bit.

TA-Lib and numpy are imported by the first :class:`Indicators`, that is when a strategy is made: the command
line's help must not wait for them (about 0.15 s), and neither must the session's loop, where handles are
opened. The handles compute in float64, which is for signals only; they cannot be stored, so they are opened
again from history.
"""

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Protocol

FORGOTTEN: Final = 1e-9
"""An exponential average has forgotten where it started when that weighs less than this in its value."""

_UNITS: Final = 1e8


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


class _Handle(Protocol):
    """A handle of TA-Lib, of however many outputs."""

    def peek(self, real: float, /) -> object:
        """What an update would return; nothing is updated."""
        ...


class Indicators:
    """Opens handles on values given oldest first; they continue after the last of them.

    Too few values, or a period that TA-Lib does not take (above 100,000), raise TA-Lib's own exception.
    """

    __slots__ = ("_numpy", "_opened", "_stream")

    def __init__(self) -> None:
        import numpy
        from talib import stream

        self._numpy = numpy
        self._stream = stream
        self._opened: list[_Handle] = []

    def forget(self) -> None:
        """The handles opened so far are of no use any more."""
        self._opened.clear()

    def glance(self, value: float) -> None:
        """Let every handle of TA-Lib see a value as if it were the next, and change nothing."""
        for handle in self._opened:
            handle.peek(value)

    def _kept(self, handle: Any) -> Any:
        self._opened.append(handle)
        return handle

    def sma(self, values: Sequence[float], period: int) -> Line:
        """Simple moving average; needs ``period`` values."""
        line: Line = self._kept(self._stream.SMA(self._numpy.array(values, "float64"), timeperiod=period))
        return line

    def mean_move(self, closes: Sequence[float], period: int) -> Line:
        """Mean absolute move from close to close; needs ``period`` + 1 closes and is updated with moves."""
        moves = [abs(after - before) for before, after in pairwise(closes)]
        return self.sma(moves, period)

    def deviation(self, values: Sequence[float], period: int) -> "Deviation":
        """Mean and standard deviation of the population; continues after the last ``period`` values."""
        return Deviation(values, period)

    def walk(self, values: Sequence[float], period: int) -> "Walk":
        """How far the values moved, and by which way; continues after the last ``period`` + 1 values."""
        return Walk(values, period)

    def momentum(self, values: Sequence[float], period: int) -> Line:
        """The value minus the one ``period`` bars before; needs ``period`` + 1 values."""
        line: Line = self._kept(self._stream.MOM(self._numpy.array(values, "float64"), timeperiod=period))
        return line

    def rsi(self, values: Sequence[float], period: int) -> Line:
        """Wilder's relative strength index, 0 to 100; needs ``period`` + 1 values."""
        line: Line = self._kept(self._stream.RSI(self._numpy.array(values, "float64"), timeperiod=period))
        return line

    def macd(self, values: Sequence[float], fast: int, slow: int, signal: int) -> MacdLines:
        """Appel's MACD of three exponential averages; needs ``slow`` + ``signal`` - 1 values."""
        array = self._numpy.array(values, "float64")
        lines: MacdLines = self._kept(
            self._stream.MACD(array, fastperiod=fast, slowperiod=slow, signalperiod=signal)
        )
        return lines


class Deviation:
    """Mean and standard deviation of the last ``period`` values (of the population), O(1) an update.

    TA-Lib's handles keep floating sums: at a price of 50,000 and moves of one, half of the digits of a sum of squares
    are gone, and which ones depends on where the handle was opened, so that a restart would decide otherwise: four of
    twenty bars a tick below the others are exactly two deviations. Here the values count whole units of 10⁻⁸ and the
    sums are exact; only the root and the division round.
    """

    __slots__ = ("_period", "_spread", "_squares", "_sum", "_values")

    def __init__(self, values: Sequence[float], period: int) -> None:
        self._period = period
        self._values = deque((round(value * _UNITS) for value in values[-period:]), maxlen=period)
        self._sum = sum(self._values)
        self._squares = sum(value * value for value in self._values)
        # The deviation times the count of values, in units.
        self._spread = 0.0

    def update(self, real: float, /) -> float:
        """Take the next value and return the deviation of the last ``period`` ones."""
        new = round(real * _UNITS)
        values = self._values
        if len(values) == self._period:
            old = values[0]
            self._sum -= old
            self._squares -= old * old
        values.append(new)
        self._sum += new
        self._squares += new * new
        count = len(values)
        self._spread = math.sqrt(count * self._squares - self._sum * self._sum)
        return self._spread / (count * _UNITS)

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return self._sum / len(self._values) / _UNITS

    @property
    def score(self) -> float:
        """The newest value less the mean, in deviations; there is one after an update that returned more than zero."""
        values = self._values
        return (len(values) * values[-1] - self._sum) / self._spread


class Walk:
    """The way of the last ``period`` moves, O(1) an update; exact for the reason that :class:`Deviation` is."""

    __slots__ = ("_path", "_period", "_values")

    def __init__(self, values: Sequence[float], period: int) -> None:
        self._period = period
        self._values = deque((round(value * _UNITS) for value in values[-period - 1 :]), maxlen=period + 1)
        self._path = sum(abs(after - before) for before, after in pairwise(self._values))

    def update(self, real: float, /) -> None:
        """Take the next value."""
        values = self._values
        new = round(real * _UNITS)
        self._path += abs(new - values[-1])
        if len(values) > self._period:
            self._path -= abs(values[1] - values[0])
        values.append(new)

    @property
    def move(self) -> float:
        """The newest value less the one ``period`` moves before."""
        return (self._values[-1] - self._values[0]) / _UNITS

    @property
    def mean_move(self) -> float:
        """The mean size of a move."""
        return self._path / (len(self._values) - 1) / _UNITS

    @property
    def score(self) -> float:
        """The move in units of what a random walk makes of as many moves; zero where nothing moved."""
        moved = self._values[-1] - self._values[0]
        count = len(self._values) - 1
        return moved * math.sqrt(count) / self._path if self._path else 0.0


def bars_until_forgotten(weight: float) -> int:
    """Bars after which an average that gives ``weight`` (0 to 1) to the newest value forgets its start."""
    return math.ceil(math.log(FORGOTTEN) / math.log(1 - weight)) if weight < 1 else 1
