"""Bollinger bands, read as reversal: long when the close comes back above the lower band, short when below the upper.

The middle is the simple average of the last n = ``period`` closes, s their standard deviation (of the population,
as Bollinger has it), the bands stand ``width`` · s to both sides. What counts is the score z = (close - middle) / s:
a close at which z comes back within ``width``, after one at which it was beyond, gives the signal.

**Confidence** is how far out the close before was, in deviations beyond the band: with e = |z before| - width it is
(1 + e / (1 + e)) / 2, so one half at the band. (z is at most the root of n - 1, reached when one close differs.)
"""

import math
from dataclasses import dataclass, field

from src.application.strategies.indicators import Deviation
from src.application.strategies.parameters import (
    DIRECTION,
    PERIOD_MAX,
    Direction,
    Parameters,
    bounded,
    check_bounds,
)
from src.application.strategies.streaming import TOUCHING, StreamStrategy, Wish, saturating, spelled


@dataclass(frozen=True, slots=True)
class BollingerParameters(Parameters):
    """The window in bars and the distance of the bands in deviations; raises ValueError for bands out of reach."""

    period: int = bounded(20, 3, PERIOD_MAX, "bars of the middle and of the deviation")
    width: float = bounded(2.0, 0.1, 10.0, "deviations between the middle and a band")
    direction: Direction = field(default=Direction.BOTH, metadata=DIRECTION)

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.width >= math.sqrt(self.period - 1):
            raise ValueError(
                f"width={self.width:g} cannot be reached in {self.period} bars: "
                "choose a smaller width or a longer period"
            )


class BollingerStrategy(StreamStrategy[BollingerParameters]):
    """Signals where the close comes back into the bands."""

    __slots__ = ("_deviation", "_score")

    _deviation: Deviation

    def __init__(
        self,
        parameters: BollingerParameters | None = None,
        symbol: str | None = None,
        strategy_id: str = "bollinger",
    ) -> None:
        p = parameters or BollingerParameters()
        super().__init__(p, symbol, strategy_id, p.direction, bars_needed=p.period + 1)

    @property
    def history_bars(self) -> int:
        """The window and one bar more, whose score is compared with: plain averages forget completely."""
        return self._needed

    def _open(self, closes: list[float]) -> None:
        """Open the window; where the last close stands is what the next is compared with."""
        self._deviation = self._indicators.deviation(closes[:-1], self._parameters.period)
        self._score = 0.0
        self._follow(closes[-1])

    def _advance(self, close: float) -> Wish | None:
        """Move the window; coming back into the bands is a wish."""
        before = self._score
        deviation = self._follow(close)
        width = self._parameters.width
        # A jump from beyond one band to beyond the other comes back from neither.
        if abs(before) <= width or abs(self._score) > width:
            return None
        is_up = before < 0
        middle = self._deviation.mean
        edge = middle - math.copysign(width * deviation, -before)
        return Wish(
            is_up,
            (1 + saturating(abs(before) - width)) / 2,
            f"The close came back {'above the lower' if is_up else 'below the upper'} band at "
            f"{spelled(edge, deviation)}, from {abs(before):.2f} deviations off the middle.",
            (("middle", middle), ("deviation", deviation), ("score", before)),
        )

    def _follow(self, close: float) -> float:
        """Take one close; returns the deviation, the score follows."""
        deviation = self._deviation.update(close)
        self._score = self._deviation.score if deviation > TOUCHING * close else 0.0
        return deviation

    def _state(self) -> str:
        """Where the close stands among the bands."""
        width = self._parameters.width
        if abs(self._score) > width:
            edge = "below the lower" if self._score < 0 else "above the upper"
            return f"the close is {abs(self._score):.2f} deviations off the middle, still {edge} band"
        return f"the close is {self._score:+.2f} deviations off the middle, within {width:g}"
