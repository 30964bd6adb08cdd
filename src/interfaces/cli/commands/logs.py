"""The command that reads the program's logs."""

from typing import Annotated

import typer

from src.interfaces.cli.commands.options import JsonFlag, load


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs", rich_help_panel="Program")(logs)


def logs(
    ctx: typer.Context,
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="At least this loud.")] = "debug",
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="Lines with this, in any case.")
    ] = "",
    grep: Annotated[str, typer.Option("--grep", metavar="REGEX", help="Lines that match.")] = "",
    trades: Annotated[bool, typer.Option("--trades", help="Orders and fills instead of events.")] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many of the last.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    export: Annotated[
        str | None,
        typer.Option("--export", metavar="FILE", help="Write all of them to a new file; - is stdout."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="text|json", help="For people or programs.")
    ] = "text",
    as_json: JsonFlag = False,
) -> None:
    """Show, search, follow or export the logs."""
    from src.interfaces.cli import logs as reader
    from src.interfaces.cli.errors import CommandFailed, ExitCode

    if form not in list(reader.LogFormat):
        raise CommandFailed(f"--format {form} is none of text, json: choose one", ExitCode.CONFIGURATION)
    chosen = reader.LogFormat.JSON if as_json else reader.LogFormat(form)
    wanted = reader.Wanted.of(level, search, grep)
    path = reader.log_path(load(ctx).data_dir, trades=trades)
    lines = reader.last_lines(path, wanted, limit if export is None else None)
    if export not in (None, "-"):
        print(f"{reader.export(lines, export, chosen)}: {len(lines)} lines")
        return
    for line in lines:
        print(reader.shown(line, chosen))
    if follow and export is None:
        try:
            reader.follow(path, wanted, lambda line: print(reader.shown(line, chosen), flush=True))
        except KeyboardInterrupt:
            return
