import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.ports.failpoints import install_hook
from src.application.ports.store import LeaseLost, StoreError
from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve, fold
from src.domain.ledger.state import Ledger
from src.domain.orders.transitions import AttemptTrigger, OrderTrigger
from src.domain.orders.types import OrderStatus
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.driver import LOG_BYTES
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.persistence.sqlite_store import CHECKPOINT_AFTER, SqliteStore
from tests.support.ledger_builders import (
    ACCOUNT,
    START_MS,
    History,
    a_fill,
    a_ticket,
    an_intent,
    histories,
    ledger_snapshot,
)


class Writer:
    """A store with its ledger, as a session holds them."""

    def __init__(self, path: Path, store: SqliteStore, epoch: int, ledger: Ledger) -> None:
        self.path = path
        self.store = store
        self.epoch = epoch
        self.ledger = ledger

    @classmethod
    async def open(cls, path: Path, synchronous: str = "OFF") -> "Writer":
        """Take the account over, or make it."""
        if not path.exists():
            create_sqlite(path)
        store = SqliteStore(path, synchronous=synchronous)
        await store.open_account(ACCOUNT, START_MS)
        epoch = await store.acquire(ACCOUNT.account_id, "a test")
        ledger = await store.load(ACCOUNT.account_id)
        assert ledger is not None
        return cls(path, store, epoch, ledger)

    async def tell(self, event: e.Event, at_ms: int = START_MS) -> None:
        """Stage an event and evolve over it; late news brings a settled order back first."""
        name = getattr(event, "client_order_id", "")
        if name and name not in self.ledger.orders:
            settled = await self.store.find_order(name)
            if settled is not None:
                self.ledger.adopt_order(settled)
        self.store.stage(at_ms, [event])
        evolve(self.ledger, event, at_ms)

    async def write(self, *events: e.Event) -> None:
        for event in events:
            await self.tell(event)
        await self.store.commit(self.ledger)

    async def end(self) -> dict[str, Any]:
        """Close; return what the ledger held."""
        await self.store.close()
        return ledger_snapshot(self.ledger)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "steadyhand.db"


@pytest.fixture
def failpoints() -> Iterator[list[str]]:
    """The names of the failpoints passed, in order."""
    names: list[str] = []
    install_hook(names.append)
    yield names
    install_hook(None)


@given(histories(), st.data())
def test_a_loaded_ledger_is_the_one_in_memory_and_the_fold_of_the_journal(
    history: History, data: st.DataObject
):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "steadyhand.db"

        held = asyncio.run(live(path, history[1:], data))

        reads = SqliteReadModels(path)
        loaded = reads.ledger(ACCOUNT.account_id)
        records = [
            (record.at_ms, decode(record.kind, record.payload)) for record in reads.journal("account-1")
        ]
        reads.close()
        assert records == history
        assert isinstance(loaded, Ledger)
        assert ledger_snapshot(loaded) == held
        assert ledger_snapshot(fold(records)) == held


async def live(path: Path, events: History, data: st.DataObject) -> dict[str, Any]:
    """Write events in drawn batches, with restarts in between; return what the ledger holds at the end."""
    writer = await Writer.open(path)
    while events:
        size = data.draw(st.integers(1, 4))
        batch, events = events[:size], events[size:]
        for at_ms, event in batch:
            await writer.tell(event, at_ms)
        await writer.store.commit(writer.ledger)
        if data.draw(st.sampled_from((False, False, False, True))):
            await writer.end()
            writer = await Writer.open(path)
    return await writer.end()


async def test_equal_histories_in_fresh_stores_give_equal_journals(tmp_path: Path):
    journals = []
    for name in ("one.db", "two.db"):
        writer = await Writer.open(tmp_path / name)
        await writer.write(e.EpochStarted(writer.epoch), intent := an_intent())
        await writer.write(a_fill(intent))
        await writer.end()
        reads = SqliteReadModels(tmp_path / name)
        journals.append(list(reads.journal(ACCOUNT.account_id)))
        reads.close()

    assert journals[0] == journals[1]


