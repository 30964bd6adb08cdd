"""Commands that read what was traded; they work while a session runs and when none does."""

from typing import TYPE_CHECKING, Annotated

import typer

from src.interfaces.cli.commands.options import AccountFlag, JsonFlag, load
from src.interfaces.cli.commands.statistics import (
    LISTED,
    ExportFlag,
    ForceFlag,
    FormatFlag,
    LimitFlag,
    SymbolFlag,
    export_to,
)

if TYPE_CHECKING:
    from src.application.ports.store import AccountRow, ReadModels
    from src.application.trading.snapshot import ParentLine
    from src.interfaces.cli.composition import Application

PANEL = "Trading"
# More orders than there can be.
ALL = 1 << 40


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("positions", rich_help_panel=PANEL)(positions)
    app.command("orders", rich_help_panel=PANEL)(orders)


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
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Those of unknown outcome, with the evidence about each.")
    ] = False,
    symbol: SymbolFlag = None,
    limit: LimitFlag = None,
    export: ExportFlag = None,
    format_name: FormatFlag = None,
    force: ForceFlag = False,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """List orders, newest first.

    An export holds all of them unless --limit says less.
    """
    from src.application.trading.picture import order_line
    from src.domain.market.symbols import canonical_symbol
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.status import print_orders, print_parents

    app = load(ctx)
    wanted = canonical_symbol(symbol) if symbol is not None else None
    row = choose_account(app, account)
    if unknown:
        _unknown(app, row, wanted, as_json)
        return
    reads = app.open_reads()
    try:
        most = limit or (LISTED if export is None else ALL)
        found = reads.orders(row.account_id, open_only=open_only, symbol=wanted, limit=most + 1)
        parents = _parents(reads, row.account_id, wanted, open_only)
    finally:
        reads.close()
    lines, has_more = [order_line(order) for order in found[:most]], len(found) > most
    if export is not None:
        from src.interfaces.cli.export_rows import ORDER_COLUMNS, order_rows

        export_to(export, format_name, ORDER_COLUMNS, order_rows(lines), force=force, what="orders")
    elif as_json:
        told = {"orders": lines, "parents": parents, "has_more": has_more}
        print_document({"account_id": row.account_id, **told})
    else:
        if parents:
            print_parents(parents, f"{row.exchange.upper()} parent orders")
        cut = f", newest {most}; --limit shows more" if has_more else ""
        print_orders(lines, f"{row.exchange.upper()} {'open orders' if open_only else 'orders'}{cut}")


def _parents(reads: "ReadModels", account_id: str, symbol: str | None, open_only: bool) -> "list[ParentLine]":
    """Parent orders, of one symbol or of all."""
    from src.application.trading.snapshot import ParentLine

    return [
        ParentLine.of(parent)
        for parent in reads.parents(account_id)
        if symbol in (None, parent.ticket.symbol) and not (open_only and parent.status.is_over)
    ]


def _unknown(app: "Application", row: "AccountRow", symbol: str | None, as_json: bool) -> None:
    """Show the orders of unknown outcome of an account."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.unknown import print_unknown, unknown_lines

    reads = app.open_reads()
    try:
        lines = unknown_lines(reads, row.account_id, symbol)
    finally:
        reads.close()
    if as_json:
        print_document({"account_id": row.account_id, "unknown": lines})
    else:
        print_unknown(lines, f"{row.exchange.upper()} orders of unknown outcome")
