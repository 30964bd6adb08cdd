"""Commands about the program itself: its health, its settings, its speed, its version."""

from typing import Annotated

import typer

from src.interfaces.cli.commands.options import PLACE, JsonFlag, load

PANEL = "Program"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("doctor", rich_help_panel=PANEL)(doctor)
    app.command("health-check", rich_help_panel=PANEL, help="The same as doctor.")(doctor)
    settings = typer.Typer(no_args_is_help=True, help="Show or check the settings.")
    settings.command("show")(config_show)
    settings.command("check")(config_check)
    app.add_typer(settings, name="config", rich_help_panel=PANEL)
    app.command("benchmark", rich_help_panel=PANEL)(benchmark)
    app.command("version", rich_help_panel=PANEL)(version)


def doctor(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Check everything that a session needs."""
    from src.interfaces.cli.composition import Health
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.errors import CommandFailed
    from src.interfaces.cli.health import print_check

    checks = []
    # What is wrong with other settings is one of the checks.
    for check in ctx.obj.load({}, PLACE, lambda line: None).checks():
        checks.append(check)
        if not as_json:
            print_check(check)
    failed = [check.name for check in checks if check.health is Health.FAILED]
    if as_json:
        print_document({"healthy": not failed, "checks": checks})
    if failed:
        raise CommandFailed(f"{len(failed)} checks failed ({', '.join(failed)}): do what their lines say")


def config_show(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """List every setting and where its value came from."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.tables import print_table

    lines = load(ctx).setting_lines()
    if as_json:
        print_document({"settings": lines})
    else:
        rows = [(line.name, line.value, line.source, line.meaning) for line in lines]
        print_table("Settings", ("name", "value", "from", "meaning?"), rows)


def config_check(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Read every source of settings and list all that is wrong."""
    from src.interfaces.cli.composition import ConfigurationError
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.errors import CommandFailed, ExitCode

    problems: tuple[str, ...] = ()
    try:
        load(ctx)
    except ConfigurationError as error:
        problems = tuple(map(str, error.args))
    if as_json:
        print_document({"valid": not problems, "problems": problems})
    else:
        for line in problems or ("the settings are valid",):
            print(line)
    if problems:
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        raise CommandFailed(f"{count} wrong: correct what is listed", ExitCode.CONFIGURATION)


def benchmark(
    ctx: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(help="Handed on to the benchmarks.")] = None,
) -> None:
    """Measure latency and throughput here."""
    from src.interfaces.cli.errors import CommandFailed

    if load(ctx).benchmark(arguments or []):
        raise CommandFailed("the benchmarks failed: what they printed says why")


def version(as_json: JsonFlag = False) -> None:
    """Print the versions of program and Python."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.health import versions

    found = versions()
    if as_json:
        print_document(found)
    else:
        print(f"steadyhand {found['steadyhand']} (Python {found['python']}, SQLite {found['sqlite']})")
