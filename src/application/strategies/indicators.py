"""TA-Lib's incremental indicators: one update is O(1) and equals the batch function to the last bit.

TA-Lib and numpy are imported when a strategy is made, not with this module: the command line's help must not
wait for them, and the session's loop must not either, so no handle is the first to import. The handles compute
in float64, which is for signals only; they cannot be stored, so they are opened again from history.
"""

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Protocol

FORGOTTEN = 1e-9
"""An exponential average has forgotten its start when that weighs less than this share of the price."""


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


def load_talib() -> ModuleType:
    """Import TA-Lib now (about 0.15 s the first time), so that opening a handle later costs microseconds."""
    import numpy
    import talib.stream

    return talib if numpy else talib


def open_sma(values: Sequence[float], period: int) -> Line:
    """Simple moving average over ``period`` values; needs as many."""
    import numpy
    from talib import stream

    return stream.SMA(numpy.array(values, numpy.float64), timeperiod=period)


def open_momentum(values: Sequence[float], period: int) -> Line:
    """The value minus that of ``period`` bars before; needs ``period`` + 1 values."""
    import numpy
    from talib import stream

    return stream.MOM(numpy.array(values, numpy.float64), timeperiod=period)


def open_rsi(values: Sequence[float], period: int) -> Line:
    """Wilder's relative strength index, 0 to 100; needs ``period`` + 1 values."""
    import numpy
    from talib import stream

    return stream.RSI(numpy.array(values, numpy.float64), timeperiod=period)


def open_macd(values: Sequence[float], fast: int, slow: int, signal: int) -> MacdLines:
    """Appel's MACD of three exponential averages; needs ``slow`` + ``signal`` - 1 values."""
    import numpy
    from talib import stream

    return stream.MACD(
        numpy.array(values, numpy.float64), fastperiod=fast, slowperiod=slow, signalperiod=signal
    )


def mean_moves(closes: Sequence[float], period: int) -> Line:
    """The mean absolute move from close to close over ``period`` bars; needs ``period`` + 1 closes."""
    return open_sma([abs(after - before) for before, after in zip(closes, closes[1:], strict=False)], period)


def bars_until_forgotten(weight: float) -> int:
    """After how many bars an exponential average with this weight of the newest value has forgotten its start."""
    return math.ceil(math.log(FORGOTTEN) / math.log(1 - weight)) if weight < 1 else 1
