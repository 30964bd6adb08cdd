import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.ports.store import StoreUnavailable
from src.domain.ledger.evolve import fold
from src.domain.ledger.state import Ledger
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.databases import SqliteDatabase
from src.infrastructure.persistence.driver import LOG_BYTES
from src.infrastructure.persistence.lease import lock_path
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.sqlite_store import CHECKPOINT_AFTER, CHECKPOINT_NORMAL_AFTER, SqliteStore
from tests.support.ledger_builders import (
    ACCOUNT,
    START_MS,
    History,
    a_ticket,
    an_intent,
    histories,
    ledger_snapshot,
)
from tests.support.store_writer import Writer

NOBODY = 65_534
LONG_AGO_NS = 1_600_000_000_000_000_000


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    made = SqliteDatabase(tmp_path / "steadyhand.db")
    made.create()
    return made


def store_of(writer: Writer) -> SqliteStore:
    """The writer's store, with what only this kind has."""
    assert isinstance(writer.store, SqliteStore)
    return writer.store


@given(histories(), st.data())
def test_a_loaded_ledger_is_the_one_in_memory_and_the_fold_of_the_journal(
    history: History, data: st.DataObject
):
    with TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "steadyhand.db")
        database.create()

        held = asyncio.run(live(database, history[1:], data))

        reads = database.reads()
        loaded = reads.ledger(ACCOUNT.account_id)
        records = [
            (record.at_ms, decode(record.kind, record.payload)) for record in reads.journal("account-1")
        ]
        reads.close()
        assert records == history
        assert isinstance(loaded, Ledger)
        assert ledger_snapshot(loaded) == held
        assert ledger_snapshot(fold(records)) == held


async def live(database: SqliteDatabase, events: History, data: st.DataObject) -> dict[str, Any]:
    """Write events in drawn batches, with restarts in between; return what the ledger holds at the end."""
    writer = await Writer.open(database)
    while events:
        size = data.draw(st.integers(1, 4))
        batch, events = events[:size], events[size:]
        for at_ms, event in batch:
            await writer.tell(event, at_ms)
        await writer.store.commit(writer.ledger)
        if data.draw(st.sampled_from((False, False, False, True))):
            await writer.end()
            writer = await Writer.open(database)
    return await writer.end()


async def test_a_commit_passes_every_crash_point_in_order(database: SqliteDatabase, failpoints: list[str]):
    writer = await Writer.open(database)

    await writer.write(an_intent())
    store_of(writer).checkpoint()

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


async def test_a_log_that_no_commit_waits_for_is_moved_into_the_database_less_often(database: SqliteDatabase):
    writer = await Writer.open(database, "NORMAL")

    for number in range(1, CHECKPOINT_NORMAL_AFTER):
        await writer.write(an_intent(number, at_ms=START_MS + number))
        assert not writer.store.checkpoint_due
    await writer.write(an_intent(CHECKPOINT_NORMAL_AFTER, at_ms=START_MS + CHECKPOINT_NORMAL_AFTER))

    assert writer.store.checkpoint_due
    await writer.end()


async def test_the_log_keeps_its_size_between_checkpoints(database: SqliteDatabase):
    writer = await Writer.open(database, "FULL")
    log = Path(f"{database.path}-wal")

    for number in range(1, 2 * CHECKPOINT_AFTER):
        ticket = a_ticket(reason="x" * 200)
        await writer.write(an_intent(number, ticket, START_MS + number))
        if writer.store.checkpoint_due:
            store_of(writer).checkpoint()

    assert log.stat().st_size == LOG_BYTES
    assert store_of(writer).commits_since_checkpoint < CHECKPOINT_AFTER
    await writer.end()


