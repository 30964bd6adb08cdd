"""Momentum: trade with a price that has moved further over a window than chance would have it.

Let m be the mean absolute move from close to close over n = ``period`` bars, and z = (close - close of n bars
before) / (m · √n): the move in units of what a random walk makes of n such moves. Momentum is up while z is
above ``threshold`` and down while it is below its negative; the bar at which that begins gives the signal
(time-series momentum, Moskowitz, Ooi and Pedersen 2012, with the volatility taken from the same window).

**Confidence** is how far beyond the threshold the move is: |z| / (|z| + threshold), so one half at the edge.
"""

from dataclasses import dataclass, field

from src.application.strategies.indicators import Walk
from src.application.strategies.parameters import (
    DIRECTION,
    PERIOD_MAX,
    Direction,
    Parameters,
    bounded,
    check_bounds,
)
from src.application.strategies.streaming import StreamStrategy, Wish


@dataclass(frozen=True, slots=True)
class MomentumParameters(Parameters):
    """The window in bars and the score at which a move counts; raises ValueError for one out of bounds."""

    period: int = bounded(20, 2, PERIOD_MAX, "bars over which the price must have moved")
    threshold: float = bounded(1.5, 0.1, 20.0, "the move in units of a random walk's from which it counts")
    direction: Direction = field(default=Direction.BOTH, metadata=DIRECTION)

    def __post_init__(self) -> None:
        check_bounds(self)


class MomentumStrategy(StreamStrategy[MomentumParameters]):
    """Signals where a move over the window begins to stand out from chance."""

    __slots__ = ("_score", "_walk", "_zone")

    _walk: Walk

    def __init__(
        self,
        parameters: MomentumParameters | None = None,
        symbol: str | None = None,
        strategy_id: str = "momentum",
    ) -> None:
        p = parameters or MomentumParameters()
        super().__init__(p, symbol, strategy_id, p.direction, bars_needed=p.period + 2)

    @property
    def history_bars(self) -> int:
        """The window and one bar more, whose zone is compared with: plain averages forget completely."""
        return self._needed

    def _open(self, closes: list[float]) -> None:
        """Open the window; a move that stands out already is no beginning."""
        self._walk = self._indicators.walk(closes[:-1], self._parameters.period)
        self._zone = 0
        self._follow(closes[-1])

    def _advance(self, close: float) -> Wish | None:
        """Move the window; entering a zone is a wish."""
        before = self._zone
        self._follow(close)
        if self._zone in (0, before):
            return None
        is_up = self._zone > 0
        strength = abs(self._score)
        return Wish(
            is_up,
            strength / (strength + self._parameters.threshold),
            f"The price has {'risen' if is_up else 'fallen'} over {self._parameters.period} bars by "
            f"{strength:.2f} times what chance would make of its moves.",
            (("momentum", self._walk.move), ("mean_move", self._walk.mean_move)),
        )

    def _follow(self, close: float) -> None:
        """Take one close; the zone and the score follow."""
        self._walk.update(close)
        score = self._score = self._walk.score
        threshold = self._parameters.threshold
        self._zone = 1 if score > threshold else -1 if score < -threshold else 0

    def _state(self) -> str:
        """How far the price has moved against what counts."""
        p = self._parameters
        if self._zone == 0:
            return f"momentum {self._score:.2f} within {p.threshold:g} of zero over {p.period} bars"
        return f"momentum {self._score:.2f} still beyond {p.threshold * self._zone:g}"
