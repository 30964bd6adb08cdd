"""The whole report: account, trades, curve and costs of one period, and the parts that they are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from src.domain.money import MONEY_CONTEXT, ZERO
from src.domain.performance.attribution import By, Group, attribute
from src.domain.performance.drawdown import Drawdown, drawdown
from src.domain.performance.equity import CurvePoint, Flow, bucket_for, curve, returns
from src.domain.performance.executions import (
    Execution,
    ExecutionFigures,
    execution_figures,
    time_in_market,
    turnover_ratio,
)
from src.domain.performance.funding import FundingPayment
from src.domain.performance.history import OpenLot, Period, TradingHistory
from src.domain.performance.risk import RiskFigures, risk_figures
from src.domain.performance.trades import ClosedTrade, TradeFigures, TradeTally


@dataclass(frozen=True, slots=True)
class CurveFigures:
    """The equity curve of the period; money in the settle asset, ``total_return`` a fraction without what was paid in.

    ``since_ms`` and ``until_ms`` are its first and last mark (session time), None without a mark. ``earned`` is the
    change of equity less what was paid in.
    """

    since_ms: int | None
    until_ms: int | None
    marks: int
    first_equity: Decimal | None
    last_equity: Decimal | None
    paid_in: Decimal
    earned: Decimal | None
    total_return: Decimal | None
    drawdown: Drawdown | None
    risk: RiskFigures


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """Figures of one period. What is the account's is None for one strategy: curve, turnover, funding, other income.

    ``funding`` is what was paid in the period, by the time of payment; that of the trades is by the trade.
    ``other_income`` is what else the exchange took or gave: the fee of a liquidation, a rebate.
    ``exposure_time`` is the share of the time between the first and the last mark in which anything was held.
    """

    trades: TradeFigures
    executions: ExecutionFigures
    open_commission: Decimal
    open_funding: Decimal
    unheld_funding: Decimal
    funding: Decimal | None
    curve: CurveFigures | None
    turnover_ratio: Decimal | None
    exposure_time: Decimal | None
    groups: tuple[Group, ...] = ()
    other_income: Decimal | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    trades: list[ClosedTrade]
    executions: list[Execution]
    lots: list[tuple[OpenLot, Decimal]]


def report(
    history: TradingHistory,
    period: Period | None = None,
    strategy: str | None = None,
    by: By | None = None,
    bucket_ms: int | None = None,
) -> PerformanceReport:
    """The report of a period, of one strategy if one is named, told apart ``by`` something if asked.

    Trades belong to the period in which they were closed. ``bucket_ms`` is what returns are taken over; None chooses
    (:func:`src.domain.performance.equity.bucket_for`), and InvariantViolated is raised for one that is too short.
    """
    period = period or Period()
    with localcontext(MONEY_CONTEXT):
        part = _part(history, period, strategy)
        points = [] if strategy is not None else points_of(history, period)
        executions = execution_figures(part.executions, history.settle_asset)
        whole = strategy is None
        return PerformanceReport(
            trades=TradeTally.of(part.trades).figures(),
            executions=executions,
            open_commission=sum((lot.commission for lot, _ in part.lots), ZERO),
            open_funding=sum((paid for _, paid in part.lots), ZERO),
            unheld_funding=_sum_of(history.shared.unheld, period) if whole else ZERO,
            funding=_sum_of(history.funding, period) if whole else None,
            other_income=_sum_of(history.other_income, period) if whole else None,
            curve=_curve_figures(points, bucket_ms) if whole else None,
            turnover_ratio=turnover_ratio(executions.turnover, [p.equity for p in points]),
            exposure_time=_exposure_time(history, period, strategy),
            groups=()
            if by is None
            else attribute(by, part.trades, part.executions, part.lots, history.settle_asset),
        )


def _sum_of(paid: Iterable[FundingPayment | Flow], period: Period) -> Decimal:
    return sum((each.amount for each in paid if period.holds(each.at_ms)), ZERO)


def points_of(history: TradingHistory, period: Period) -> list[CurvePoint]:
    """The equity curve of a period; what was paid in before its first mark is part of that mark."""
    return curve((mark for mark in history.marks if period.holds(mark.at_ms)), history.transfers)


def _part(history: TradingHistory, period: Period, strategy: str | None) -> _Part:
    shared = history.shared
    anyone = strategy is None
    return _Part(
        [
            trade
            for trade in shared.trades
            if period.holds(trade.trip.closed_ms) and (anyone or trade.trip.strategy_id == strategy)
        ],
        [
            fill
            for fill in history.executions
            if period.holds(fill.at_ms) and (anyone or fill.strategy_id == strategy)
        ],
        [
            (lot, paid)
            for lot, paid in shared.lots
            if period.holds(lot.opened_ms) and (anyone or lot.strategy_id == strategy)
        ],
    )


def _curve_figures(points: Sequence[CurvePoint], bucket_ms: int | None) -> CurveFigures:
    bucket_ms = bucket_for(points, bucket_ms)
    worst = drawdown(points)
    risk = risk_figures(returns(points, bucket_ms), bucket_ms, worst.share)
    if not points:
        return CurveFigures(None, None, 0, None, None, ZERO, None, None, None, risk)
    first, last = points[0], points[-1]
    paid_in = sum((point.flow for point in points), ZERO)
    return CurveFigures(
        since_ms=first.at_ms,
        until_ms=last.at_ms,
        marks=len(points),
        first_equity=first.equity,
        last_equity=last.equity,
        paid_in=paid_in,
        earned=last.equity - first.equity - paid_in,
        total_return=last.unit - 1 if first.equity > 0 else None,
        drawdown=worst,
        risk=risk,
    )


def _exposure_time(history: TradingHistory, period: Period, strategy: str | None) -> Decimal | None:
    times = [mark.at_ms for mark in history.marks if period.holds(mark.at_ms)]
    if not times:
        return None
    held: list[tuple[int, int | None]] = [
        (trip.opened_ms, trip.closed_ms) for trip in history.trips if strategy in (None, trip.strategy_id)
    ]
    held += [(lot.opened_ms, None) for lot in history.open_lots if strategy in (None, lot.strategy_id)]
    return time_in_market(held, min(times), max(times))