async def test_a_commit_with_nothing_to_write_makes_no_transaction(database: Path, failpoints: list[str]):
    writer = await Writer.open(database)
    failpoints.clear()

    await writer.store.commit(writer.ledger)

    assert failpoints == []
    await writer.end()


async def test_a_commit_passes_every_crash_point_in_order(database: Path, failpoints: list[str]):
    writer = await Writer.open(database)

    await writer.write(an_intent())
    writer.store.checkpoint()

    assert failpoints == [
        "store.lease",
        "store.begin",
        "store.journal",
        "store.tables",
        "store.before_commit",
        "store.after_commit",
        "store.checkpoint",
    ]
    await writer.end()


async def test_a_settled_order_leaves_the_working_set_and_is_found_again(database: Path):
    writer = await Writer.open(database)
    intent = an_intent()
    name = intent.attempt.client_order_id
    await writer.write(intent, e.AttemptMoved(name, AttemptTrigger.ACCEPTED, 77))

    await writer.write(a_fill(intent, trade_id=5))

    found = await writer.store.find_order(name)
    assert name not in writer.ledger.orders
    assert found is not None
    assert (found.status, found.trade_ids, found.ticket) == (OrderStatus.FILLED, {5}, intent.ticket)
    assert await writer.store.find_order_by_exchange_id("BTCUSDT", 77) == found
    assert await writer.store.find_order_by_exchange_id("ETHUSDT", 77) is None
    await writer.end()


async def test_a_late_fill_of_a_settled_order_is_written_to_its_row(database: Path):
    writer = await Writer.open(database)
    intent = an_intent()
    name = intent.attempt.client_order_id
    await writer.write(intent, e.OrderMoved(name, OrderTrigger.CANCEL, Decimal(0), START_MS))
    assert name not in writer.ledger.orders

    await writer.write(a_fill(intent, quantity=Decimal("0.04")))

    found = await writer.store.find_order(name)
    assert found is not None
    assert (found.status, found.filled_quantity) == (OrderStatus.CANCELED, Decimal("0.04"))
    await writer.end()


async def test_a_start_reads_no_order_before_the_oldest_open_one(database: Path):
    writer = await Writer.open(database)
    for number in range(1, 4):
        await writer.write(intent := an_intent(number), a_fill(intent, number))
    await writer.write(an_intent(4))

    with closing(sqlite3.connect(database)) as file:
        found = file.execute("SELECT working_from FROM account").fetchall()
        oldest = file.execute("SELECT order_no FROM orders WHERE settled = 0").fetchall()

    assert found == oldest == [(4,)]
    await writer.end()


async def test_a_client_order_id_is_never_stored_twice(database: Path):
    writer = await Writer.open(database)
    await writer.write(intent := an_intent(1))

    with pytest.raises(StoreError, match="UNIQUE"):
        await writer.write(replace(intent, intent=2))


async def test_a_fill_is_never_stored_twice(database: Path):
    writer = await Writer.open(database)
    await writer.write(intent := an_intent(), a_fill(intent, quantity=Decimal("0.01")))

    with pytest.raises(StoreError, match="UNIQUE"):
        await writer.write(a_fill(intent, quantity=Decimal("0.01")))


async def test_what_was_staged_and_not_committed_is_gone(database: Path):
    writer = await Writer.open(database)
    await writer.write(an_intent(1))
    head = writer.store.head

    await writer.tell(an_intent(2))
    await writer.store.close()

    again = await Writer.open(database)
    assert again.store.head == head
    assert len(again.ledger.orders) == 1
    await again.end()


