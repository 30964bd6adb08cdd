"""One row a day: what the wallet earned by the exchange's own figures, the trades closed, and the equity at the end.

``wallet at the end = wallet before + realized_pnl - commission + funding + other + transfers`` holds to the last
digit for the settle asset, because all of these are the exchange's figures at the time they were booked.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from src.domain.money import MONEY_CONTEXT, ZERO
from src.domain.performance.attribution import day_of
from src.domain.performance.drawdown import DrawdownTally
from src.domain.performance.equity import CurvePoint, curve
from src.domain.performance.history import Period, TradingHistory


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day, as 2026-01-31; money in the settle asset.

    ``net`` is ``realized_pnl - commission + funding + other``, ``other`` what else the exchange took or gave (the fee
    of a liquidation, a rebate). ``equity`` is that of the day's last mark and ``earned`` the
    return of a unit since the last mark before the day (a fraction); None on a day without a mark. ``drawdown`` is
    the largest share below the peak of the whole curve that a mark of the day shows.
    """

    day: str
    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    funding: Decimal = ZERO
    net: Decimal = ZERO
    transfers: Decimal = ZERO
    trades: int = 0
    won: int = 0
    lost: int = 0
    equity: Decimal | None = None
    earned: Decimal | None = None
    drawdown: Decimal | None = None
    other: Decimal = ZERO


def daily(history: TradingHistory, period: Period, strategy: str | None = None) -> list[Day]:
    """The days on which anything was booked or marked, oldest first.

    With a ``strategy`` only its fills and trades count; what else is the account's is left out.
    """
    with localcontext(MONEY_CONTEXT):
        return _daily(history, period, strategy)


def _daily(history: TradingHistory, period: Period, strategy: str | None) -> list[Day]:
    rows: dict[str, Day] = {}
    for name, amounts in _booked(history, period, strategy).items():
        realized, commission, funding, transfers, other = amounts
        net = realized - commission + funding + other
        rows[name] = Day(name, realized, commission, funding, net, transfers, other=other)
    for trade in history.shared.trades:
        trip, result = trade.trip, trade.net_pnl
        if period.holds(trip.closed_ms) and strategy in (None, trip.strategy_id):
            name = day_of(trip.closed_ms)
            row = rows.get(name) or Day(name)
            won, lost = row.won + (result > 0), row.lost + (result < 0)
            rows[name] = replace(row, trades=row.trades + 1, won=won, lost=lost)
    if strategy is None:
        points = curve((m for m in history.marks if period.holds(m.at_ms)), history.transfers)
        _mark(rows, points)
    return [rows[name] for name in sorted(rows)]


def _booked(history: TradingHistory, period: Period, strategy: str | None) -> dict[str, list[Decimal]]:
    """Realized P&L, commission, funding, transfers and other income by day."""
    days: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO] * 5)
    for fill in history.executions:
        if period.holds(fill.at_ms) and strategy in (None, fill.strategy_id):
            amounts = days[day_of(fill.at_ms)]
            amounts[0] += fill.realized_pnl
            if fill.commission_asset == history.settle_asset:
                amounts[1] += fill.commission
    if strategy is None:
        # Capital that was there before the first mark belongs to the day of that mark.
        first_ms = min((mark.at_ms for mark in history.marks), default=0)
        _book(days, 2, ((each.at_ms, each.amount) for each in history.funding), period)
        _book(days, 3, ((max(each.at_ms, first_ms), each.amount) for each in history.transfers), period)
        _book(days, 4, ((each.at_ms, each.amount) for each in history.other_income), period)
    return days


def _book(
    days: dict[str, list[Decimal]], place: int, paid: Iterable[tuple[int, Decimal]], period: Period
) -> None:
    for at_ms, amount in paid:
        if period.holds(at_ms):
            days[day_of(at_ms)][place] += amount


def _mark(rows: dict[str, Day], points: Sequence[CurvePoint]) -> None:
    tally = DrawdownTally()
    before = points[0].unit if points else ZERO
    at_end: dict[str, CurvePoint] = {}
    deepest: dict[str, Decimal] = {}
    for point in points:
        name = day_of(point.at_ms)
        at_end[name] = point
        deepest[name] = max(deepest.get(name, ZERO), tally.add(point))
    for name, point in at_end.items():
        earned = MONEY_CONTEXT.divide(point.unit, before) - 1 if before > 0 else None
        row = rows.get(name) or Day(name)
        rows[name] = replace(row, equity=point.equity, earned=earned, drawdown=deepest[name])
        before = point.unit