async def test_a_reader_that_stays_does_not_stop_the_writer(database: SqliteDatabase):
    writer = await Writer.open(database)
    await writer.write(an_intent(1))
    with closing(sqlite3.connect(database.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM orders").fetchall()

        for number in range(2, 10):
            await writer.write(an_intent(number))
            store_of(writer).checkpoint()

        assert reader.execute("SELECT count(*) FROM orders").fetchall() == [(1,)]
    assert database.reads().verify(ACCOUNT.account_id) == 10
    await writer.end()


async def test_a_backup_holds_the_last_commit_while_the_session_goes_on(
    database: SqliteDatabase, tmp_path: Path
):
    writer = await Writer.open(database)
    await writer.write(an_intent(1))

    store_of(writer).backup(tmp_path / "copy.db")
    await writer.write(an_intent(2))

    reads = SqliteReadModels(tmp_path / "copy.db")
    assert reads.verify(ACCOUNT.account_id) == 2
    reads.close()
    await writer.end()


@pytest.mark.parametrize("killed", [False, True])
async def test_when_it_was_written_last_does_not_change_when_somebody_reads(
    database: SqliteDatabase, tmp_path: Path, killed: bool
):
    writer = await Writer.open(database)
    await writer.write(an_intent(1))
    if not killed:
        await writer.end()
    (tmp_path / "left").mkdir()
    for path in tmp_path.glob("steadyhand.db*"):
        shutil.copy(path, tmp_path / "left")
        os.utime(tmp_path / "left" / path.name, ns=(LONG_AGO_NS, LONG_AGO_NS))
    left = SqliteDatabase(tmp_path / "left" / "steadyhand.db")

    with closing(left.reads()) as reads:
        reads.accounts()
        while_read = left.written_ns()

    assert (while_read, left.written_ns()) == (LONG_AGO_NS, LONG_AGO_NS)
    if killed:
        await writer.end()


async def test_a_database_behind_a_link_is_the_one_that_it_leads_to_with_one_lock(tmp_path: Path):
    real, link = tmp_path / "fast" / "real.db", tmp_path / "steadyhand.db"
    real.parent.mkdir()
    link.symlink_to(real)
    linked = SqliteDatabase(link)
    linked.create()

    writer = await Writer.open(linked)
    await writer.write(an_intent(1))

    assert SqliteDatabase(real).holder(ACCOUNT.account_id) is not None
    with closing(SqliteDatabase(real).reads()) as reads:
        assert len(reads.orders(ACCOUNT.account_id)) == 1
    await writer.end()


async def test_somebody_who_may_not_write_its_folder_reads_a_database_at_rest_and_no_other():
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = SqliteDatabase(folder / "steadyhand.db")
        database.create()
        writer = await Writer.open(database)
        await writer.write(an_intent(1))
        await writer.end()
        folder.chmod(0o555)
        user = os.geteuid()
        os.seteuid(user or NOBODY)
        try:
            with closing(database.reads()) as reads:
                at_rest = len(reads.orders(ACCOUNT.account_id))
                os.seteuid(user)
                folder.chmod(0o755)
                writer = await Writer.open(database)
                await writer.write(an_intent(2))
                folder.chmod(0o555)
                os.seteuid(user or NOBODY)
                with pytest.raises(StoreUnavailable, match="is being written meanwhile: ask again"):
                    reads.orders(ACCOUNT.account_id)
                os.seteuid(user)
                await writer.end()
                with pytest.raises(StoreUnavailable, match="is being written meanwhile"):
                    reads.orders(ACCOUNT.account_id)
        finally:
            os.seteuid(user)
            folder.chmod(0o755)

    assert at_rest == 1


def test_the_lock_of_another_user_is_not_taken_for_nobodys(tmp_path: Path):
    lock = lock_path(tmp_path / "steadyhand.db", ACCOUNT.account_id)
    lock.touch(0o000)
    user = os.geteuid()
    os.seteuid(user or NOBODY)
    try:
        holder = SqliteDatabase(tmp_path / "steadyhand.db").holder(ACCOUNT.account_id)
    finally:
        os.seteuid(user)

    assert holder is not None and holder.startswith("another user")
