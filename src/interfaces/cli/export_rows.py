"""What is written of trades, orders, days and equity: the columns, and the rows under them."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, Final

from src.application.trading.snapshot import OrderLine
from src.domain.performance.daily import Day
from src.domain.performance.drawdown import DrawdownTally
from src.domain.performance.equity import CurvePoint
from src.domain.performance.trades import ClosedTrade
from src.domain.positions.position import RoundTrip
from src.interfaces.cli.exports import Row, moment_text


def names(kind: type) -> list[str]:
    """The fields of a dataclass."""
    return [field.name for field in fields(kind)]


def plain_row(value: Any) -> dict[str, Any]:
    """A flat dataclass as a row."""
    return {name: getattr(value, name) for name in names(type(value))}


TRADE_COLUMNS: Final = ["closed_at", "opened_at", *names(RoundTrip), "funding", "net_pnl"]
ORDER_COLUMNS: Final = ["created_at", *names(OrderLine)]
DAY_COLUMNS: Final = names(Day)
EQUITY_COLUMNS: Final = ["at", "at_ms", "equity", "paid_in", "exposure", "unit", "drawdown"]


def trade_rows(trades: Iterable[ClosedTrade]) -> Iterator[Row]:
    """Round trips with their funding and result."""
    for trade in trades:
        trip = trade.trip
        yield {
            "closed_at": moment_text(trip.closed_ms),
            "opened_at": moment_text(trip.opened_ms),
            **plain_row(trip),
            "funding": trade.funding,
            "net_pnl": trade.net_pnl,
        }


def order_rows(orders: Iterable[OrderLine]) -> Iterator[Row]:
    """Orders as the order list shows them."""
    for order in orders:
        yield {"created_at": moment_text(order.created_ms), **plain_row(order)}


def day_rows(days: Iterable[Day]) -> Iterator[Row]:
    """Days."""
    for day in days:
        yield plain_row(day)


def equity_rows(points: Iterable[CurvePoint]) -> Iterator[Row]:
    """The equity curve; ``unit`` is what a unit that was worth 1 at the first mark is worth, ``drawdown`` a share."""
    tally = DrawdownTally()
    for point in points:
        yield {
            "at": moment_text(point.at_ms),
            "at_ms": point.at_ms,
            "equity": point.equity,
            "paid_in": point.flow,
            "exposure": point.exposure,
            "unit": point.unit,
            "drawdown": tally.add(point),
        }
