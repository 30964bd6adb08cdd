"""Round trips for people: one line each, and what they come to."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice

from src.domain.positions.position import RoundTrip
from src.interfaces.cli.tables import gain, print_table
from src.interfaces.cli.texts import clock, price, quantity
from src.interfaces.cli.units import spelled_duration


def select_trades(trips: Iterable[RoundTrip], symbol: str | None, limit: int) -> list[RoundTrip]:
    """At most ``limit`` of them, of one symbol if one is asked for."""
    return list(islice((trip for trip in trips if symbol is None or trip.symbol == symbol), limit))


def print_trades(trips: Sequence[RoundTrip], title: str) -> None:
    """The table, newest first, with its sum."""
    if not trips:
        print(f"{title}: no position was closed yet")
        return
    columns = (
        "closed", "held>", "symbol", "side", "quantity>", "entry>", "exit>", "net>",
        "P&L>?", "fees>?", "strategy?",
    )  # fmt: skip
    rows = [
        (
            clock(trip.closed_ms),
            spelled_duration(trip.closed_ms - trip.opened_ms),
            trip.symbol,
            "long" if trip.side.sign > 0 else "short",
            quantity(trip.quantity),
            price(trip.entry_price),
            price(trip.exit_price),
            gain(trip.net_pnl),
            gain(trip.pnl),
            f"{trip.commission:,.2f}",
            trip.strategy_id,
        )
        for trip in trips
    ]
    print_table(title, columns, rows)
    won = sum(1 for trip in trips if trip.net_pnl > 0)
    net = sum((trip.net_pnl for trip in trips), Decimal(0))
    print(f"{len(trips)} trades, {won} won, net {net:+,.2f}")
