"""The command group about strategies; without a subcommand it lists them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

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
    group.command("running")(running)
    group.command("enable")(enable)
    group.command("disable")(disable)
    group.command("set")(set_parameters)
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


_Strategy = Annotated[str, typer.Argument(metavar="ID", help="Its id, or its name when only one has it.")]


def running(ctx: typer.Context, account: AccountFlag = None, as_json: JsonFlag = False) -> None:
    """Show where each strategy of the running session stands."""
    _change(ctx, account, as_json, "list", "")


def enable(
    ctx: typer.Context,
    strategy: Annotated[str, typer.Argument(metavar="SPEC", help="Like sma_cross:fast=5,slow=20.")],
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Add a strategy to the running session; restarts keep it."""
    _change(ctx, account, as_json, "enable", strategy)


def disable(
    ctx: typer.Context, strategy: _Strategy, account: AccountFlag = None, as_json: JsonFlag = False
) -> None:
    """Take a strategy out of the running session.

    What it holds keeps its stops.
    """
    _change(ctx, account, as_json, "disable", strategy)


def set_parameters(
    ctx: typer.Context,
    strategy: _Strategy,
    parameters: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Like fast=5.")],
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Give a strategy of the running session other parameters."""
    _change(ctx, account, as_json, "set", strategy, parameters)


def _change(
    ctx: typer.Context,
    account: str | None,
    as_json: bool,
    action: str,
    strategy: str,
    parameters: Sequence[str] = (),
) -> None:
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.strategy_changes import change_strategies, print_running

    view = change_strategies(load(ctx), account, action, strategy, parameters)
    if as_json:
        print_document(view)
    else:
        print_running(view)


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
