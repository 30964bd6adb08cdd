"""What a server and the network do to a commit: it happens as a whole or not at all, and then nothing follows."""

import asyncio
import subprocess
import sys
from decimal import Decimal

import asyncpg
import pytest

from src.application.ports.failpoints import install_hook
from src.application.ports.store import AccountBusy, JournalHead, StoreError, StoreUnavailable
from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.domain.market.sides import OrderSide
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.database_url import parse_database_url
from src.infrastructure.persistence.databases import PostgresDatabase
from src.infrastructure.persistence.portal import Portal
from src.infrastructure.persistence.postgres_driver import AsyncpgDriver
from src.infrastructure.persistence.postgres_health import server_health
from src.infrastructure.persistence.postgres_store import PostgresStore
from tests.conftest import ROOT
from tests.support.faulty_postgres_driver import FaultyPostgresDriver
from tests.support.ledger_builders import ACCOUNT, START_MS, a_fill, a_ticket, an_intent, ledger_snapshot
from tests.support.postgres_server import PostgresServer, running_server
from tests.support.store_writer import Writer, run_sql

LOST = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
# Everything that one commit of the kind below asks of the driver: one statement, or one transaction of several.
SMALL = [an_intent(2)]
LARGE = [an_intent(number) for number in range(2, 60)]
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"


async def stored(database: PostgresDatabase) -> tuple[object, JournalHead]:
    """What a restart would find: tables and journal agree, whatever happened."""
    reads = await asyncio.to_thread(database.reads)
    ledger = reads.ledger(ACCOUNT.account_id)
    assert ledger is not None
    head = reads.head(ACCOUNT.account_id)
    assert reads.verify(ACCOUNT.account_id) == head.seq
    records = [(r.at_ms, decode(r.kind, r.payload)) for r in reads.journal(ACCOUNT.account_id)]
    reads.close()
    assert ledger_snapshot(fold(records)) == ledger_snapshot(ledger)
    return ledger_snapshot(ledger), head


class Faulty:
    """A writer whose driver can be told to fail."""

    def __init__(self, database: PostgresDatabase) -> None:
        self.database = database
        self.driver: FaultyPostgresDriver
        self.writer: Writer

    async def connect(self, _: object) -> FaultyPostgresDriver:
        self.driver = await FaultyPostgresDriver.open(self.database.url)
        return self.driver

    async def open(self) -> "Faulty":
        self.writer = await Writer.over(PostgresStore(self.database.url, connect=self.connect))
        await self.writer.write(an_intent(1))
        return self


@pytest.fixture
async def faulty(postgres: PostgresDatabase) -> Faulty:
    return await Faulty(postgres).open()


@pytest.mark.parametrize("events", [SMALL, LARGE], ids=["one statement", "a transaction"])
async def test_a_commit_that_does_not_reach_the_server_leaves_nothing_behind(
    faulty: Faulty, events: list[e.Event]
):
    before = ledger_snapshot(faulty.writer.ledger), faulty.writer.store.head
    faulty.driver.arm(1, LOST)

    with pytest.raises(StoreUnavailable, match="the connection was lost"):
        await faulty.writer.write(*events)

    await faulty.writer.store.close()
    assert await stored(faulty.database) == before


@pytest.mark.parametrize("events", [SMALL, LARGE], ids=["one statement", "a transaction"])
async def test_a_commit_whose_answer_is_lost_is_a_failure_and_the_next_start_has_it(
    faulty: Faulty, events: list[e.Event]
):
    head = faulty.writer.store.head
    faulty.driver.arm(1, LOST, applied=True)

    with pytest.raises(StoreUnavailable, match="the next start finds out"):
        await faulty.writer.write(*events)

    assert faulty.writer.store.head == head
    held = ledger_snapshot(faulty.writer.ledger)
    await faulty.writer.store.close()
    ledger, found = await stored(faulty.database)
    assert (ledger, found != head) == (held, True)


async def test_a_broken_store_refuses_everything(faulty: Faulty):
    store = faulty.writer.store
    faulty.driver.arm(1, LOST)
    with pytest.raises(StoreError):
        await faulty.writer.write(an_intent(2))

    for refused in (
        lambda: store.find_order("x"),
        lambda: store.load(ACCOUNT.account_id),
        lambda: store.commit(faulty.writer.ledger),
    ):
        with pytest.raises(StoreError, match="closed to everything"):
            await refused()
    with pytest.raises(StoreError, match="closed to everything"):
        store.stage(START_MS, [an_intent(3)])
    await store.close()


async def test_nothing_is_staged_while_a_commit_is_on_its_way(postgres: PostgresDatabase):
    writer = await Writer.open(postgres)
    await writer.tell(an_intent(1))
    commit = asyncio.ensure_future(writer.store.commit(writer.ledger))
    await asyncio.sleep(0)

    with pytest.raises(StoreError, match="a commit was interrupted"):
        writer.store.stage(START_MS, [an_intent(2)])

    await commit
    await writer.end()


async def test_a_commit_that_is_abandoned_breaks_the_store(postgres: PostgresDatabase):
    writer = await Writer.open(postgres)
    await writer.tell(an_intent(1))
    commit = asyncio.ensure_future(writer.store.commit(writer.ledger))
    await asyncio.sleep(0)

    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit

    with pytest.raises(StoreError, match="a commit was interrupted"):
        await writer.write(an_intent(2))
    await writer.store.close()
    await stored(postgres)


