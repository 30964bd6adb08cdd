"""Options that several commands have, and the way to the application behind them."""

from typing import TYPE_CHECKING, Annotated, Any, Final

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
PLACE: Final = frozenset({"data_dir", "database_url"})
"""The settings without which a command does not find its accounts."""
EXCHANGE: Final = frozenset({"data_dir", "api_key", "api_secret", "testnet_url"})
"""Those without which it does not find their exchange, where no database is needed."""


def option(flag: str, metavar: str, meaning: str) -> Any:
    """An option whose help says itself what it is by default."""
    return typer.Option(flag, metavar=metavar, help=meaning, show_default=False)


def load(ctx: typer.Context, flags: dict[str, str] | None = None) -> "Application":
    """The application with its settings read; raises ConfigurationError."""
    application: Application = ctx.obj.load(flags or {})
    return application


def load_for(ctx: typer.Context, needs: frozenset[str]) -> "Application":
    """The same for a command that must not fail for a setting that it does not need: it is told of, and passed over."""
    problems: list[str] = []
    application: Application = ctx.obj.load({}, needs, problems.append)
    if problems:
        from src.interfaces.cli.composition import ConfigurationError
        from src.interfaces.cli.errors import explain, print_warning

        line, _ = explain(ConfigurationError(*problems))
        print_warning(f"a setting is wrong that is not needed here: {line}")
    return application
