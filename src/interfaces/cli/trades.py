"""Round trips for people: one line each, and what they come to."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from src.domain.performance.history import Period
from src.domain.performance.trades import ClosedTrade
from src.interfaces.cli.tables import gain, print_table
from src.interfaces.cli.texts import price, quantity, row_clock, signed
from src.interfaces.cli.units import spelled_duration


def select_trades(
    trades: Iterable[ClosedTrade], period: Period, symbol: str | None, strategy: str | None
) -> list[ClosedTrade]:
    """Those closed in the period, of one symbol and strategy if asked for."""
    return [
        trade
        for trade in trades
        if period.holds(trade.trip.closed_ms)
        and symbol in (None, trade.trip.symbol)
        and strategy in (None, trade.trip.strategy_id)
    ]


def print_trades(trades: Sequence[ClosedTrade], title: str, most: int) -> None:
    """The table, newest first and at most so many, with the sum of all."""
    if not trades:
        print(f"{title}: none")
        return
    shown = trades[:most]
    closed = row_clock(trade.trip.closed_ms for trade in shown)
    columns = (
        "closed", "held>", "symbol", "side", "quantity>", "entry>", "exit>", "net>",
        "P&L>?", "fees>?", "funding>?", "strategy?",
    )  # fmt: skip
    rows = [
        (
            closed(trade.trip.closed_ms),
            spelled_duration(trade.trip.closed_ms - trade.trip.opened_ms),
            trade.trip.symbol,
            "long" if trade.trip.side.sign > 0 else "short",
            quantity(trade.trip.quantity),
            price(trade.trip.entry_price),
            price(trade.trip.exit_price),
            gain(trade.net_pnl),
            gain(trade.trip.pnl),
            signed(-trade.trip.commission),
            gain(trade.funding),
            trade.trip.strategy_id,
        )
        for trade in shown
    ]
    cut = f", newest {len(shown)} of {len(trades)}" if len(shown) < len(trades) else ""
    print_table(f"{title}{cut}", columns, rows)
    won = sum(1 for trade in trades if trade.net_pnl > 0)
    net = sum((trade.net_pnl for trade in trades), Decimal(0))
    print(f"{f'all {len(trades)}' if cut else len(trades)} trades, {won} won, net {net:+,.2f}")