@pytest.mark.parametrize("point", ["store.begin", "store.before_commit", "store.after_commit"])
async def test_a_connection_that_ends_at_any_point_of_a_commit_leaves_a_whole_history(
    postgres: PostgresDatabase, point: str
):
    writer = await Writer.open(postgres)
    await writer.write(an_intent(1))
    portal = Portal()

    def cut(name: str) -> None:
        if name == point:
            portal.call(run_sql(postgres, TERMINATE))

    install_hook(cut)
    try:
        with pytest.raises(StoreUnavailable, match="the connection was lost"):
            await writer.write(an_intent(2))
            install_hook(None)
            await writer.write(an_intent(3))
    finally:
        install_hook(None)
        portal.close()

    await writer.store.close()
    _, head = await stored(postgres)
    assert head.seq == (3 if point == "store.after_commit" else 2)


async def test_an_order_that_settled_long_ago_is_found_by_late_news_in_its_row(postgres: PostgresDatabase):
    writer = await Writer.open(postgres)
    intent = an_intent(1, a_ticket(side=OrderSide.SELL))
    await writer.write(intent, a_fill(intent, 1, side=OrderSide.SELL, quantity=Decimal("0.1")))
    await writer.end()
    again = await Writer.open(postgres)
    settled = await again.store.find_order(intent.attempt.client_order_id)
    assert settled is not None

    again.ledger.adopt_order(settled)
    again.ledger.changes.orders[settled.client_order_id] = settled
    settled.updated_ms += 1
    await again.write(e.StreamOpened(1))

    found = await again.store.find_order(intent.attempt.client_order_id)
    assert found is not None
    assert found.updated_ms == settled.updated_ms
    await again.end()


HOLDER = """
import asyncio, sys
from src.infrastructure.persistence.database_url import parse_database_url
from src.infrastructure.persistence.databases import PostgresDatabase
from tests.support.store_writer import Writer

async def hold():
    writer = await Writer.open(PostgresDatabase(parse_database_url(sys.argv[1])))
    print("held", flush=True)
    await asyncio.sleep(60)

asyncio.run(hold())
"""


def test_the_lease_ends_with_its_process(postgres: PostgresDatabase):
    command = [sys.executable, "-c", HOLDER, postgres.url.text]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AccountBusy, match="a test"):
            asyncio.run(Writer.open(postgres))

        holder.kill()

    assert asyncio.run(opened(postgres)) == 2


async def opened(database: PostgresDatabase) -> int:
    """The epoch of another start."""
    writer = await Writer.open(database)
    await writer.end()
    return writer.epoch


def test_what_a_killed_server_had_committed_is_there_when_it_starts_again():
    with running_server() as server:
        database = PostgresDatabase(parse_database_url(server.new_database_with_tables()))

        head = asyncio.run(until_killed(database, server))

        server.start()
        _, found = asyncio.run(stored(database))
        assert found == head
        assert asyncio.run(opened(database)) == 2


async def until_killed(database: PostgresDatabase, server: PostgresServer) -> object:
    """Write until the server is killed in the middle of it; return the head of the last answered commit."""
    writer = await Writer.open(database)
    for number in range(1, 100):
        await writer.write(an_intent(number))
    server.kill()
    with pytest.raises(StoreUnavailable):
        await writer.write(an_intent(100))
    head = writer.store.head
    await writer.store.close()
    return head


@pytest.mark.parametrize(
    ("statement", "user"),
    [
        ('ALTER DATABASE "{0}" SET default_transaction_read_only = on', "postgres"),
        ('CREATE ROLE "{0}" LOGIN; GRANT SELECT ON account TO "{0}"', "{0}"),
    ],
    ids=["as on a standby", "without the right"],
)
def test_a_database_that_may_not_be_written_is_no_sound_one(
    postgres: PostgresDatabase, postgres_server: PostgresServer, statement: str, user: str
):
    name = postgres.url.name
    server_health(postgres.url)
    postgres_server.run(statement.format(name), name)

    with pytest.raises(StoreUnavailable, match="may not be written"):
        server_health(parse_database_url(postgres.url.text.replace("postgres@", f"{user.format(name)}@")))


async def test_a_server_that_would_not_sync_is_told_to(postgres: PostgresDatabase):
    driver = await AsyncpgDriver.open(postgres.url)

    found = await driver.query("SELECT current_setting('synchronous_commit')")

    assert found == [("on",)]
    await driver.close()


async def test_a_server_that_would_cut_an_idle_connection_is_told_not_to(
    postgres: PostgresDatabase, postgres_server: PostgresServer
):
    postgres_server.run(f"ALTER DATABASE {postgres.url.name} SET idle_session_timeout = '1min'")

    driver = await AsyncpgDriver.open(postgres.url)

    found = await driver.query("SELECT current_setting('idle_session_timeout')")
    assert found == [("0",)]
    await driver.close()


def test_a_server_that_does_not_sync_is_noticed():
    with running_server() as server:
        url = parse_database_url(server.url())
        sound = server_health(url)

        server.run("ALTER SYSTEM SET fsync = off")
        server.run("SELECT pg_reload_conf()")
        server.kill()
        server.start()

        assert sound.switched_off == ()
        assert sound.commit_ms > 0
        assert server_health(url).switched_off == ("fsync",)
