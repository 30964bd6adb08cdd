"""RSI reversal: long when the index comes up out of the oversold zone, short when down out of the other.

**Confidence** is how deep the index went before it turned: with d the depth of its extreme in the zone as a
share of the zone's width (0 at its edge, 1 at the end of the scale), it is (1 + d) / 2.
"""

from dataclasses import dataclass, field

from src.application.strategies.indicators import Line, bars_until_forgotten
from src.application.strategies.parameters import (
    DIRECTION,
    PERIOD_MAX,
    Direction,
    Parameters,
    bounded,
    check_bounds,
)
from src.application.strategies.streaming import StreamStrategy, Wish

SCALE = 100.0


@dataclass(frozen=True, slots=True)
class RSIParameters(Parameters):
    """The window in bars and the edges of the two zones, lower < upper; raises ValueError otherwise."""

    period: int = bounded(14, 2, PERIOD_MAX, "bars of the index")
    lower: float = bounded(30.0, 1.0, 99.0, "oversold below this")
    upper: float = bounded(70.0, 1.0, 99.0, "overbought above this")
    direction: Direction = field(default=Direction.BOTH, metadata=DIRECTION)

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.lower >= self.upper:
            raise ValueError(f"lower={self.lower:g} is not below upper={self.upper:g}: choose a lower one")


class RSIStrategy(StreamStrategy[RSIParameters]):
    """Signals where Wilder's relative strength index comes back from an extreme."""

    __slots__ = ("_close", "_extreme", "_index", "_rsi", "_zone")

    _rsi: Line

    def __init__(
        self, parameters: RSIParameters | None = None, symbol: str | None = None, strategy_id: str = "rsi"
    ) -> None:
        p = parameters or RSIParameters()
        super().__init__(p, symbol, strategy_id, p.direction, bars_needed=p.period + 2)

    @property
    def history_bars(self) -> int:
        """The bars needed, and as many as Wilder's averages need to forget their start."""
        return self._needed + bars_until_forgotten(1 / self._parameters.period)

    def _open(self, closes: list[float]) -> None:
        """Open the index; an extreme that began in the warm-up counts from its last bar."""
        self._rsi = self._indicators.rsi(closes[:-1], self._parameters.period)
        self._zone = 0
        self._extreme = 0.0
        self._close = closes[-1]
        self._index = self._rsi.update(closes[-1])
        # TA-Lib states 0 for a market that has not moved, which is not oversold.
        if self._index > 0 or min(closes) < max(closes):
            self._follow(self._index)

    def _advance(self, close: float) -> Wish | None:
        """Update the index; leaving a zone is a wish."""
        index = self._rsi.update(close)
        if close == self._close:
            # Both averages shrink alike, so the index stays; only their rounding, and in the end their vanishing
            # after thousands of such bars, would say something else.
            return None
        self._close = close
        self._index = index
        return self._follow(index)

    def _follow(self, index: float) -> Wish | None:
        """Keep the zone and its extreme up to date; a wish when a zone was left."""
        p = self._parameters
        zone = -1 if index < p.lower else 1 if index > p.upper else 0
        if zone == self._zone:
            if zone:
                self._extreme = min(self._extreme, index) if zone < 0 else max(self._extreme, index)
            return None
        left, extreme = self._zone, self._extreme
        self._zone, self._extreme = zone, index
        return self._wish(left < 0, extreme) if left else None

    def _wish(self, is_up: bool, extreme: float) -> Wish:
        """What coming back from an extreme means."""
        p = self._parameters
        edge = p.lower if is_up else p.upper
        depth = (p.lower - extreme) / p.lower if is_up else (extreme - p.upper) / (SCALE - p.upper)
        reason = (
            f"RSI came back {'up' if is_up else 'down'} through {edge:g} to {self._index:.1f} "
            f"after an extreme of {extreme:.1f}."
        )
        return Wish(is_up, (1 + depth) / 2, reason, (("rsi", self._index), ("extreme", extreme)))

    def _state(self) -> str:
        """Where the index stands."""
        p = self._parameters
        if self._zone == 0:
            return f"RSI {self._index:.1f} between {p.lower:g} and {p.upper:g}"
        edge = f"below {p.lower:g}" if self._zone < 0 else f"above {p.upper:g}"
        return f"RSI {self._index:.1f} still {edge}"
