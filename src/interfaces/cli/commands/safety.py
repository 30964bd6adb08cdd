"""Commands for when something is wrong: the kill switch, and making store and exchange agree."""

from typing import Annotated

import typer

from src.application.plain_text import plain
from src.interfaces.cli.commands.options import (
    EXCHANGE,
    PLACE,
    AccountFlag,
    DryRunFlag,
    EveryAccountFlag,
    JsonFlag,
    load,
    load_for,
)

PANEL = "Safety"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("halt", rich_help_panel=PANEL)(halt)
    app.command("emergency-close", rich_help_panel=PANEL)(emergency_close)
    app.command("rearm", rich_help_panel=PANEL)(rearm)
    app.command("recover", rich_help_panel=PANEL)(recover)
    app.command("reconcile", rich_help_panel=PANEL)(reconcile)


def halt(
    ctx: typer.Context,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", callback=plain, help="Why; kept in the journal.")
    ] = "asked for",
    soft: Annotated[
        bool, typer.Option("--soft", help="Reduce only: positions may shrink, nothing is opened.")
    ] = False,
    hard: Annotated[bool, typer.Option("--hard", help="Close every position at the market as well.")] = False,
    account: EveryAccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Open no position any more, until rearm.

    Works whether a session runs or not; exits and stops go on. Without --account every account is halted.
    """
    from src.application.ports.kill_switch import KillLevel
    from src.interfaces.cli.composition import ConfigurationError
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.kill_switch import engage

    if soft and hard:
        raise ConfigurationError("--soft and --hard contradict each other: choose one")
    level = KillLevel.SOFT if soft else KillLevel.HARD if hard else KillLevel.HALT
    outcome = engage(load_for(ctx, PLACE), account, reason, level)
    if as_json:
        print_document(outcome)
    else:
        print(outcome.text)


def emergency_close(
    ctx: typer.Context,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", callback=plain, help="Why; kept with each order.")
    ] = "emergency",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also where a session answers.")] = False,
    stops: Annotated[
        bool, typer.Option("--stops", help="Also cancel what only reduces, where nothing is held any more.")
    ] = False,
    account: EveryAccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Halt, cancel entries and close every position, around a session that hangs or cannot run.

    Needs neither session nor database: orders go straight to the exchange and are imported by the next start. Without
    --account every account of the data folder is closed.
    """
    import sys

    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.emergency import choose, close_all, confirm, end

    app = load_for(ctx, EXCHANGE)
    accounts = choose(app, account, anyway=anyway)
    if not yes:
        confirm(accounts, sys.stdin.isatty(), input)
    tell = _say_nothing if as_json else _say
    outcome = close_all(app, accounts, account, reason, tell, stops=stops)
    if as_json:
        print_document(outcome)
    end(outcome)


def _say(line: str) -> None:
    print(line, flush=True)


def _say_nothing(line: str) -> None:
    """Programs read the document."""


def rearm(
    ctx: typer.Context,
    symbol: Annotated[
        str, typer.Option("--symbol", metavar="SYMBOL", help="Only open this closed symbol again.")
    ] = "",
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Allow trading again after a halt, or in one symbol that was closed."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.kill_switch import release, reopen

    outcome = reopen(load(ctx), account, symbol) if symbol else release(load(ctx), account)
    if as_json:
        print_document(outcome)
    else:
        print(outcome.text)


def recover(
    ctx: typer.Context,
    dry_run: DryRunFlag = False,
    release: Annotated[
        str,
        typer.Option("--release", metavar="ID", help="Take this order of unknown outcome for dead instead."),
    ] = "",
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", callback=plain, help="Why it is released; kept in the journal."
        ),
    ] = "",
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Settle what a crash left open.

    The same procedure as at every start, without going on to trade.
    """
    if release:
        _release(ctx, account, release, reason, as_json)
    else:
        _compare(ctx, account, dry_run, as_json)


def _release(ctx: typer.Context, account: str | None, order_id: str, reason: str, as_json: bool) -> None:
    """Let an order of unknown outcome go on a person's word."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.unknown import release_unknown

    released = release_unknown(load(ctx), account, order_id, reason)
    if as_json:
        print_document(released)
    else:
        print(
            f"{released.client_order_id} of {released.symbol} is taken for dead; if it lives, trading halts"
        )


def reconcile(
    ctx: typer.Context, dry_run: DryRunFlag = False, account: AccountFlag = None, as_json: JsonFlag = False
) -> None:
    """Compare store and exchange, and make them agree.

    Fails unless they agree in the end.
    """
    from src.interfaces.cli.errors import CommandFailed

    outcome = _compare(ctx, account, dry_run, as_json)
    if not outcome:
        raise CommandFailed("store and exchange do not agree: see the differences above, and run doctor")


def _compare(ctx: typer.Context, account: str | None, dry_run: bool, as_json: bool) -> bool:
    """Run the recovery procedure and show what came of it; whether both sides agree."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.recovery import print_comparison, run_recovery

    comparison = run_recovery(load(ctx), account, dry_run=dry_run)
    if as_json:
        print_document(comparison)
    else:
        print_comparison(comparison)
    return comparison.agrees
