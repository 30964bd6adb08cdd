"""Options that several commands have, and the way to the application behind them."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from src.interfaces.cli.composition import Application

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AccountFlag = Annotated[
    str | None,
    typer.Option(
        "--account",
        metavar="ID",
        help="The account, or the beginning of its id. [default: the one that runs]",
    ),
]
EveryAccountFlag = Annotated[
    str | None,
    typer.Option("--account", metavar="ID", help="The account, or the beginning of its id. [default: all]"),
]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def load(ctx: typer.Context, flags: dict[str, str] | None = None) -> "Application":
    """The application with its settings read; raises ConfigurationError."""
    application: Application = ctx.obj.load(flags or {})
    return application
