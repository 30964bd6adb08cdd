"""Bringing a database of an older version up to this one, by alembic. Slow to import, so only commands do it.

A migration runs while no session does, after a copy of the file, in one transaction: whatever happens, either the
old or the new schema is there, and the copy beside it.
"""

import sqlite3
from contextlib import ExitStack, closing
from io import StringIO
from pathlib import Path
from typing import Final
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from src.application.ports.store import StoreTooNew
from src.infrastructure.persistence.failures import FAILURES, store_error
from src.infrastructure.persistence.lease import Lease
from src.infrastructure.persistence.schema import read_versions, require_folder

SCRIPTS: Final = Path(__file__).resolve().parents[3] / "alembic"


def migrate(path: Path, *, scripts: Path = SCRIPTS) -> tuple[list[str], Path | None]:
    """Apply every migration that the database lacks; return them, oldest first, and where the copy is.

    A missing or empty file becomes a new database, and nothing is copied. Raises :class:`AccountBusy` while a
    session of it runs, :class:`StoreTooNew` for a database of a newer version, another :class:`StoreError` when the
    file cannot be read or written; the database is then as it was.
    """
    require_folder(path)
    known = revisions(scripts)
    versions = read_versions(path)
    if any(version not in known for version in versions):
        raise StoreTooNew(f"database {path.name} was written by a newer version: update this program")
    lacking = known[known.index(versions[0]) + 1 :] if versions else known
    if not lacking:
        return [], None
    try:
        with ExitStack() as leases:
            if not versions:
                _upgrade(path, scripts)
                return lacking, None
            for account_id in _accounts(path):
                lease = Lease.take(path, account_id, f"a migration to {lacking[-1]}")
                leases.callback(lease.release)
            copy = _copy(path, versions[0])
            _upgrade(path, scripts)
            return lacking, copy
    except FAILURES as error:
        raise store_error(error, path) from error


def revisions(scripts: Path = SCRIPTS) -> list[str]:
    """Every migration there is, oldest first."""
    walk = ScriptDirectory(str(scripts)).walk_revisions()
    return [script.revision for script in walk][::-1]


def render_schema() -> str:
    """What the migrations do to an empty SQLite database, as SQL: the content of ``schema.sql``."""
    buffer = StringIO()
    config = _config(SCRIPTS, "sqlite:///schema.db")
    config.output_buffer = buffer
    command.upgrade(config, "head", sql=True)
    statements = [part.strip() for part in buffer.getvalue().split(";\n")]
    kept = [_without_comments(part) for part in statements if part not in ("", "BEGIN", "COMMIT")]
    return "".join(f"{statement};\n\n" for statement in kept).rstrip("\n") + "\n"


def _without_comments(statement: str) -> str:
    return "\n".join(line.rstrip() for line in statement.splitlines() if line and not line.startswith("--"))


def _config(scripts: Path, url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["database_url"] = url
    return config


def upgrade(url: str, scripts: Path = SCRIPTS) -> None:
    """Run every migration that the database at an address lacks, by alembic, without asking anybody."""
    command.upgrade(_config(scripts, url), "head")


def _upgrade(path: Path, scripts: Path) -> None:
    try:
        # In an address a question mark would begin its options, and a percent sign a character.
        upgrade(f"sqlite:///{quote(str(path.absolute()))}", scripts)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise store_error(error.orig, path) from error
        raise


def _accounts(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [account_id for (account_id,) in connection.execute("SELECT account_id FROM account")]


def _copy(path: Path, version: str) -> Path:
    """A consistent copy beside the database, named after the version it is of; none is ever overwritten."""
    target = path.with_name(f"{path.name}.{version}.bak")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.{version}.{number}.bak")
    # Under another name until it is whole: a disk that fills up leaves no copy that is none.
    part = target.with_name(f"{target.name}.part")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return target
