"""Moving average crossover: long when the fast average rises above the slow one, short when it falls below.

**Confidence** is how steep the crossing is. Let g be the distance fast - slow, m the mean absolute move from
close to close over the slow window, and z = |g - g of the bar before| / (m · √(1/fast - 1/slow)). The root is
the standard deviation of the change of g, per standard deviation of the moves, when prices are a driftless
random walk with independent moves (each of the last ``fast`` moves enters with weight 1/fast - 1/slow, each
older one with -1/slow; the squares add up to 1/fast - 1/slow). So z says how far this crossing stands out
from chance, and the confidence is z / (1 + z).
"""

import math
from dataclasses import dataclass, field

from src.application.strategies.indicators import Line
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
class SmaCrossParameters(Parameters):
    """Two windows in bars, fast < slow; raises ValueError otherwise."""

    fast: int = bounded(10, 1, PERIOD_MAX, "bars of the fast average")
    slow: int = bounded(30, 2, PERIOD_MAX, "bars of the slow average")
    direction: Direction = field(default=Direction.BOTH, metadata=DIRECTION)

    def __post_init__(self) -> None:
        check_bounds(self)
        check_windows(self.fast, self.slow)


class SmaCrossStrategy(StreamStrategy[SmaCrossParameters]):
    """Signals at the crossings of two simple moving averages of the close."""

    __slots__ = ("_close", "_distance", "_fast", "_fast_value", "_mean_move", "_side", "_slow",
                 "_slow_value", "_spread")  # fmt: skip

    _fast: Line
    _slow: Line
    _mean_move: Line

    def __init__(
        self,
        parameters: SmaCrossParameters | None = None,
        symbol: str | None = None,
        strategy_id: str = "sma_cross",
    ) -> None:
        p = parameters or SmaCrossParameters()
        super().__init__(p, symbol, strategy_id, p.direction, bars_needed=p.slow + 1)
        self._spread = math.sqrt(1 / p.fast - 1 / p.slow)

    @property
    def history_bars(self) -> int:
        """The slow window and one move more, as plain averages forget completely; and the memory of the side."""
        return self._needed + self._parameters.slow

    def _open(self, closes: list[float]) -> None:
        """Open both averages and the mean move; the side they start on is no crossing."""
        fast, slow = self._parameters.fast, self._parameters.slow
        # All but the last close open the handles, so that the last one yields their first values.
        self._fast = self._indicators.sma(closes[:-1], fast)
        self._slow = self._indicators.sma(closes[:-1], slow)
        self._mean_move = self._indicators.mean_move(closes, slow)
        self._side = Side(slow)
        self._close = close = closes[-1]
        self._fast_value = self._fast.update(close)
        self._slow_value = self._slow.update(close)
        self._distance = self._fast_value - self._slow_value
        self._side.crosses(self._distance, TOUCHING * close)

    def _advance(self, close: float) -> Wish | None:
        """Update all three; a change of side is a wish."""
        fast = self._fast_value = self._fast.update(close)
        slow = self._slow_value = self._slow.update(close)
        mean_move = self._mean_move.update(abs(close - self._close))
        self._close = close
        distance = fast - slow
        change = distance - self._distance
        self._distance = distance
        if not self._side.crosses(distance, TOUCHING * close):
            return None
        strength = abs(change) / (mean_move * self._spread) if mean_move > 0 else 0.0
        is_up = distance > 0
        return Wish(
            is_up,
            saturating(strength),
            f"The {self._parameters.fast}-bar average crossed {'above' if is_up else 'below'} the "
            f"{self._parameters.slow}-bar average, {spelled(fast, abs(distance))} against "
            f"{spelled(slow, abs(distance))}.",
            (("fast", fast), ("slow", slow), ("mean_move", mean_move)),
        )

    def _state(self) -> str:
        """Which average is above which, and for how long."""
        fast = spelled(self._fast_value, abs(self._distance))
        slow = spelled(self._slow_value, abs(self._distance))
        if self._side.value == 0:
            return f"fast {fast} equals slow {slow}: the price has not moved"
        relation = "above" if self._side.value > 0 else "below"
        return f"fast {fast} {relation} slow {slow} {self._side.duration}"
