"""What the disk and other programs do to a commit: it happens as a whole or not at all, and then nothing follows."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.store import AccountBusy, StoreError, StoreUnavailable
from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve
from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide
from src.domain.orders.transitions import AttemptTrigger
from src.infrastructure.persistence.driver import SqliteDriver
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.support.faulty_driver import FaultyDriver, sqlite_error
from tests.support.full_disk import no_file_beyond
from tests.support.ledger_builders import ACCOUNT, START_MS, a_fill, an_intent, ledger_snapshot, some_options

FULL = sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full")
IO = sqlite_error(sqlite3.SQLITE_IOERR | (4 << 8), "disk I/O error")
LOCKED = sqlite_error(sqlite3.SQLITE_BUSY, "database is locked")
READ_ONLY = sqlite_error(sqlite3.SQLITE_READONLY, "attempt to write a readonly database")
# Calls of the driver that one commit of everything makes; the test below notices when it makes more.
CALLS = 17


class Session:
    """A store over a faulty driver."""

    def __init__(self, path: Path) -> None:
        create_sqlite(path)
        self.path = path
        self.drivers: list[FaultyDriver] = []
        self.store = SqliteStore(path, connect=self.connect)

    async def open(self) -> None:
        await self.store.open_account(ACCOUNT, START_MS)
        await self.store.acquire(ACCOUNT.account_id, "a test")
        ledger = await self.store.load(ACCOUNT.account_id)
        assert ledger is not None
        self.ledger: Ledger = ledger

    def connect(self, path: Path, synchronous: str) -> FaultyDriver:
        self.drivers.append(FaultyDriver(path, synchronous))
        return self.drivers[-1]

    @property
    def driver(self) -> FaultyDriver:
        return self.drivers[-1]

    def tell(self, *events: e.Event) -> None:
        self.store.stage(START_MS, events)
        for event in events:
            evolve(self.ledger, event, START_MS)

    def tell_everything(self) -> None:
        """Events that touch every table a commit writes."""
        first, second = an_intent(1), an_intent(2)
        amount = Decimal("12.5")
        self.tell(
            e.SessionOpened("session-1", some_options()),
            e.AttemptMoved(first.attempt.client_order_id, AttemptTrigger.ACCEPTED, 77),
            second,
            a_fill(second, 2, side=OrderSide.SELL, quantity=Decimal("0.05")),
            e.IncomeBooked(1, "FUNDING_FEE", "USDT", amount, "BTCUSDT", START_MS),
            e.EquityMarked(amount, amount, amount),
        )


@pytest.fixture
async def session(tmp_path: Path) -> Session:
    session = Session(tmp_path / "steadyhand.db")
    await session.open()
    intent = an_intent(1)
    session.tell(intent, a_fill(intent, quantity=Decimal("0.08")))
    await session.store.commit(session.ledger)
    return session


async def stored(session: Session) -> tuple[object, object]:
    """Close, and read again what a restart would find."""
    await session.store.close()
    reads = SqliteReadModels(session.path)
    ledger = reads.ledger(ACCOUNT.account_id)
    assert ledger is not None
    found = ledger_snapshot(ledger), reads.head(ACCOUNT.account_id)
    assert reads.verify(ACCOUNT.account_id) == found[1].seq
    reads.close()
    return found


async def test_a_commit_makes_the_calls_that_are_made_to_fail_below(session: Session):
    session.driver.arm(0, FULL)
    session.tell_everything()

    await session.store.commit(session.ledger)

    assert len(session.driver.calls) == CALLS
    await session.store.close()


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, CALLS))
async def test_a_commit_that_fails_anywhere_leaves_nothing_behind(session: Session, call: int, applied: bool):
    before = ledger_snapshot(session.ledger), session.store.head
    session.driver.arm(call, FULL, applied=applied)
    session.tell_everything()

    with pytest.raises(StoreUnavailable, match="the disk is full: free some space"):
        await session.store.commit(session.ledger)

    assert await stored(session) == before


async def test_a_failed_sync_is_a_failure_even_when_the_bytes_arrived(session: Session):
    session.driver.arm(CALLS, IO, applied=True)
    session.tell_everything()
    head = session.store.head

    with pytest.raises(StoreUnavailable, match="the disk failed"):
        await session.store.commit(session.ledger)

    assert session.store.head == head
    _, found = await stored(session)
    assert found != head, "the next start reads what the disk says"


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (FULL, "free some space"),
        (IO, "check the disk"),
        (LOCKED, "close that program"),
        (READ_ONLY, "make the file and its folder writable"),
    ],
    ids=["full", "i/o", "locked", "read-only"],
)
async def test_a_failure_is_one_line_with_cause_and_fix(session: Session, error: sqlite3.Error, fix: str):
    session.driver.arm(1, error)
    session.tell_everything()

    with pytest.raises(StoreUnavailable, match=fix) as failure:
        await session.store.commit(session.ledger)

    assert str(error) in str(failure.value)
    assert "\n" not in str(failure.value)
    await session.store.close()


async def test_a_broken_store_refuses_everything(session: Session):
    session.driver.arm(1, FULL)
    session.tell_everything()
    with pytest.raises(StoreError):
        await session.store.commit(session.ledger)

    awaited = (
        lambda: session.store.find_order("x"),
        lambda: session.store.load(ACCOUNT.account_id),
        lambda: session.store.commit(session.ledger),
    )
    called = (lambda: session.store.stage(START_MS, [an_intent(3)]), session.store.checkpoint)

    for refused in awaited:
        with pytest.raises(StoreError, match="the disk is full"):
            await refused()
    for call in called:
        with pytest.raises(StoreError, match="the disk is full"):
            call()
    await session.store.close()


async def test_a_commit_behind_another_writer_fails_and_is_not_tried_again(session: Session):
    with closing(sqlite3.connect(session.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        session.driver.execute("PRAGMA busy_timeout=1")
        session.tell_everything()

        with pytest.raises(StoreUnavailable, match="another program holds it locked"):
            await session.store.commit(session.ledger)

    with pytest.raises(StoreError, match="holds it locked"):
        await session.store.commit(session.ledger)
    await session.store.close()


async def test_a_full_disk_under_a_real_commit_breaks_the_store(session: Session):
    session.driver.execute("PRAGMA max_page_count=1")
    before = ledger_snapshot(session.ledger), session.store.head
    for number in range(2, 200):
        session.tell(an_intent(number))

    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await session.store.commit(session.ledger)

    assert await stored(session) == before


async def test_a_disk_without_room_for_the_index_of_the_log_is_called_full(session: Session):
    await session.store.close()

    with no_file_beyond(1_024), pytest.raises(StoreUnavailable, match="the disk is full: free some space"):
        await stored(session)


async def test_an_account_is_held_by_one_store_at_a_time(session: Session):
    second = SqliteStore(session.path)

    with pytest.raises(AccountBusy, match="held by a test: stop that session first"):
        await second.acquire(ACCOUNT.account_id, "another")
    await second.close()

    await session.store.close()
    third = SqliteStore(session.path)
    assert await third.acquire(ACCOUNT.account_id, "another") == 2
    await third.close()


async def test_a_lease_that_could_not_be_made_durable_is_given_back(session: Session):
    await session.store.close()
    store = SqliteStore(session.path, connect=session.connect)
    session.driver.arm(3, FULL)

    with pytest.raises(StoreError, match="the disk is full"):
        await store.acquire(ACCOUNT.account_id, "a test")

    again = SqliteStore(session.path)
    assert await again.acquire(ACCOUNT.account_id, "the next") == 2
    await again.close()
    await store.close()


async def test_every_start_has_an_epoch_of_its_own(session: Session):
    await session.store.close()
    epochs = []

    for _ in range(3):
        store = SqliteStore(session.path)
        epochs.append(await store.acquire(ACCOUNT.account_id, "a test"))
        await store.close()

    assert epochs == [2, 3, 4]


def test_a_lease_dies_with_its_process(tmp_path: Path):
    path = tmp_path / "steadyhand.db"
    create_sqlite(path)
    store = SqliteStore(path)
    asyncio.run(store.open_account(ACCOUNT, START_MS))
    ready, told = os.pipe()
    child = os.fork()
    if not child:
        asyncio.run(SqliteStore(path).acquire(ACCOUNT.account_id, "the child"))
        os.write(told, b"!")
        signal.pause()
    os.read(ready, 1)
    with pytest.raises(AccountBusy, match="the child"):
        asyncio.run(store.acquire(ACCOUNT.account_id, "the parent"))

    os.kill(child, 9)
    os.waitpid(child, 0)

    assert asyncio.run(store.acquire(ACCOUNT.account_id, "the parent")) == 2


def test_the_driver_is_as_durable_as_its_setting_says(tmp_path: Path):
    create_sqlite(tmp_path / "new.db")
    driver = SqliteDriver(tmp_path / "new.db")

    settings = {
        name: driver.query(f"PRAGMA {name}")[0][0]
        for name in ("journal_mode", "synchronous", "wal_autocheckpoint")
    }

    assert settings == {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 0}
    driver.close()
