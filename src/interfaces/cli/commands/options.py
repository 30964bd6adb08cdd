"""Options that several commands have, and the way to the application behind them."""

from typing import TYPE_CHECKING, Annotated, Any

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


def option(flag: str, metavar: str, meaning: str) -> Any:
    """An option whose help says itself what it is by default."""
    return typer.Option(flag, metavar=metavar, help=meaning, show_default=False)


def load(ctx: typer.Context, flags: dict[str, str] | None = None) -> "Application":
    """The application with its settings read; raises ConfigurationError."""
    application: Application = ctx.obj.load(flags or {})
    return application
