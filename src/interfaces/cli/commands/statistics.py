"""Commands that say what trading came to; they work while a session runs and when none does."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from src.interfaces.cli.commands.options import AccountFlag, JsonFlag, load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from src.application.ports.store import AccountRow
    from src.domain.performance.history import Period, TradingHistory
    from src.interfaces.cli.exports import Row

PANEL = "Statistics"
LISTED = 50
"""How many trades or orders are listed where nobody says how many."""
SinceFlag = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From 2026-01-31, 2026-01-31T12:00 or 7d ago on (UTC)."),
]
UntilFlag = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Until then; a day is included.")
]
SymbolFlag = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol.")]
LimitFlag = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="At most this many, newest first. [default: 50]"),
]
StrategyFlag = Annotated[str | None, typer.Option("--strategy", metavar="ID", help="Only this strategy.")]
ExportFlag = Annotated[
    Path | None,
    typer.Option("--export", metavar="FILE", help="Write to a file instead of the terminal; - is stdout."),
]
CsvFlag = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="The same as --export FILE --format csv.")
]
FormatFlag = Annotated[
    str | None,
    typer.Option("--format", metavar="csv|json", help="Of the file. [default: by its name, else csv]"),
]
ForceFlag = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("performance", rich_help_panel=PANEL)(performance)
    app.command("daily", rich_help_panel=PANEL)(daily)
    app.command("trades", rich_help_panel=PANEL)(trades)
    app.command("balance", rich_help_panel=PANEL)(balance)


def performance(
    ctx: typer.Context,
    since: SinceFlag = None,
    until: UntilFlag = None,
    strategy: StrategyFlag = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="strategy|symbol|day", help="Tell results apart.")
    ] = None,
    returns: Annotated[
        str | None,
        typer.Option(
            "--returns", metavar="TIME", help="Returns over 1m, 1h or 1d. [default: what gives 30 of them]"
        ),
    ] = None,
    export: ExportFlag = None,
    format_name: FormatFlag = None,
    force: ForceFlag = False,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what trading came to.

    An export holds the equity curve.
    """
    from src.domain.performance.report import points_of, report
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.performance import print_groups, print_report
    from src.interfaces.cli.questions import parse_by, parse_returns

    told_apart, bucket_ms = parse_by(by), parse_returns(returns)
    row, period, history = _history(ctx, account, since, until)
    wanted = _known_strategy(history, strategy)
    if export is not None:
        from src.interfaces.cli.export_rows import EQUITY_COLUMNS, equity_rows

        if wanted is not None:
            raise ValueError("the equity curve is the whole account's: leave out --strategy")
        points = points_of(history, period)
        export_to(export, format_name, EQUITY_COLUMNS, equity_rows(points), force=force, what="equity points")
        if not as_json:
            return
    found = report(history, period, wanted, told_apart, bucket_ms)
    if as_json:
        print_document({"account_id": row.account_id, "strategy": wanted, "period": period, "report": found})
        return
    print_report(found, row, wanted)
    if told_apart is not None:
        print_groups(found.groups, told_apart)


def daily(
    ctx: typer.Context,
    since: SinceFlag = None,
    until: UntilFlag = None,
    strategy: StrategyFlag = None,
    export: ExportFlag = None,
    format_name: FormatFlag = None,
    force: ForceFlag = False,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """List what each day (UTC) brought, oldest first."""
    from src.domain.performance.daily import daily as days_of
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.performance import print_days

    row, period, history = _history(ctx, account, since, until)
    wanted = _known_strategy(history, strategy)
    days = days_of(history, period, wanted)
    if export is not None:
        from src.interfaces.cli.export_rows import DAY_COLUMNS, day_rows

        export_to(export, format_name, DAY_COLUMNS, day_rows(days), force=force, what="days")
    elif as_json:
        print_document({"account_id": row.account_id, "strategy": wanted, "days": days})
    else:
        print_days(days, f"{row.exchange.upper()} days{f' of {wanted}' if wanted is not None else ''}")


def trades(
    ctx: typer.Context,
    symbol: SymbolFlag = None,
    since: SinceFlag = None,
    until: UntilFlag = None,
    strategy: StrategyFlag = None,
    limit: LimitFlag = None,
    csv: CsvFlag = None,
    export: ExportFlag = None,
    format_name: FormatFlag = None,
    force: ForceFlag = False,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """List what was opened, closed and earned.

    An export holds all trades unless --limit says less.
    """
    from src.application.reporting.history import trades_of
    from src.domain.market.symbols import canonical_symbol
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.export_rows import TRADE_COLUMNS, trade_rows
    from src.interfaces.cli.questions import parse_period
    from src.interfaces.cli.trades import print_trades, select_trades

    if csv is not None and export is not None:
        raise ValueError("--csv and --export both name a file: give one")
    app = load(ctx)
    wanted = canonical_symbol(symbol) if symbol is not None else None
    row = choose_account(app, account)
    period = parse_period(since, until, row.last_ms)
    reads = app.open_reads()
    try:
        history = trades_of(reads, row.account_id)
    finally:
        reads.close()
    file = export or csv
    found = select_trades(history.shared.trades, period, wanted, _known_strategy(history, strategy))
    if file is not None:
        kind = "csv" if csv is not None else format_name
        export_to(file, kind, TRADE_COLUMNS, trade_rows(found[:limit]), force=force, what="trades")
    elif as_json:
        rows = trade_rows(found[: limit or LISTED])
        print_document({"account_id": row.account_id, "trades": rows, "total": len(found)})
    else:
        print_trades(found, f"{row.exchange.upper()} trades", limit or LISTED)


def balance(ctx: typer.Context, account: AccountFlag = None, as_json: JsonFlag = False) -> None:
    """Show wallet, equity and margin."""
    from src.interfaces.cli.balance import balance_of, print_balance
    from src.interfaces.cli.documents import print_document

    seen, found = balance_of(load(ctx), account)
    if as_json:
        print_document(found)
    else:
        print_balance(seen, found)


def export_to(
    path: Path, format_name: str | None, columns: list[str], rows: "Iterable[Row]", *, force: bool, what: str
) -> None:
    """Write a file and say so on stderr, or for - write to stdout; raises CommandFailed when it cannot be written."""
    from src.interfaces.cli.exports import STDOUT, export, export_to_stdout

    if path == STDOUT:
        export_to_stdout(format_name, columns, rows)
        return
    count = export(path, format_name, columns, rows, force=force)
    print(f"{path}: {count} {what}", file=sys.stderr)


def _history(
    ctx: typer.Context, account: str | None, since: str | None, until: str | None
) -> "tuple[AccountRow, Period, TradingHistory]":
    from src.application.reporting.history import history_of
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.questions import parse_period

    app = load(ctx)
    row = choose_account(app, account)
    period = parse_period(since, until, row.last_ms)
    reads = app.open_reads()
    try:
        return row, period, history_of(reads, row.account_id)
    finally:
        reads.close()


def _known_strategy(history: "TradingHistory", wanted: str | None) -> str | None:
    """The strategy asked for; raises CommandFailed when it has traded nothing."""
    from src.interfaces.cli.errors import CommandFailed, ExitCode

    if wanted is None:
        return None
    traded = {trip.strategy_id for trip in history.trips}
    traded |= {lot.strategy_id for lot in history.open_lots} | {
        fill.strategy_id for fill in history.executions
    }
    known = sorted(traded - {""})
    if wanted not in known:
        names = f"known are {', '.join(known)}" if known else "nothing was traded yet"
        raise CommandFailed(f"strategy {wanted} has traded nothing: {names}", ExitCode.NOT_FOUND)
    return wanted
