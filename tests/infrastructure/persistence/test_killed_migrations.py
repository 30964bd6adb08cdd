"""A migration killed at any statement leaves the old version or the new one, never something between; the next one goes
through. In real processes, on both kinds of databases.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect

from src.infrastructure.persistence.databases import Database, PostgresDatabase, SqliteDatabase
from src.infrastructure.persistence.migrations import migrate
from src.infrastructure.persistence.postgres_migrations import migrate_postgres
from src.infrastructure.persistence.schema import SchemaState
from tests.crash.process import die, in_child, was_killed
from tests.infrastructure.persistence.test_migrations import LAST, scripts_of_a_later_version
from tests.support.ledger_builders import ACCOUNT, START_MS
from tests.support.postgres_server import inspected

STEPS_MAX = 200
# Rows are rewritten and an index is built, as a migration of data would.
MORE = """op.execute("UPDATE portfolios SET colour = 'red'")
    op.create_index("ix_colour", "portfolios", ["colour"])"""


def migrated(database: Database, scripts: Path) -> list[str]:
    if isinstance(database, PostgresDatabase):
        return migrate_postgres(database.url, scripts=scripts)
    assert isinstance(database, SqliteDatabase)
    return migrate(database.path, scripts=scripts)[0]


def shape(database: Database) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """The version, and the columns of every table."""

    def look(connection: Connection) -> tuple[tuple[str, ...], dict[str, list[str]]]:
        rows = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchall()
        found = inspect(connection)
        names = found.get_table_names()
        return tuple(row[0] for row in rows), {
            name: sorted(c["name"] for c in found.get_columns(name)) for name in names
        }

    if isinstance(database, PostgresDatabase):
        return inspected(database.url, look)
    assert isinstance(database, SqliteDatabase)
    engine = create_engine(f"sqlite:///{database.path}")
    try:
        with engine.connect() as connection:
            return look(connection)
    finally:
        engine.dispose()


def killing_at(step: int) -> Callable[[], None]:
    """Before and after each statement, and before each commit, is a step; the process dies at one of them."""
    passed = 0

    def count(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == step:
            die()

    def listen() -> None:
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, name, count)

    return listen


def kills(database: Database, scripts: Path) -> Iterator[int]:
    """Start the migration again and again, each killed one step later than the last, until one goes through."""
    for step in range(1, STEPS_MAX):

        def run(at: int = step) -> None:
            killing_at(at)()
            migrated(database, scripts)

        status = in_child(run, None)
        if not was_killed(status):
            assert status == 0
            return
        yield step
    raise AssertionError("the migration never went through")


def test_a_migration_killed_at_any_statement_leaves_the_old_or_the_new_version(
    database: Database, tmp_path: Path
):
    asyncio.run(with_an_account(database))
    scripts = scripts_of_a_later_version(tmp_path, more=MORE)
    before = shape(database)
    seen = []

    for _ in kills(database, scripts):
        seen.append(shape(database))

    after = shape(database)
    assert before[0] == (LAST,) and after[0] == ("9999",)
    assert "colour" in after[1]["portfolios"]
    assert len(seen) >= 10 and before in seen
    assert all(each in (before, after) for each in seen)
    # This program is of the older version, and refuses the newer one.
    assert database.state() is SchemaState.NEWER
    assert migrated(database, scripts) == []


async def with_an_account(database: Database) -> None:
    store = database.store()
    try:
        await store.open_account(ACCOUNT, START_MS)
    finally:
        await store.close()


def test_the_first_migration_killed_at_any_statement_leaves_nothing_or_everything(tmp_path: Path):
    number = 0
    while True:
        number += 1
        path = tmp_path / f"{number}.db"

        def run(at: int = number * 7, place: Path = path) -> None:
            killing_at(at)()
            migrate(place)

        status = in_child(run, None)
        left = SqliteDatabase(path).state()
        migrate(path)

        assert left in (SchemaState.EMPTY, SchemaState.OLD, SchemaState.CURRENT)
        assert SqliteDatabase(path).state() is SchemaState.CURRENT
        if not was_killed(status):
            break
    assert number > 10
