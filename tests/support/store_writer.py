"""A store with its ledger, as a session holds them: for tests of what becomes of events in a database."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from src.application.ports.store import Store
from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve
from src.domain.ledger.state import Ledger
from src.infrastructure.persistence.databases import Database, PostgresDatabase, SqliteDatabase
from src.infrastructure.persistence.postgres_driver import AsyncpgDriver
from tests.support.ledger_builders import ACCOUNT, START_MS, ledger_snapshot


class Writer:
    """One writer of the test's account; open it with :meth:`open`."""

    def __init__(self, store: Store, epoch: int, ledger: Ledger) -> None:
        self.store = store
        self.epoch = epoch
        self.ledger = ledger

    @classmethod
    async def open(cls, database: Database, synchronous: str = "OFF") -> "Writer":
        """Take the account of a database over, or make it."""
        return await cls.over(database.store(synchronous))

    @classmethod
    async def over(cls, store: Store) -> "Writer":
        """The same with a store that is there."""
        await store.open_account(ACCOUNT, START_MS)
        epoch = await store.acquire(ACCOUNT.account_id, "a test")
        ledger = await store.load(ACCOUNT.account_id)
        assert ledger is not None
        return cls(store, epoch, ledger)

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
        """Tell the events and commit them together."""
        for event in events:
            await self.tell(event)
        await self.store.commit(self.ledger)

    async def end(self) -> dict[str, Any]:
        """Close; return what the ledger held."""
        await self.store.close()
        return ledger_snapshot(self.ledger)


async def replay(database: Database, batches: Sequence[Sequence[tuple[int, e.Event]]]) -> dict[str, Any]:
    """Write a history in its batches; return what the ledger held at the end."""
    writer = await Writer.open(database)
    for batch in batches:
        for at_ms, event in batch:
            await writer.tell(event, at_ms)
        await writer.store.commit(writer.ledger)
    return await writer.end()


async def run_sql(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement beside the store, as a person with a SQL prompt would; the rows that it returns."""
    if isinstance(database, SqliteDatabase):
        with closing(sqlite3.connect(database.path, isolation_level=None)) as file:
            return file.execute(statement).fetchall()
    assert isinstance(database, PostgresDatabase), "there are two kinds"
    driver = await AsyncpgDriver.open(database.url)
    try:
        return await driver.query(statement)
    finally:
        await driver.close()
