"""The same migrations on a server: all or nothing, never under a running session, never from a newer version."""

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from src.application.ports.store import AccountBusy, StoreError, StoreNotInitialised, StoreTooNew
from src.infrastructure.persistence import schema
from src.infrastructure.persistence.columns import metadata
from src.infrastructure.persistence.database_url import parse_database_url
from src.infrastructure.persistence.databases import PostgresDatabase
from src.infrastructure.persistence.postgres_migrations import migrate_postgres
from src.infrastructure.persistence.schema import SchemaState
from tests.infrastructure.persistence.test_migrations import scripts_of_a_later_version
from tests.support.ledger_builders import ACCOUNT, START_MS
from tests.support.postgres_server import PostgresServer, inspected
from tests.support.store_writer import Writer, run_sql

NEXT = "9999"
COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = 'portfolios' ORDER BY 1"


@pytest.fixture
def empty(postgres_server: PostgresServer) -> PostgresDatabase:
    """A database without tables."""
    return PostgresDatabase(parse_database_url(postgres_server.new_database()))


def test_the_migrations_lead_to_the_tables(postgres: PostgresDatabase):
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    assert inspected(postgres.url, differences) == []


def test_an_empty_database_is_made_once(empty: PostgresDatabase):
    before = empty.state()

    first, second = empty.migrate(), empty.migrate()

    assert (before, empty.state()) == (SchemaState.EMPTY, SchemaState.CURRENT)
    assert first == (list(schema.REVISIONS), None)
    assert second == ([], None)


async def test_a_program_that_runs_an_event_loop_can_make_the_tables_too(empty: PostgresDatabase):
    empty.create()

    assert empty.state() is SchemaState.CURRENT


def test_an_old_database_is_refused_until_it_is_migrated(empty: PostgresDatabase, tmp_path: Path):
    older = scripts_of_a_later_version(tmp_path)
    for path in (older / "versions").glob("*.py"):
        if not path.name.startswith(schema.REVISIONS[0]):
            path.unlink()
    migrate_postgres(empty.url, scripts=older)

    for use in (lambda: empty.reads(), lambda: asyncio.run(empty.store().open_account(ACCOUNT, START_MS))):
        with pytest.raises(StoreNotInitialised, match="run migrate"):
            use()
    applied, _ = empty.migrate()

    assert applied == list(schema.REVISIONS[1:])
    assert asyncio.run(one_start(empty)) == 1


async def one_start(database: PostgresDatabase) -> int:
    """The epoch of a start that ends at once."""
    writer = await Writer.open(database)
    await writer.end()
    return writer.epoch


def test_a_database_of_a_newer_version_is_refused(postgres: PostgresDatabase, tmp_path: Path):
    assert migrate_postgres(postgres.url, scripts=scripts_of_a_later_version(tmp_path)) == [NEXT]

    for use in (
        lambda: postgres.migrate(),
        lambda: postgres.reads(),
        lambda: asyncio.run(postgres.store().load(ACCOUNT.account_id)),
    ):
        with pytest.raises(StoreTooNew, match="update this program"):
            use()


def test_a_migration_that_fails_leaves_the_database_as_it_was(postgres: PostgresDatabase, tmp_path: Path):
    scripts = scripts_of_a_later_version(tmp_path, more='op.execute("INSERT INTO nowhere VALUES (1)")')
    before = asyncio.run(run_sql(postgres, COLUMNS))

    with pytest.raises(StoreError) as failure:
        migrate_postgres(postgres.url, scripts=scripts)

    assert "\n" not in str(failure.value)
    assert asyncio.run(run_sql(postgres, COLUMNS)) == before
    assert postgres.state() is SchemaState.CURRENT


async def test_no_migration_runs_while_a_session_does(postgres: PostgresDatabase, tmp_path: Path):
    writer = await Writer.open(postgres)
    scripts = scripts_of_a_later_version(tmp_path)

    with pytest.raises(AccountBusy, match=r"held by a test on .+: stop that session first"):
        await asyncio.to_thread(migrate_postgres, postgres.url, scripts=scripts)

    await writer.end()
    assert await asyncio.to_thread(migrate_postgres, postgres.url, scripts=scripts) == [NEXT]


async def test_two_that_make_the_tables_at_once_do_not_disturb_each_other(empty: PostgresDatabase):
    made = await asyncio.gather(*(asyncio.to_thread(empty.migrate) for _ in range(2)))

    assert sorted(made) == [([], None), (list(schema.REVISIONS), None)]
