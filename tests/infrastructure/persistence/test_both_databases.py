"""One history in SQLite and in PostgreSQL: the same journal to the byte, the same ledger."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.database_url import parse_database_url
from src.infrastructure.persistence.databases import Database, PostgresDatabase, SqliteDatabase
from tests.support.ledger_builders import ACCOUNT, History, histories, ledger_snapshot
from tests.support.postgres_server import PostgresServer
from tests.support.store_writer import replay

Batches = list[list[tuple[int, e.Event]]]


@settings(max_examples=15)
@given(history=histories(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_one_history_leaves_the_same_journal_and_ledger_in_both(
    postgres_server: PostgresServer, history: History, sizes: list[int]
):
    with TemporaryDirectory() as folder:
        here = SqliteDatabase(Path(folder) / "steadyhand.db")
        here.create()
        there = PostgresDatabase(parse_database_url(postgres_server.new_database_with_tables()))
        batches = in_batches(history[1:], sizes)

        held = [asyncio.run(replay(database, batches)) for database in (here, there)]

        assert held[0] == held[1]
        assert exported(here) == exported(there)
        assert stored(here) == stored(there) == (held[0], held[0])


def in_batches(history: History, sizes: list[int]) -> Batches:
    """The history in commits of these sizes, over and over."""
    batches: Batches = []
    while history:
        size = sizes[len(batches) % len(sizes)]
        batches.append(history[:size])
        history = history[size:]
    return batches


def exported(database: Database) -> tuple[bytes, str]:
    """The journal with all its columns as bytes, and its head's hash."""
    reads = database.reads()
    try:
        lines = [repr(record).encode() for record in reads.journal(ACCOUNT.account_id)]
        assert reads.verify(ACCOUNT.account_id) == len(lines)
        return b"\n".join(lines), reads.head(ACCOUNT.account_id).hash
    finally:
        reads.close()


def stored(database: Database) -> tuple[object, object]:
    """The ledger as loaded from the tables, and as folded from the journal."""
    reads = database.reads()
    try:
        ledger = reads.ledger(ACCOUNT.account_id)
        assert ledger is not None
        records = [(r.at_ms, decode(r.kind, r.payload)) for r in reads.journal(ACCOUNT.account_id)]
        return ledger_snapshot(ledger), ledger_snapshot(fold(records))
    finally:
        reads.close()
