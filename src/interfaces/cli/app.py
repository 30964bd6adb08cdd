"""The commands and their way in: parse, call, and turn whatever goes wrong into one line and an exit code.

Loading this module must stay cheap: a command imports what it works with when it is called.
"""

import os
import sys
from collections.abc import Sequence

import typer

from src.interfaces.cli.arguments import repeat_flags, split_verbose
from src.interfaces.cli.commands import (
    audit,
    control,
    logs,
    program,
    reading,
    risk,
    safety,
    session,
    statistics,
    storage,
    strategies,
    testnet,
)
from src.interfaces.cli.composition import Composition
from src.interfaces.cli.errors import ExitCode, explain, explain_usage, print_error

_HELP = "Steadyhand: live trading on Binance USDⓈ-M futures that survives being killed. Trades on paper by default."


def build(rich_help: bool) -> typer.Typer:
    """The parser with all commands."""
    app = typer.Typer(
        name="steadyhand",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich" if rich_help else None,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def options(
        verbose: bool = typer.Option(False, "--verbose", "-v", help="Show where an error came from."),
    ) -> None:
        """Steadyhand."""

    for module in (
        session,
        control,
        reading,
        statistics,
        strategies,
        safety,
        risk,
        audit,
        storage,
        program,
        logs,
        testnet,
    ):
        module.register(app)
    return app


def main(arguments: Sequence[str], composition: Composition) -> int:
    """Run one command; the exit code."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    code = _run(arguments, composition)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads any more: nothing is left to say, and the interpreter must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _open_closed_streams() -> None:
    """Whoever started the program without a stream hears nothing there: a halt must not depend on it.

    In this order, so that the free descriptors become those of the streams, and no file of ours is taken for one.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _run(arguments: Sequence[str], composition: Composition) -> int:
    given, verbose = split_verbose(arguments)
    app = build(rich_help=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    try:
        code = app(repeat_flags(given), standalone_mode=False, prog_name="steadyhand", obj=composition)
    except typer.TyperException as error:
        return _refused(error)
    except (SystemExit, BrokenPipeError):
        # The parser, too, leaves this way when nobody reads any more.
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the last resort: one line instead of a traceback
        return _failed(error, verbose)
    if code == ExitCode.INTERRUPTED:
        return _failed(KeyboardInterrupt(), verbose=False)
    return int(code or 0)


def _failed(error: BaseException, verbose: bool) -> int:
    """A command that came to nothing."""
    if verbose:
        import traceback

        traceback.print_exception(error)
    line, code = explain(error)
    print_error(line)
    return code


def _refused(error: typer.TyperException) -> int:
    """A command line that cannot be understood; a bare call was answered with the help."""
    if "Usage:" in error.format_message():
        print(error.format_message())
        return ExitCode.OK
    print_error(explain_usage(error.format_message()))
    return ExitCode.CONFIGURATION
