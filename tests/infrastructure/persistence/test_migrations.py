"""Where a database's tables come from: the migrations, the schema file made from them, and the tables in code."""

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from src.application.ports.store import AccountBusy, StoreError, StoreTooNew
from src.infrastructure.persistence import schema
from src.infrastructure.persistence.columns import metadata
from src.infrastructure.persistence.lease import Lease
from src.infrastructure.persistence.migrations import SCRIPTS, migrate, render_schema, revisions
from src.infrastructure.persistence.schema import SchemaState, create_sqlite, sqlite_schema_state
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.support.full_disk import no_file_beyond
from tests.support.ledger_builders import ACCOUNT

# The newest version there is; the later one of these tests follows it.
LAST = schema.REVISIONS[-1]

NEXT = '''
"""A later version."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{last}", None, None
def upgrade():
    with op.batch_alter_table("portfolios") as table:
        table.add_column(sa.Column("colour", sa.Text(), nullable=True))
    {more}
def downgrade():
    pass
'''


def definitions(path: Path) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return {(kind, name, re.sub(r"\s+", "", text)) for kind, name, text in rows}


def scripts_of_a_later_version(folder: Path, more: str = "pass") -> Path:
    scripts = shutil.copytree(SCRIPTS, folder / "alembic", ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9999_later.py").write_text(NEXT.format(more=more, last=LAST))
    return scripts


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "steadyhand.db"
    create_sqlite(path)
    return path


def test_the_migrations_lead_to_the_tables(tmp_path: Path):
    path = tmp_path / "migrated.db"

    migrate(path)

    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def test_a_new_database_is_what_the_migrations_lead_to(tmp_path: Path, database: Path):
    migrated = tmp_path / "migrated.db"

    migrate(migrated)

    assert definitions(database) == definitions(migrated)


def test_the_schema_file_is_rendered_from_the_migrations():
    text = schema.SCHEMA_FILE.read_text()

    assert text == render_schema(), "write what render_schema() returns into schema.sql"


def test_start_up_knows_every_revision():
    assert list(schema.REVISIONS) == revisions()


def test_a_new_database_is_current_and_has_nothing_to_migrate(database: Path):
    before = sqlite_schema_state(database)

    applied, copy = migrate(database)

    assert before is SchemaState.CURRENT
    assert (applied, copy) == ([], None)


def test_a_missing_database_is_made_by_its_migrations(tmp_path: Path):
    applied, copy = migrate(tmp_path / "new.db")

    assert (applied, copy) == (revisions(), None)
    assert sqlite_schema_state(tmp_path / "new.db") is SchemaState.CURRENT


def test_a_database_that_another_process_makes_just_now_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "new.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(schema, "sleep", lambda seconds: other.rollback())

        create_sqlite(path)

    assert sqlite_schema_state(path) is SchemaState.CURRENT


def test_an_old_database_is_copied_before_it_is_migrated(tmp_path: Path, database: Path):
    scripts = scripts_of_a_later_version(tmp_path)
    before = definitions(database)

    applied, copy = migrate(database, scripts=scripts)

    assert applied == ["9999"]
    assert copy is not None
    assert definitions(copy) == before
    assert any("colour" in text for *_, text in definitions(database))


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%41b", "a%b", "a b"])
def test_a_database_is_migrated_whatever_its_folder_is_called(tmp_path: Path, name: str):
    folder = tmp_path / name
    folder.mkdir()

    migrate(folder / "steadyhand.db")
    needed, copy = migrate(folder / "steadyhand.db", scripts=scripts_of_a_later_version(tmp_path))

    assert len(needed) == 1
    assert {path.name for path in tmp_path.iterdir()} == {name, "alembic"}
    assert copy is not None and copy.parent == folder


def test_a_second_copy_does_not_overwrite_the_first(tmp_path: Path, database: Path):
    scripts = scripts_of_a_later_version(tmp_path)
    first = tmp_path / f"steadyhand.db.{LAST}.bak"
    first.write_text("an older copy")

    _, copy = migrate(database, scripts=scripts)

    assert copy == tmp_path / f"steadyhand.db.{LAST}.2.bak"
    assert first.read_text() == "an older copy"


def test_a_copy_that_finds_no_room_leaves_nothing_that_looks_like_one(tmp_path: Path, database: Path):
    scripts = scripts_of_a_later_version(tmp_path)
    before = sorted(tmp_path.iterdir())

    with no_file_beyond(database.stat().st_size // 2), pytest.raises(StoreError):
        migrate(database, scripts=scripts)

    assert sorted(tmp_path.iterdir()) == before


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path, database: Path):
    scripts = scripts_of_a_later_version(tmp_path, more='op.execute("INSERT INTO nowhere VALUES (1)")')
    before = definitions(database)

    with pytest.raises(StoreError):
        migrate(database, scripts=scripts)

    assert definitions(database) == before
    assert sqlite_schema_state(database) is SchemaState.CURRENT


def test_no_migration_runs_while_a_session_does(tmp_path: Path, database: Path):
    asyncio.run(SqliteStore(database).open_account(ACCOUNT, 1))
    scripts = scripts_of_a_later_version(tmp_path)
    lease = Lease.take(database, ACCOUNT.account_id, "pid 7")

    with pytest.raises(AccountBusy, match="pid 7"):
        migrate(database, scripts=scripts)

    lease.release()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path, database: Path):
    migrate(database, scripts=scripts_of_a_later_version(tmp_path))

    with pytest.raises(StoreTooNew, match="update this program"):
        migrate(database)
    with pytest.raises(StoreTooNew, match="update this program"):
        SqliteStore(database)


def test_the_tables_fit_postgresql_too(monkeypatch: pytest.MonkeyPatch):
    command = [sys.executable, "-m", "alembic", "upgrade", "head", "--sql"]
    environment = {"DATABASE_URL": "postgresql+asyncpg://user@host/name", "PATH": ""}

    done = subprocess.run(
        command, cwd=SCRIPTS.parent, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "account_no BIGSERIAL" in done.stdout
    assert "quantity NUMERIC NOT NULL" in done.stdout, "a scale would round"
    assert "BYTEA" in done.stdout
