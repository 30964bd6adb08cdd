"""Commands about the database and its journal."""

from typing import Annotated

import typer

from src.interfaces.cli.commands.options import AccountFlag, JsonFlag, load

PANEL = "Database"
LISTED = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init-db", rich_help_panel=PANEL)(init_db)
    app.command("migrate", rich_help_panel=PANEL)(migrate)
    app.command("journal", rich_help_panel=PANEL)(journal)
    app.command("backup", rich_help_panel=PANEL)(backup)
    app.command("restore", rich_help_panel=PANEL)(restore)


def init_db(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Make the database and the account."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.texts import short_id

    made = load(ctx).initialise()
    if as_json:
        print_document(made)
    else:
        word = "made" if made.created else "already there"
        print(f"{made.database}: {word}; account {short_id(made.account_id)}, portfolio {made.portfolio}")


def migrate(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Bring the database to this version."""
    from src.interfaces.cli.documents import print_document

    done = load(ctx).migrate()
    if as_json:
        print_document(done)
    elif done.applied:
        copy = f"; the old one is {done.backup}" if done.backup is not None else ""
        print(f"{done.database}: applied {', '.join(done.applied)}{copy}")
    else:
        print(f"{done.database}: up to date")


def journal(
    ctx: typer.Context,
    export: Annotated[
        str | None,
        typer.Option("--export", metavar="FILE", help="Write JSON lines to a new file; - is stdout."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Only records of this kind.")
    ] = None,
    after: Annotated[
        int, typer.Option("--after", metavar="SEQ", min=0, help="Only records after this number.")
    ] = 0,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="Only the last. [default: 20, of an export all]"),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole chain of hashes.")] = False,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """List, export or verify the journal."""
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.journal import export_journal, print_journal, verify_journal

    app = load(ctx)
    account_id = choose_account(app, account).account_id
    if verify:
        verify_journal(app, account_id, as_json=as_json)
    if export is not None:
        export_journal(app, account_id, export, after, kind, limit)
    elif not verify:
        print_journal(app, account_id, after, kind, limit or LISTED, as_json=as_json)


def backup(
    ctx: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Default: a new file in data/backups.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Copy database and paper exchanges into one file.

    A session may run meanwhile. Nothing is overwritten.
    """
    from pathlib import Path

    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.errors import CommandFailed
    from src.interfaces.cli.texts import short_id

    made = load(ctx).back_up(None if file is None else Path(file).expanduser())
    if as_json:
        print_document(made)
    else:
        accounts = "1 account" if made.accounts == 1 else f"{made.accounts} accounts"
        print(f"{made.file}: {accounts}, {made.records:,} records, chain intact, {made.bytes:,} bytes")
    if made.missing:
        names = ", ".join(map(short_id, made.missing))
        raise CommandFailed(
            f"the paper exchange's file of {names} is gone from the data folder, and the backup is without it: "
            "no session of that account starts from there"
        )


def restore(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What backup has written.")],
    as_json: JsonFlag = False,
) -> None:
    """Put a backup into an empty data folder.

    Its files and the chain of its journal are checked first. Nothing is overwritten.
    """
    from pathlib import Path

    from src.interfaces.cli.documents import print_document

    app = load(ctx)
    restored = app.restore(Path(file).expanduser())
    if as_json:
        print_document(restored)
    else:
        print(f"{app.data_dir}: restored, {restored.records:,} records, chain intact; start-session goes on")
