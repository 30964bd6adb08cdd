"""The command group about strategies; without a subcommand it lists them."""

from typing import TYPE_CHECKING

import typer

from src.interfaces.cli.commands.options import AccountFlag, JsonFlag, load
from src.interfaces.cli.commands.statistics import SinceFlag, UntilFlag

if TYPE_CHECKING:
    from src.interfaces.cli.composition import Application

PANEL = "Statistics"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        invoke_without_command=True, help="List strategies with what each has come to.", add_completion=False
    )
    group.callback()(strategies)
    group.command("list")(list_strategies)
    app.add_typer(group, name="strategies", rich_help_panel=PANEL)


def strategies(
    ctx: typer.Context,
    since: SinceFlag = None,
    until: UntilFlag = None,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """List strategies with what each has come to."""
    if ctx.invoked_subcommand is None:
        _list(load(ctx), account, since, until, as_json=as_json)


def list_strategies(
    ctx: typer.Context,
    since: SinceFlag = None,
    until: UntilFlag = None,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """List strategies with what each has come to."""
    _list(load(ctx), account, since, until, as_json=as_json)


def _list(
    app: "Application", account: str | None, since: str | None, until: str | None, *, as_json: bool
) -> None:
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.strategies import print_strategies, strategies_of

    found = strategies_of(app, account, since, until)
    if as_json:
        print_document(
            {
                "account_id": found.account.account_id,
                "period": found.period,
                "strategies": found.strategies,
            }
        )
    else:
        print_strategies(found)
