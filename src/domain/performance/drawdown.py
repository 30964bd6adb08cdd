"""Drawdown: how far, how deep and how long the account stood below its own peak."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from src.domain.money import MONEY_CONTEXT, ZERO
from src.domain.performance.equity import CurvePoint


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The worst of a curve; each of the three may be of another time.

    ``amount`` is in quote asset and without what was paid in and out, ``share`` a fraction of the peak value of a unit,
    ``duration_ms`` the session time from a peak to the first mark that is not below it, or to the last mark.
    """

    amount: Decimal = ZERO
    share: Decimal = ZERO
    duration_ms: int = 0


class DrawdownTally:
    """Follows a curve point by point; every call is O(1).

    Source: Magdon-Ismail and Atiya, "Maximum drawdown": the maximum over time of the highest value so far less the
    value now; the share divides by that highest value.
    """

    __slots__ = ("_amount", "_duration_ms", "_is_below", "_paid", "_peak", "_peak_ms", "_peak_unit", "_share")

    def __init__(self) -> None:
        self._amount = self._share = self._paid = ZERO
        self._duration_ms = self._peak_ms = 0
        self._peak: Decimal | None = None
        self._peak_unit = ZERO
        self._is_below = False

    def add(self, point: CurvePoint) -> Decimal:
        """Take the next point; the share by which a unit is below its peak now."""
        self._paid += point.flow
        earned = point.equity - self._paid
        if self._peak is None:
            self._peak, self._peak_unit, self._peak_ms = earned, point.unit, point.at_ms
        self._peak = max(self._peak, earned)
        self._amount = max(self._amount, self._peak - earned)
        if point.unit >= self._peak_unit:
            if self._is_below:
                self._duration_ms = max(self._duration_ms, point.at_ms - self._peak_ms)
            self._is_below = False
            self._peak_unit, self._peak_ms = point.unit, point.at_ms
            return ZERO
        self._is_below = True
        self._duration_ms = max(self._duration_ms, point.at_ms - self._peak_ms)
        share = 1 - MONEY_CONTEXT.divide(point.unit, self._peak_unit)
        self._share = max(self._share, share)
        return share

    def worst(self) -> Drawdown:
        """The worst so far."""
        return Drawdown(self._amount, self._share, self._duration_ms)


def drawdown(points: Iterable[CurvePoint]) -> Drawdown:
    """The worst of a whole curve."""
    tally = DrawdownTally()
    for point in points:
        tally.add(point)
    return tally.worst()
