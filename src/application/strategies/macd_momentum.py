"""MACD with momentum: trade where the histogram crosses zero, once the price itself moves that way.

A crossing of the histogram arms the strategy for ``confirm`` bars, that of the crossing included. The first
of them at whose close the price stands beyond its close ``momentum`` bars before gives the signal; without
one the crossing is dropped. A crossing back disarms. The averages are Appel's 12, 26 and 9.

**Confidence** is how strong the confirming momentum is. With m the mean absolute move from close to close
over the slow window and n = ``momentum``, z = |close - close of n bars before| / (m · √n), the move in units
of what a random walk makes of n such moves, and the confidence is z / (1 + z).
"""

import math
from dataclasses import dataclass, field

from src.application.strategies.indicators import Line, MacdLines, bars_until_forgotten
from src.application.strategies.parameters import (
    DIRECTION,
    PERIOD_MAX,
    Direction,
    Parameters,
    bounded,
    check_bounds,
    check_windows,
)
from src.application.strategies.streaming import TOUCHING, Side, StreamStrategy, Wish, saturating, spelled


@dataclass(frozen=True, slots=True)
class MacdMomentumParameters(Parameters):
    """Windows in bars, fast < slow; raises ValueError otherwise."""

    fast: int = bounded(12, 2, PERIOD_MAX, "bars of the fast average")
    slow: int = bounded(26, 3, PERIOD_MAX, "bars of the slow average")
    signal: int = bounded(9, 1, PERIOD_MAX, "bars of the signal line")
    momentum: int = bounded(5, 1, PERIOD_MAX, "bars over which the price must have moved the same way")
    confirm: int = bounded(3, 1, 100, "bars a crossing may wait for that, its own included")
    direction: Direction = field(default=Direction.BOTH, metadata=DIRECTION)

    def __post_init__(self) -> None:
        check_bounds(self)
        check_windows(self.fast, self.slow)


class MacdMomentumStrategy(StreamStrategy[MacdMomentumParameters]):
    """Signals at zero crossings of the MACD histogram that momentum confirms."""

    __slots__ = ("_armed_bars", "_close", "_histogram", "_macd", "_mean_move", "_momentum", "_momentum_value",
                 "_side", "_walk")  # fmt: skip

    _macd: MacdLines
    _momentum: Line
    _mean_move: Line

    def __init__(
        self,
        parameters: MacdMomentumParameters | None = None,
        symbol: str | None = None,
        strategy_id: str = "macd_momentum",
    ) -> None:
        p = parameters or MacdMomentumParameters()
        needed = max(p.slow + p.signal, p.slow + 1, p.momentum + 1)
        super().__init__(p, symbol, strategy_id, p.direction, bars_needed=needed)
        self._walk = math.sqrt(p.momentum)

    @property
    def history_bars(self) -> int:
        """The bars needed, those until the slow average and then the signal line forget their start, and the side's."""
        p = self._parameters
        forgotten = bars_until_forgotten(2 / (p.slow + 1)) + bars_until_forgotten(2 / (p.signal + 1))
        return self._needed + forgotten + p.slow

    def _open(self, closes: list[float]) -> None:
        """Open the handles; the side that the histogram starts on is no crossing."""
        p = self._parameters
        # All but the last close open the MACD, so that the last one yields its first values.
        self._macd = self._indicators.macd(closes[:-1], p.fast, p.slow, p.signal)
        self._momentum = self._indicators.momentum(closes, p.momentum)
        self._mean_move = self._indicators.mean_move(closes, p.slow)
        self._side = Side(p.slow)
        self._armed_bars = 0
        self._close = close = closes[-1]
        self._momentum_value = close - closes[-1 - p.momentum]
        self._histogram = self._macd.update(close)[2]
        self._side.crosses(self._histogram, TOUCHING * close)

    def _advance(self, close: float) -> Wish | None:
        """Update the handles; arm at a crossing, wish at the first bar that confirms it."""
        macd, signal, histogram = self._macd.update(close)
        self._histogram = histogram
        momentum = self._momentum_value = self._momentum.update(close)
        mean_move = self._mean_move.update(abs(close - self._close))
        self._close = close
        if self._side.crosses(histogram, TOUCHING * close):
            self._armed_bars = self._parameters.confirm
        if not self._armed_bars:
            return None
        if momentum * self._side.value <= 0:
            self._armed_bars -= 1
            return None
        self._armed_bars = 0
        strength = abs(momentum) / (mean_move * self._walk) if mean_move > 0 else 0.0
        is_up = self._side.value > 0
        return Wish(is_up, saturating(strength), self._reason(is_up), (
            ("macd", macd), ("signal", signal), ("histogram", histogram),
            ("momentum", momentum), ("mean_move", mean_move),
        ))  # fmt: skip

    def _reason(self, is_up: bool) -> str:
        """The crossing and its confirmation, in one sentence."""
        crossed, moved = ("above", "risen") if is_up else ("below", "fallen")
        momentum = abs(self._momentum_value)
        return (
            f"The MACD histogram crossed {crossed} zero and the price has {moved} "
            f"by {spelled(momentum, momentum)} in {self._parameters.momentum} bars."
        )

    def _state(self) -> str:
        """Where the histogram is and for how long, or what an armed crossing waits for."""
        if self._side.value == 0:
            return "histogram at zero: the price has not moved"
        relation = "above" if self._side.value > 0 else "below"
        histogram = spelled(self._histogram, abs(self._histogram))
        state = f"histogram {histogram} {relation} zero {self._side.duration}"
        if self._armed_bars:
            moved = spelled(self._momentum_value, abs(self._momentum_value))
            return f"{state}, momentum {moved} over {self._parameters.momentum} bars does not confirm it yet"
        return state
