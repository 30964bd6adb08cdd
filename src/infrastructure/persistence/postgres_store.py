"""The one writer of one account on a PostgreSQL server: journal and tables in one transaction, awaited.

The same rows and the same chain as in SQLite: the projection writes into a recorder, and what it recorded is sent at
once. The lease is an advisory lock that the server holds for this connection, and an epoch that every commit
compares. Whatever fails breaks the store for good; whether a commit whose answer was lost happened is found out by
the next start, which loads what is there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from socket import gethostname
from typing import Any, Final, TypeVar

from src.application.ports.failpoints import failpoint
from src.application.ports.store import AccountBusy, StoreError
from src.domain.ledger.events import AccountOpened
from src.domain.ledger.evolve import open_ledger
from src.domain.ledger.state import Ledger
from src.domain.orders.order import Order
from src.infrastructure.persistence import loading
from src.infrastructure.persistence import statements as sql
from src.infrastructure.persistence.database_url import DatabaseUrl
from src.infrastructure.persistence.journal import GENESIS, Chain
from src.infrastructure.persistence.postgres_driver import LOCK_CLASS, AsyncpgDriver, PostgresDriver
from src.infrastructure.persistence.postgres_failures import FAILURES, postgres_error
from src.infrastructure.persistence.postgres_schema import require_current
from src.infrastructure.persistence.postgres_text import OPEN_ACCOUNT, ORDER_NUMBERS, Params
from src.infrastructure.persistence.projection import Projection
from src.infrastructure.persistence.recorder import Recorder
from src.infrastructure.persistence.staging import StagingStore

T = TypeVar("T")
Connect = Callable[[DatabaseUrl], Awaitable[PostgresDriver]]

# Drawn from the database at a time, so that an order has its row number before it is sent there.
NUMBERS_AHEAD: Final = 1_000
# The server frees the lock of a killed process when it notices that it is gone, not at once.
LOCK_PATIENCE_S: Final = 1.0
LOCK_POLL_S: Final = 0.02


class PostgresStore(StagingStore):
    """Implements :class:`src.application.ports.store.Store` on a database with a current schema.

    It connects at the first call, and belongs to the event loop of that call.
    """

    def __init__(self, url: DatabaseUrl, *, connect: Connect = AsyncpgDriver.open) -> None:
        super().__init__()
        self._url = url
        self._connect = connect
        self._driver: PostgresDriver | None = None
        self._recorder = Recorder()

    async def open_account(self, opened: AccountOpened, at_ms: int) -> None:
        """Create the account with its first journal record; nothing happens when it exists."""
        await self._run(lambda driver: self._open_account(driver, opened, at_ms))

    async def _open_account(self, driver: PostgresDriver, opened: AccountOpened, at_ms: int) -> None:
        if await driver.query("SELECT 1 FROM account WHERE account_id=?", (opened.account_id,)):
            return
        ledger = open_ledger(opened)
        async with driver.transaction():
            row = (0, "", 0, GENESIS, 0, *sql.ACCOUNT.row(ledger.account))
            numbers = await driver.query(OPEN_ACCOUNT, row)
            if not numbers:
                # Another process was faster.
                return
            chain = Chain(numbers[0][0])
            await driver.query(sql.INSERT_RECORD, chain.link(at_ms, 0, opened))
            await driver.query(sql.UPDATE_OPENED, (chain.seq, chain.hash, chain.account_no))

    async def acquire(self, account_id: str, owner: str) -> int:
        """Take the lease: the server's lock first, then epoch + 1, durable before this returns; return the epoch."""
        if self._lease_epoch >= 0:
            raise StoreError("this store holds a lease already: close it first")
        return await self._run(lambda driver: self._acquire(driver, account_id, owner))

    async def _acquire(self, driver: PostgresDriver, account_id: str, owner: str) -> int:
        account_no, holder = await self._find(driver, account_id)
        await self._lock(driver, account_no, f"account {account_id} is held by {holder}")
        failpoint("store.lease")
        async with driver.transaction():
            await driver.query(sql.TAKE_LEASE, (f"{owner} on {gethostname()}", account_no))
            ((epoch,),) = await driver.query(
                "SELECT lease_epoch FROM account WHERE account_no=?", (account_no,)
            )
        await self._bind(driver, account_no)
        self._lease_epoch = epoch
        return self._lease_epoch

    async def _find(self, driver: PostgresDriver, account_id: str) -> tuple[int, str]:
        rows = await driver.query(
            "SELECT account_no,lease_owner FROM account WHERE account_id=?", (account_id,)
        )
        if not rows:
            raise StoreError(f"there is no account {account_id} in {self._url.name}: run init-db first")
        return rows[0][0], rows[0][1] or "another process"

    async def _lock(self, driver: PostgresDriver, account_no: int, refusal: str) -> None:
        waited_s = 0.0
        while True:
            ((is_ours,),) = await driver.query(
                "SELECT pg_try_advisory_lock(CAST(? AS INTEGER),CAST(? AS INTEGER))", (LOCK_CLASS, account_no)
            )
            if is_ours:
                return
            if waited_s >= LOCK_PATIENCE_S:
                raise AccountBusy(f"{refusal}: stop that session first")
            await asyncio.sleep(LOCK_POLL_S)
            waited_s += LOCK_POLL_S

    async def _bind(self, driver: PostgresDriver, account_no: int) -> None:
        (row,) = await driver.query(
            "SELECT account_id,account_no,head_seq,head_hash,session_id FROM account WHERE account_no=?",
            (account_no,),
        )
        self._follow(*row)

    async def load(self, account_id: str) -> Ledger | None:
        """The ledger from the tables, or None when there is no such account; the journal's tail is checked.

        Raises :class:`StoreCorrupt` when a row cannot be read or the tail does not fit.
        """
        return await self._run(lambda driver: self._load(driver, account_id))

    async def _load(self, driver: PostgresDriver, account_id: str) -> Ledger | None:
        rows = await driver.query("SELECT account_no FROM account WHERE account_id=?", (account_id,))
        if not rows:
            return None
        loop = asyncio.get_running_loop()

        def query(statement: str, params: Params = ()) -> list[tuple[Any, ...]]:
            return asyncio.run_coroutine_threadsafe(driver.query(statement, params), loop).result()

        async with driver.snapshot():
            await self._bind(driver, rows[0][0])
            # The one way in which tables become a ledger is synchronous; a thread waits in its place.
            loaded = await asyncio.to_thread(_load_checked, query, self._account_no)
        self._recorder = Recorder()
        self._projection = Projection(self._recorder, self._account_no, loaded)
        if self._lease_epoch >= 0:
            await self._draw_numbers(driver, NUMBERS_AHEAD)
        return loaded.ledger

    async def _draw_numbers(self, driver: PostgresDriver, wanted: int) -> None:
        """Row numbers for new orders, so that the first of them does not wait for its own."""
        rows = await driver.query(ORDER_NUMBERS, (wanted,))
        self._recorder.numbers.extend(number for (number,) in rows)

    async def commit(self, ledger: Ledger) -> None:
        """Write the staged records and the rows of ``ledger.changes`` in one transaction, synced by the server.

        The changes are cleared and settled orders released afterwards. Raises :class:`StoreError`; then the process
        must not go on: nothing of the batch is durable, or all of it, if only the answer was lost.
        """
        projection = self._begin_commit()
        if projection is None:
            return
        assert self._driver is not None, "whoever has the lease is connected"
        try:
            await self._write(self._driver, ledger, projection)
        except (*FAILURES, StoreError) as error:
            raise self._fail(error) from error
        self._end_commit(ledger)

    async def _write(self, driver: PostgresDriver, ledger: Ledger, projection: Projection) -> None:
        batch, recorder = self._batch, self._recorder
        failpoint("store.begin")
        await self._look_ahead(driver, ledger, projection)
        if batch.records:
            recorder.executemany(sql.INSERT_RECORD, batch.records)
        for statement, row in batch.notes:
            recorder.execute(statement, row)
        if batch.candles:
            recorder.executemany(sql.INSERT_CANDLE, batch.candles)
        projection.write(ledger, batch.chain, self._lease_epoch, batch.intended)
        operations = recorder.take()
        failpoint("store.before_commit")
        await driver.write(operations)

    async def _look_ahead(self, driver: PostgresDriver, ledger: Ledger, projection: Projection) -> None:
        """Get what the projection will ask for: numbers for new orders, and those of settled ones with late news."""
        recorder, batch = self._recorder, self._batch
        if len(recorder.numbers) < len(batch.intended):
            await self._draw_numbers(driver, NUMBERS_AHEAD + len(batch.intended))
        for name in ledger.changes.orders:
            if name not in batch.intended and not projection.knows(name):
                (row,) = await driver.query(sql.SELECT_ORDER_NUMBER, (self._account_no, name))
                recorder.known[name] = row

    async def find_order(self, client_order_id: str) -> Order | None:
        """A settled order that left the working set."""
        return await self._one_order(sql.SELECT_ORDER, (self._account_no, client_order_id))

    async def find_order_by_exchange_id(self, symbol: str, exchange_order_id: int) -> Order | None:
        """The same, by the exchange's ordinary order id."""
        key = (exchange_order_id, self._account_no, symbol)
        return await self._one_order(sql.SELECT_ORDER_BY_EXCHANGE_ID, key)

    async def traded_ms(self, symbol: str, trade_id: int) -> int | None:
        """When a booked trade was made, by the exchange's time; None when none of that number is booked."""
        key = (self._account_no, symbol, trade_id)
        rows = await self._run(lambda driver: driver.query(sql.SELECT_TRADED_MS, key))
        return int(rows[0][0]) if rows else None

    async def _one_order(self, statement: str, key: Params) -> Order | None:
        rows = await self._run(lambda driver: driver.query(statement, key))
        return loading.build_order(rows[0]) if rows else None

    @property
    def checkpoint_due(self) -> bool:
        """Never: the server tidies up by itself."""
        return False

    def checkpoint(self) -> None:
        """Nothing to be done."""

    async def close(self) -> None:
        """Close the connection, which gives the lease back; staged records are dropped. Harmless to repeat."""
        self._lease_epoch = -1
        self._projection = None
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    async def _run(self, call: Callable[[PostgresDriver], Awaitable[T]]) -> T:
        if self._broken:
            raise StoreError(self._broken)
        try:
            if self._driver is None:
                driver = await self._connect(self._url)
                self._driver = driver
                await require_current(driver, self._url.name)
            return await call(self._driver)
        except FAILURES as error:
            raise self._fail(error) from error

    def _fail(self, error: BaseException) -> StoreError:
        """Refuse everything from now on; the transaction is undone by the server, at the latest when we close."""
        return self._close_to_everything(
            error if isinstance(error, StoreError) else postgres_error(error, self._url.name)
        )


def _load_checked(query: loading.Query, account_no: int) -> loading.Loaded:
    loading.check_journal(query, account_no, loading.TAIL)
    return loading.load_ledger(query, account_no)
