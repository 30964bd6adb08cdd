import asyncio
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given

from src.application.ports.store import JournalHead, StoreCorrupt
from src.domain.ledger.events import EpochStarted, StreamLost
from src.infrastructure.persistence.journal import GENESIS, Chain, check_chain, record_hash
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.support.ledger_builders import ACCOUNT, START_MS, History, histories

START = JournalHead(0, GENESIS.hex())


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """A database with five records."""
    path = tmp_path / "steadyhand.db"
    create_sqlite(path)
    store = SqliteStore(path, synchronous="OFF")
    await store.open_account(ACCOUNT, START_MS)
    await store.acquire(ACCOUNT.account_id, "a test")
    ledger = await store.load(ACCOUNT.account_id)
    assert ledger is not None
    store.stage(START_MS, [EpochStarted(1), *(StreamLost(n, "a reason") for n in range(3))])
    await store.commit(ledger)
    await store.close()
    return path


def tamper(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(statement)


def test_the_frame_of_a_hash_can_be_read_in_one_way_only():
    parts = [("ab", "c", b"d"), ("a", "bc", b"d"), ("a", "b", b"cd"), ("abcd", "", b"")]

    hashes = {record_hash(GENESIS, 1, 2, 3, *part) for part in parts}

    assert len(hashes) == len(parts)


def test_the_hash_covers_the_frame_as_it_is_documented():
    numbers = b"".join(number.to_bytes(8, "big") for number in (1, 1_754_000_000_000, 2))
    lengths = (13).to_bytes(2, "big") + (1).to_bytes(4, "big")
    frame = bytes(32) + numbers + lengths + b"epoch_started" + b"2" + b'{"epoch":2}'

    digest = record_hash(GENESIS, 1, 1_754_000_000_000, 2, "epoch_started", "2", b'{"epoch":2}')

    assert digest == sha256(frame).digest()


@given(histories())
def test_equal_histories_have_equal_records_and_heads(history: History):
    first, second = Chain(1), Chain(1)

    records = [[chain.link(at_ms, 1, event) for at_ms, event in history] for chain in (first, second)]

    assert records[0] == records[1]
    assert first.head == second.head


@given(histories())
def test_the_chain_that_was_linked_is_followed_to_its_head(history: History):
    chain = Chain(1)

    rows = [chain.link(at_ms, 1, event)[1:] for at_ms, event in history]

    assert check_chain(rows, START) == chain.head  # type: ignore[arg-type]  # a link is a row


@pytest.mark.parametrize(
    "change",
    [
        "payload = x'7b7d'",
        "kind = 'stream_opened'",
        "key = '9'",
        "at_ms = at_ms + 1",
        "epoch = epoch + 1",
        "hash = x'00'",
        "prev_hash = x'00'",
        "seq = 9",
    ],
)
def test_a_changed_record_is_noticed(database: Path, change: str):
    tamper(database, f"UPDATE journal SET {change} WHERE seq = 3")

    with pytest.raises(StoreCorrupt, match="record 3"):
        asyncio.run(SqliteStore(database).load(ACCOUNT.account_id))


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_lost_record_is_noticed(database: Path, seq: int):
    tamper(database, f"DELETE FROM journal WHERE seq = {seq}")

    with pytest.raises(StoreCorrupt, match="restore the database from a backup"):
        asyncio.run(SqliteStore(database).load(ACCOUNT.account_id))


def test_an_added_record_is_noticed(database: Path):
    tamper(
        database,
        "INSERT INTO journal SELECT record_no + 1, account_no, seq + 1, at_ms, epoch, kind, key, payload, hash, "
        "hash FROM journal WHERE seq = 5",
    )

    with pytest.raises(StoreCorrupt, match="goes on after record 5"):
        asyncio.run(SqliteStore(database).load(ACCOUNT.account_id))


async def test_a_reader_verifies_the_chain_beside_the_writer(database: Path):
    store = SqliteStore(database)
    await store.load(ACCOUNT.account_id)

    checked = SqliteReadModels(database).verify(ACCOUNT.account_id)

    assert checked == store.head.seq == 5
