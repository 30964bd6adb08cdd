"""The command that has an account's books rebuilt from the exchange's, and compared."""

from typing import Annotated

import typer

from src.interfaces.cli.commands.options import AccountFlag, JsonFlag, load

PANEL = "Safety"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit", rich_help_panel=PANEL)(audit)


def audit(
    ctx: typer.Context,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="A day, a moment (UTC), or how long ago: 24h."),
    ] = None,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Rebuild the account from the exchange's trades and compare.

    Exit code 0: equal; 1: differences. A session may run meanwhile.
    """
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.audits import print_audit, since_of
    from src.interfaces.cli.documents import print_document

    app = load(ctx)
    row = choose_account(app, account)
    outcome = app.audit(row, since_of(since, row.last_ms))
    if as_json:
        print_document({"agrees": outcome.agrees, "audit": outcome})
    else:
        print_audit(outcome)
    if not outcome.agrees:
        raise typer.Exit(1)
