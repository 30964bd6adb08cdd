"""Commands that read what was traded; they work while a session runs and when none does."""

from typing import Annotated

import typer

from src.interfaces.cli.commands.options import AccountFlag, JsonFlag, load

PANEL = "Trading"
SymbolFlag = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol.")]
LimitFlag = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, help="At most this many, newest first.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("positions", rich_help_panel=PANEL)(positions)
    app.command("orders", rich_help_panel=PANEL)(orders)
    app.command("trades", rich_help_panel=PANEL)(trades)


def positions(ctx: typer.Context, account: AccountFlag = None, as_json: JsonFlag = False) -> None:
    """List open positions with stops and targets."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.state import look
    from src.interfaces.cli.status import freshness, print_positions

    seen = look(load(ctx), account)
    if as_json:
        print_document({"running": seen.running, "age_ms": seen.age_ms, "positions": seen.snapshot.positions})
    else:
        print_positions(
            seen.snapshot.positions, f"{seen.snapshot.exchange.upper()} positions, {freshness(seen)}"
        )


def orders(
    ctx: typer.Context,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that can still be filled.")] = False,
    symbol: SymbolFlag = None,
    limit: LimitFlag = 50,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """List orders, newest first."""
    from src.application.trading.picture import order_line
    from src.domain.market.symbols import canonical_symbol
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.status import print_orders

    app = load(ctx)
    wanted = canonical_symbol(symbol) if symbol is not None else None
    row = choose_account(app, account)
    reads = app.open_reads()
    try:
        found = reads.orders(row.account_id, open_only=open_only, symbol=wanted, limit=limit)
    finally:
        reads.close()
    lines = [order_line(order) for order in found]
    if as_json:
        print_document({"account_id": row.account_id, "orders": lines})
    else:
        print_orders(lines, f"{row.exchange.upper()} {'open orders' if open_only else 'orders'}")


def trades(
    ctx: typer.Context,
    symbol: SymbolFlag = None,
    limit: LimitFlag = 50,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """List what was opened, closed and earned."""
    from src.domain.market.symbols import canonical_symbol
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.trades import print_trades, select_trades

    app = load(ctx)
    wanted = canonical_symbol(symbol) if symbol is not None else None
    row = choose_account(app, account)
    reads = app.open_reads()
    try:
        # The read model knows no symbol here, so the limit is applied after the choice.
        found = select_trades(reads.round_trips(row.account_id, None if wanted else limit), wanted, limit)
    finally:
        reads.close()
    if as_json:
        print_document({"account_id": row.account_id, "trades": found})
    else:
        print_trades(found, f"{row.exchange.upper()} trades")
