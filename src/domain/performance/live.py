"""The equity curve of a session that runs: the figures of the report, kept up to date one mark at a time."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.domain.money import MONEY_CONTEXT, ZERO
from src.domain.performance.drawdown import Drawdown, DrawdownTally
from src.domain.performance.equity import BUCKETS, CurvePoint, unit_after
from src.domain.performance.ratios import ENOUGH
from src.domain.performance.risk import ReturnTally

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class LiveCurve:
    """The curve so far: shares and ratios as in the report, which a test holds these equal to."""

    total_return: Decimal | None
    drawdown: Drawdown | None
    returns: int
    bucket_ms: int
    volatility: Decimal | None
    sharpe: Decimal | None
    sortino: Decimal | None


class _Bucketed:
    """Returns over buckets of one length; the last bucket counts with its newest mark.

    After a unit has lost everything there are no returns, but ``buckets`` that hold a mark.
    """

    __slots__ = ("_before", "_bucket", "_now", "_tally", "bucket_ms", "buckets")

    def __init__(self, bucket_ms: int) -> None:
        self.bucket_ms = bucket_ms
        self.buckets = 0
        self._tally = ReturnTally(bucket_ms)
        self._bucket: int | None = None
        # The unit at the end of the bucket before, None in the first, at most 0 for good; and at the newest mark.
        self._before: Decimal | None = None
        self._now = _ONE

    def add(self, at_ms: int, unit: Decimal) -> None:
        bucket = at_ms // self.bucket_ms
        if bucket != self._bucket:
            self.buckets += 1
            self._end_bucket()
        self._bucket, self._now = bucket, unit

    def _end_bucket(self) -> None:
        if self._bucket is not None and (self._before is None or self._before > 0):
            self._close(self._tally)
            self._before = self._now

    def _close(self, tally: ReturnTally) -> None:
        if self._before is not None and self._before > 0:
            tally.add(MONEY_CONTEXT.divide(self._now, self._before) - 1)

    def tally(self) -> ReturnTally:
        """With the bucket that is not over."""
        tally = self._tally.copy()
        self._close(tally)
        return tally


class CurveTally:
    """Follows the equity of a session; marks come in the order of time, every call is O(1).

    ``marked_every_ms`` is the session time between two marks: no return is taken over less than half of it.
    """

    __slots__ = ("_buckets", "_drawdown", "_equity", "_first", "_unit")

    def __init__(self, marked_every_ms: int) -> None:
        fitting = [each for each in BUCKETS if marked_every_ms < 2 * each] or [BUCKETS[0]]
        self._buckets = [_Bucketed(bucket_ms) for bucket_ms in fitting]
        self._drawdown = DrawdownTally()
        self._first: Decimal | None = None
        self._equity = ZERO
        self._unit = _ONE

    def add(self, at_ms: int, equity: Decimal, flow: Decimal = ZERO) -> None:
        """Take a mark; ``flow`` is what was paid in since the one before (quote asset)."""
        if self._first is None:
            self._first, flow = equity, ZERO
        else:
            self._unit = unit_after(self._unit, self._equity, equity, flow)
        self._equity = equity
        self._drawdown.add(CurvePoint(at_ms, equity, flow, self._unit))
        for each in self._buckets:
            each.add(at_ms, self._unit)

    def figures(self) -> LiveCurve:
        """The figures so far."""
        bucketed = next((each for each in self._buckets if each.buckets > ENOUGH), self._buckets[-1])
        tally = bucketed.tally()
        return LiveCurve(
            total_return=None if self._first is None or self._first <= 0 else self._unit - 1,
            drawdown=None if self._first is None else self._drawdown.worst(),
            returns=tally.count,
            bucket_ms=bucketed.bucket_ms,
            volatility=tally.volatility(),
            sharpe=tally.sharpe(),
            sortino=tally.sortino(),
        )
