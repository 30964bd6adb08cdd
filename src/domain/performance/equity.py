"""The equity curve: its points, what was paid in and out between them, and the returns that are left.

Returns are those of a unit of the account, as of a fund's share (time-weighted return, CFA Institute, GIPS): from
one mark to the next ``r = (E₁ - F) / E₀ - 1``, where F is what was paid in (or out, negative) after the first mark and
up to the second. So a deposit is neither a profit nor the end of a drawdown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from typing import Final

from src.domain.money import MONEY_CONTEXT, ZERO
from src.domain.performance.ratios import ENOUGH
from src.domain.shared.errors import InvariantViolated

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
BUCKETS: Final = (DAY_MS, HOUR_MS, MINUTE_MS)
"""Lengths that returns are taken over, ms of session time."""

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class EquityMark:
    """Equity (wallet plus unrealised P&L) and gross exposure at a moment of session time; quote asset."""

    at_ms: int
    equity: Decimal
    exposure: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Flow:
    """What was paid into the account (negative: out of it) at a moment; quote asset."""

    at_ms: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A mark, what was paid in since the mark before, and the value of a unit that was worth 1 at the first mark."""

    at_ms: int
    equity: Decimal
    flow: Decimal
    unit: Decimal
    exposure: Decimal = ZERO


def unit_after(unit: Decimal, before: Decimal, after: Decimal, flow: Decimal) -> Decimal:
    """The value of a unit at the next mark; unchanged when there was nothing to earn with (equity not above zero)."""
    if before <= 0:
        return unit
    return MONEY_CONTEXT.multiply(unit, MONEY_CONTEXT.divide(after - flow, before))


def curve(marks: Iterable[EquityMark], flows: Iterable[Flow] = ()) -> list[CurvePoint]:
    """The curve in the order of time; marks of one moment in the order given, flows of it before them.

    Flows up to the first mark are part of its equity.
    """
    ordered = sorted(marks, key=attrgetter("at_ms"))
    paid = sorted(flows, key=attrgetter("at_ms"))
    points: list[CurvePoint] = []
    following, unit = 0, _ONE
    for mark in ordered:
        flow = ZERO
        while following < len(paid) and paid[following].at_ms <= mark.at_ms:
            flow += paid[following].amount
            following += 1
        if points:
            unit = unit_after(unit, points[-1].equity, mark.equity, flow)
        else:
            flow = ZERO
        points.append(CurvePoint(mark.at_ms, mark.equity, flow, unit, mark.exposure))
    return points


def returns(points: Sequence[CurvePoint], bucket_ms: int) -> list[Decimal]:
    """Returns between the last marks of successive buckets of ``bucket_ms`` that hold a mark.

    Time without a mark, in which no session ran, is no time: the bucket after it counts as the next one. After a
    unit has lost everything there are no returns.
    """
    lasts: dict[int, Decimal] = {}
    for point in points:
        lasts[point.at_ms // bucket_ms] = point.unit
    units = list(lasts.values())
    found = []
    for before, after in pairwise(units):
        if before <= 0:
            break
        found.append(MONEY_CONTEXT.divide(after, before) - 1)
    return found


def bucket_for(points: Sequence[CurvePoint], asked_ms: int | None = None) -> int:
    """The bucket to take returns over: the longest of :data:`BUCKETS` that gives at least 30, or the one asked for.

    When none gives 30 it is the shortest that the marks are close enough for: a return from one mark to the next
    counts as one bucket, so marks that are two buckets apart would say too much; where even days are too short, it is
    the days that lie between two of them. Raises :class:`InvariantViolated` when one is asked for that is too short.
    """
    gap_ms = _usual_gap(points)
    if asked_ms is not None:
        if gap_ms >= 2 * asked_ms:
            raise InvariantViolated(
                f"equity is marked every {gap_ms // 1_000} s: returns cannot be taken over {asked_ms // 1_000} s"
            )
        return asked_ms
    fitting = [bucket_ms for bucket_ms in BUCKETS if gap_ms < 2 * bucket_ms] or [gap_ms // DAY_MS * DAY_MS]
    for bucket_ms in fitting:
        if len({point.at_ms // bucket_ms for point in points}) > ENOUGH:
            return bucket_ms
    return fitting[-1]


def _usual_gap(points: Sequence[CurvePoint]) -> int:
    """The median time between two marks, ms; zero below two."""
    gaps = sorted(after.at_ms - before.at_ms for before, after in pairwise(points))
    return gaps[len(gaps) // 2] if gaps else 0
