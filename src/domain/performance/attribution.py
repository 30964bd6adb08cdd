"""Who earned what: the same figures for each strategy, symbol or day, which add up to those of all to the last digit.

Trades count for the strategy that opened the lot, whoever closed it, and for the day on which they were closed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from src.domain.money import ZERO
from src.domain.performance.equity import DAY_MS
from src.domain.performance.executions import Execution, ExecutionFigures, execution_figures
from src.domain.performance.history import OpenLot
from src.domain.performance.trades import ClosedTrade, TradeFigures, TradeTally


class By(StrEnum):
    """What results are told apart by."""

    STRATEGY = "strategy"
    SYMBOL = "symbol"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Group:
    """The part of one strategy, symbol or day (UTC, 2026-01-31). Money in quote asset.

    ``open_commission`` and ``open_funding`` were paid for lots that are still open, and are in no trade yet.
    """

    name: str
    trades: TradeFigures
    executions: ExecutionFigures
    open_commission: Decimal
    open_funding: Decimal


def day_of(at_ms: int) -> str:
    """The UTC day of a moment, as 2026-01-31."""
    return _day(at_ms // DAY_MS)


@lru_cache(maxsize=1_024)
def _day(number: int) -> str:
    """The day with this number since 1970-01-01."""
    return datetime.fromtimestamp(number * (DAY_MS // 1_000), UTC).date().isoformat()


_TRADE: dict[By, Callable[[ClosedTrade], str]] = {
    By.STRATEGY: lambda trade: trade.trip.strategy_id,
    By.SYMBOL: lambda trade: trade.trip.symbol,
    By.DAY: lambda trade: day_of(trade.trip.closed_ms),
}
_EXECUTION: dict[By, Callable[[Execution], str]] = {
    By.STRATEGY: lambda fill: fill.strategy_id,
    By.SYMBOL: lambda fill: fill.symbol,
    By.DAY: lambda fill: day_of(fill.at_ms),
}
_LOT: dict[By, Callable[[OpenLot], str]] = {
    By.STRATEGY: lambda lot: lot.strategy_id,
    By.SYMBOL: lambda lot: lot.symbol,
    By.DAY: lambda lot: day_of(lot.opened_ms),
}


def attribute(
    by: By,
    trades: Iterable[ClosedTrade],
    executions: Iterable[Execution],
    lots: Iterable[tuple[OpenLot, Decimal]],
    settle_asset: str,
) -> tuple[Group, ...]:
    """The groups, by name; ``lots`` are open ones with their funding so far. One pass, O(n)."""
    tallies: dict[str, TradeTally] = defaultdict(TradeTally)
    fills: dict[str, list[Execution]] = defaultdict(list)
    commission: dict[str, Decimal] = defaultdict(lambda: ZERO)
    funding: dict[str, Decimal] = defaultdict(lambda: ZERO)
    trade_name, fill_name, lot_name = _TRADE[by], _EXECUTION[by], _LOT[by]
    for trade in trades:
        tallies[trade_name(trade)].add(trade.trip, trade.funding)
    for fill in executions:
        fills[fill_name(fill)].append(fill)
    for lot, paid in lots:
        commission[lot_name(lot)] += lot.commission
        funding[lot_name(lot)] += paid
    names: Sequence[str] = sorted({*tallies, *fills, *commission})
    return tuple(
        Group(
            name,
            tallies[name].figures(),
            execution_figures(fills[name], settle_asset),
            commission[name],
            funding[name],
        )
        for name in names
    )