async def test_nothing_is_staged_without_the_lease(database: Path):
    create_sqlite(database)
    store = SqliteStore(database)
    await store.open_account(ACCOUNT, START_MS)
    await store.load(ACCOUNT.account_id)

    with pytest.raises(StoreError, match="acquire the account first"):
        store.stage(START_MS, [an_intent()])
    await store.close()


async def test_an_unknown_account_cannot_be_acquired_or_loaded(database: Path):
    create_sqlite(database)
    store = SqliteStore(database)

    assert await store.load("nobody") is None
    with pytest.raises(StoreError, match="init-db"):
        await store.acquire("nobody", "a test")
    await store.close()


async def test_opening_an_account_twice_changes_nothing(database: Path):
    writer = await Writer.open(database)
    head = writer.store.head

    await writer.store.open_account(replace(ACCOUNT, namespace="xyz"), START_MS)

    assert writer.store.head == head
    assert SqliteReadModels(database).verify(ACCOUNT.account_id) == 1
    await writer.end()


async def test_two_accounts_of_one_file_do_not_touch_each_other(database: Path):
    first = await Writer.open(database)
    await first.write(an_intent(1))
    other = replace(ACCOUNT, account_id="account-2", namespace="def")
    await first.store.open_account(other, START_MS)
    second = SqliteStore(database, synchronous="OFF")
    await second.acquire("account-2", "another test")
    ledger = await second.load("account-2")
    assert ledger is not None
    second.stage(START_MS, [intent := an_intent(1)])
    evolve(ledger, intent, START_MS)
    await second.commit(ledger)

    await first.write(e.AttemptMoved(intent.attempt.client_order_id, AttemptTrigger.ACCEPTED, 77))

    reads = SqliteReadModels(database)
    assert (reads.verify(ACCOUNT.account_id), reads.verify("account-2")) == (3, 2)
    assert await second.find_order_by_exchange_id("BTCUSDT", 77) is None
    await second.close()
    await first.end()


async def test_a_writer_whose_lease_was_taken_over_writes_nothing(database: Path):
    writer = await Writer.open(database)
    with closing(sqlite3.connect(database)) as thief, thief:
        thief.execute("UPDATE account SET lease_epoch = lease_epoch + 1")

    with pytest.raises(LeaseLost):
        await writer.write(an_intent())

    with pytest.raises(StoreError, match="closed to everything"):
        await writer.write(an_intent())
    await writer.store.close()
    assert SqliteReadModels(database).verify(ACCOUNT.account_id) == 1


async def test_the_log_keeps_its_size_between_checkpoints(database: Path):
    writer = await Writer.open(database, "FULL")
    log = Path(f"{database}-wal")

    for number in range(1, 2 * CHECKPOINT_AFTER):
        ticket = a_ticket(reason="x" * 200)
        await writer.write(an_intent(number, ticket, START_MS + number))
        if writer.store.checkpoint_due:
            writer.store.checkpoint()

    assert log.stat().st_size == LOG_BYTES
    assert writer.store.commits_since_checkpoint < CHECKPOINT_AFTER
    await writer.end()


async def test_a_reader_that_stays_does_not_stop_the_writer(database: Path):
    writer = await Writer.open(database)
    await writer.write(an_intent(1))
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM orders").fetchall()

        for number in range(2, 10):
            await writer.write(an_intent(number))
            writer.store.checkpoint()

        assert reader.execute("SELECT count(*) FROM orders").fetchall() == [(1,)]
    assert SqliteReadModels(database).verify(ACCOUNT.account_id) == 10
    await writer.end()


async def test_a_backup_holds_the_last_commit_while_the_session_goes_on(database: Path, tmp_path: Path):
    writer = await Writer.open(database)
    await writer.write(an_intent(1))

    writer.store.backup(tmp_path / "copy.db")
    await writer.write(an_intent(2))

    reads = SqliteReadModels(tmp_path / "copy.db")
    assert reads.verify(ACCOUNT.account_id) == 2
    reads.close()
    await writer.end()
