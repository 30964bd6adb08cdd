"""The status of a session on one screen, and as a document."""

from collections.abc import Iterator, Sequence
from typing import Any

from src.application.trading.snapshot import MarketLine, OrderLine, ParentLine, PositionLine
from src.interfaces.cli.documents import as_document
from src.interfaces.cli.screens.summary import ACCOUNT, SESSION, other_income, win_rate
from src.interfaces.cli.state import Seen
from src.interfaces.cli.tables import Cell, gain, print_table
from src.interfaces.cli.texts import age, moment, money, percent, price, quantity, row_clock, short_id, signed

_PURPOSES = {"PROTECTIVE_STOP": "stop", "PROTECTIVE_TARGET": "target"}


def status_document(seen: Seen) -> dict[str, Any]:
    """The status for programs; keys stay. What rests on a value that nobody knows is None."""
    unknown = {} if seen.is_valued else dict.fromkeys(("equity", "unrealized_pnl", "day_pnl"))
    return {
        "running": seen.running,
        "holder": seen.holder,
        "age_ms": seen.age_ms,
        "account_id": seen.account.account_id,
        "win_rate": win_rate(seen.snapshot),
        "session": as_document(seen.snapshot) | unknown,
    }


def freshness(seen: Seen) -> str:
    """Whether the state is live, and how old it is if not."""
    if seen.running:
        return "live"
    state = f"{seen.holder} does not answer" if seen.holder else "not running"
    return f"{state}, last known state{f', {age(seen.age_ms)} old' if seen.age_ms is not None else ''}"


def print_status(seen: Seen, *, detailed: bool) -> None:
    """The status for people."""
    for line in _lines(seen):
        print(line)
    if detailed:
        print_positions(seen.snapshot.positions, "Positions")
        print_markets(seen.snapshot.markets)
        print_orders(seen.snapshot.orders, "Last orders")


def _lines(seen: Seen) -> Iterator[str]:
    snapshot = seen.snapshot
    change = (snapshot.equity if seen.is_valued else snapshot.wallet) - snapshot.capital
    share = f" ({percent(change / snapshot.capital)})" if snapshot.capital else ""
    rate = win_rate(snapshot)
    yield f"{snapshot.exchange.upper()}  {snapshot.status}, trading {snapshot.trading_state}  [{freshness(seen)}]"
    if snapshot.trading_reason and snapshot.trading_state != "ACTIVE":
        yield f"  trading    {snapshot.trading_reason}"
    yield f"  session    {short_id(snapshot.session_id)} of account {short_id(seen.account.account_id)}"
    yield f"  market     {snapshot.market}, {moment(snapshot.now_ms)}"
    # Without a process no position is valued: what is known then is the wallet.
    label, worth = ("equity", snapshot.equity) if seen.is_valued else ("wallet", snapshot.wallet)
    unrealized, today = (
        (signed(each) if seen.is_valued else "not known")
        for each in (snapshot.unrealized_pnl, snapshot.day_pnl)
    )
    yield f"  {label}     {money(worth)}, {signed(change)}{share}, drawdown {percent(snapshot.max_drawdown)}{SESSION}"
    yield (
        f"  P&L        {ACCOUNT} realized {signed(snapshot.realized_pnl)}, unrealized {unrealized},"
        f" fees {signed(-snapshot.commission)}, funding {signed(snapshot.funding)}{other_income(snapshot)},"
        f" today {today}"
    )
    yield f"  trades     {snapshot.total_trades}{f', win rate {percent(rate)}' if rate is not None else ''}{SESSION}"
    naked = sum(1 for line in snapshot.positions if line.stop_price is None)
    yield f"  positions  {len(snapshot.positions)}{f', {naked} WITHOUT A STOP' if naked else ''}"
    yield f"  why        {snapshot.why_not}"
    for text in snapshot.alarms:
        yield f"  alarm      {text}"


def print_positions(positions: Sequence[PositionLine], title: str) -> None:
    """Positions for people."""
    columns = (
        "symbol",
        "side",
        "quantity>",
        "entry>",
        "mark>?",
        "P&L>",
        "stop>",
        "target>",
        "strategy?",
        "liquidation>?",
        "margin>?",
    )
    rows = [
        (
            line.symbol,
            "long" if line.quantity > 0 else "short",
            quantity(abs(line.quantity)),
            price(line.entry_price),
            price(line.mark_price),
            gain(line.unrealized_pnl),
            "none" if line.stop_price is None else price(line.stop_price),
            price(line.target_price),
            line.strategy_id,
            price(line.liquidation_price),
            percent(line.margin_ratio),
        )
        for line in positions
    ]
    _table_or(title, columns, rows, "no position is open")


def print_orders(orders: Sequence[OrderLine], title: str) -> None:
    """Orders for people, newest first; their ids are what a cancel needs, so they stay and are never the last."""
    columns = (
        "time?", "symbol", "side", "quantity>", "price>", "status", "id", "purpose",
        "filled>?", "type?", "strategy?",
    )  # fmt: skip
    time = row_clock(line.created_ms for line in orders)
    rows = [
        (
            time(line.created_ms),
            line.symbol,
            line.side,
            quantity(line.quantity),
            price(line.average_price if line.average_price is not None else line.price),
            line.status + (" (outcome unknown)" if line.attempt_state == "UNKNOWN" else ""),
            line.client_order_id,
            _PURPOSES.get(line.purpose, line.purpose.lower()),
            quantity(line.filled_quantity),
            line.order_type,
            line.strategy_id,
        )
        for line in orders
    ]
    _table_or(title, columns, rows, "none")


def print_parents(parents: Sequence[ParentLine], title: str) -> None:
    """Parent orders for people, newest first; the list of orders names each one's children by it."""
    columns = ("time?", "kind", "symbol", "side", "filled>", "of>", "price>?", "id", "status", "slices>?")
    time = row_clock(line.created_ms for line in parents)
    rows = [
        (
            time(line.created_ms),
            line.kind,
            line.symbol,
            line.side,
            quantity(line.filled_quantity),
            quantity(line.quantity),
            price(line.average_price if line.average_price is not None else line.limit_price),
            line.parent_id,
            line.status,
            f"{line.slices_done}/{line.slices}" if line.slices else "-",
        )
        for line in parents
    ]
    _table_or(title, columns, rows, "none")


def print_markets(markets: Sequence[MarketLine]) -> None:
    """Markets for people."""
    columns = ("symbol", "bid>", "ask>", "mark>?", "age>", "data", "strategies")
    rows = [
        (
            line.symbol,
            price(line.bid),
            price(line.ask),
            price(line.mark_price),
            age(line.age_ms),
            line.trouble or "good",
            ", ".join(line.strategies),
        )
        for line in markets
    ]
    _table_or("Markets", columns, rows, "no market: no process runs the session")


def _table_or(title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Cell]], nothing: str) -> None:
    if rows:
        print_table(title, columns, rows)
    else:
        print(f"{title}: {nothing}")
