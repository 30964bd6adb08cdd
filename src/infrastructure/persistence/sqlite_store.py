"""The one writer of one account: journal and tables in one SQLite transaction, synced before anything is sent.

One plain connection, called inline by the session's task: a thread or a library in between costs more than the
commit itself. Whatever fails breaks the store for good: what was in memory is not trusted any more, and the next
start recovers from disk.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from src.application.ports.failpoints import failpoint
from src.application.ports.store import StoreError
from src.domain.ledger.events import AccountOpened
from src.domain.ledger.evolve import open_ledger
from src.domain.ledger.state import Ledger
from src.domain.orders.order import Order
from src.infrastructure.persistence import loading
from src.infrastructure.persistence import statements as sql
from src.infrastructure.persistence.driver import Driver, SqliteDriver
from src.infrastructure.persistence.failures import FAILURES, store_error
from src.infrastructure.persistence.journal import GENESIS, Chain
from src.infrastructure.persistence.lease import Lease
from src.infrastructure.persistence.projection import Projection
from src.infrastructure.persistence.schema import require_content
from src.infrastructure.persistence.staging import StagingStore

T = TypeVar("T")
Connect = Callable[[Path, str], Driver]

# A submit takes some 20 kB of the log: the first figure keeps it within its reserved size, the last is a limit
# for a session that never has time. With NORMAL no commit waits for the disk, only checkpoints do: so there are fewer.
CHECKPOINT_AFTER = 150
CHECKPOINT_NORMAL_AFTER = 1_500
CHECKPOINT_AT_LATEST = 5_000


class SqliteStore(StagingStore):
    """Implements :class:`src.application.ports.store.Store` on a database file with a current schema.

    ``synchronous`` is SQLite's setting: FULL, unless a test does not care about power failures. Raises a
    :class:`StoreError` when the file is missing, damaged, too new or cannot be written.
    """

    def __init__(self, path: Path, *, synchronous: str = "FULL", connect: Connect = SqliteDriver) -> None:
        super().__init__()
        require_content(path)
        self._path = path
        self._closed = False
        self._lease: Lease | None = None
        self.commits_since_checkpoint = 0
        self._checkpoint_after = CHECKPOINT_NORMAL_AFTER if synchronous == "NORMAL" else CHECKPOINT_AFTER
        try:
            self._driver = connect(path, synchronous)
        except FAILURES as error:
            raise store_error(error, path) from error
        try:
            self._run(lambda: loading.check_pages(self._driver.query, path))
        except StoreError:
            self._driver.close()
            raise

    async def open_account(self, opened: AccountOpened, at_ms: int) -> None:
        """Create the account with its first journal record; nothing happens when it exists."""
        self._run(lambda: self._open_account(opened, at_ms))

    def _open_account(self, opened: AccountOpened, at_ms: int) -> None:
        driver = self._driver
        driver.begin()
        if driver.query("SELECT 1 FROM account WHERE account_id=?", (opened.account_id,)):
            driver.rollback()
            return
        ledger = open_ledger(opened)
        driver.execute(sql.INSERT_ACCOUNT, (0, "", 0, GENESIS, 0, *sql.ACCOUNT.row(ledger.account)))
        chain = Chain(driver.last_row)
        driver.execute(sql.INSERT_RECORD, chain.link(at_ms, 0, opened))
        driver.execute(sql.UPDATE_OPENED, (chain.seq, chain.hash, chain.account_no))
        driver.commit()

    async def acquire(self, account_id: str, owner: str) -> int:
        """Take the lease: the OS lock first, then epoch + 1, durable before this returns; return the epoch."""
        if self._lease is not None:
            raise StoreError("this store holds a lease already: close it first")
        self._lease = Lease.take(self._path, account_id, owner)
        failpoint("store.lease")
        try:
            return self._run(lambda: self._acquire(account_id, owner))
        except StoreError:
            self._release()
            raise

    def _acquire(self, account_id: str, owner: str) -> int:
        driver = self._driver
        self._bind(account_id)
        # Nothing is written behind a damaged history, not even who holds it.
        loading.check_journal(driver.query, self._account_no, loading.TAIL)
        driver.begin()
        driver.execute(sql.TAKE_LEASE, (owner, self._account_no))
        ((epoch,),) = driver.query("SELECT lease_epoch FROM account WHERE account_no=?", (self._account_no,))
        driver.commit()
        driver.reserve_log()
        self._lease_epoch = epoch
        return self._lease_epoch

    def _bind(self, account_id: str) -> None:
        rows = self._driver.query(
            "SELECT account_no,head_seq,head_hash,session_id FROM account WHERE account_id=?", (account_id,)
        )
        if not rows:
            raise StoreError(f"there is no account {account_id} in {self._path.name}: run init-db first")
        self._follow(account_id, *rows[0])

    async def load(self, account_id: str) -> Ledger | None:
        """The ledger from the tables, or None when there is no such account; the journal's tail was or is checked.

        Raises :class:`StoreCorrupt` when a row cannot be read or the tail does not fit.
        """
        return self._run(lambda: self._load(account_id))

    def _load(self, account_id: str) -> Ledger | None:
        if not self._driver.query("SELECT 1 FROM account WHERE account_id=?", (account_id,)):
            return None
        self._bind(account_id)
        if self._lease_epoch < 0:
            # Whoever has the lease has checked it already.
            loading.check_journal(self._driver.query, self._account_no, loading.TAIL)
        loaded = loading.load_ledger(self._driver.query, self._account_no)
        self._projection = Projection(self._driver, self._account_no, loaded)
        return loaded.ledger

    async def commit(self, ledger: Ledger) -> None:
        """Write the staged records and the rows of ``ledger.changes`` in one transaction, and sync.

        The changes are cleared and settled orders released afterwards. Raises :class:`StoreError`; then nothing of
        the batch is durable, and the process must not go on.
        """
        projection = self._begin_commit()
        if projection is None:
            return
        try:
            self._write(ledger, projection)
        except (*FAILURES, StoreError) as error:
            raise self._fail(error) from error
        self._end_commit(ledger)
        self.commits_since_checkpoint += 1
        if self.commits_since_checkpoint >= CHECKPOINT_AT_LATEST:
            self.checkpoint()

    def _write(self, ledger: Ledger, projection: Projection) -> None:
        driver, batch = self._driver, self._batch
        failpoint("store.begin")
        driver.begin()
        if len(batch.records) == 1:
            driver.execute(sql.INSERT_RECORD, batch.records[0])
        else:
            driver.executemany(sql.INSERT_RECORD, batch.records)
        failpoint("store.journal")
        for statement, row in batch.notes:
            driver.execute(statement, row)
        if batch.candles:
            driver.executemany(sql.INSERT_CANDLE, batch.candles)
        projection.write(ledger, batch.chain, self._lease_epoch, batch.intended)
        failpoint("store.tables")
        failpoint("store.before_commit")
        driver.commit()

    async def find_order(self, client_order_id: str) -> Order | None:
        """A settled order that left the working set."""
        key = (self._account_no, client_order_id)
        rows = self._run(lambda: self._driver.query(sql.SELECT_ORDER, key))
        return loading.build_order(rows[0]) if rows else None

    async def find_order_by_exchange_id(self, symbol: str, exchange_order_id: int) -> Order | None:
        """The same, by the exchange's ordinary order id."""
        key = (exchange_order_id, self._account_no, symbol)
        rows = self._run(lambda: self._driver.query(sql.SELECT_ORDER_BY_EXCHANGE_ID, key))
        return loading.build_order(rows[0]) if rows else None

    async def traded_ms(self, symbol: str, trade_id: int) -> int | None:
        """When a booked trade was made, by the exchange's time; None when none of that number is booked."""
        key = (self._account_no, symbol, trade_id)
        rows = self._run(lambda: self._driver.query(sql.SELECT_TRADED_MS, key))
        return int(rows[0][0]) if rows else None

    @property
    def checkpoint_due(self) -> bool:
        """Whether the log is nearly used up: call :meth:`checkpoint` when nothing is on its way."""
        return self.commits_since_checkpoint >= self._checkpoint_after

    def checkpoint(self) -> None:
        """Move what is in the write-ahead log into the database, as far as readers allow; takes some milliseconds."""
        failpoint("store.checkpoint")
        self._run(lambda: self._driver.query("PRAGMA wal_checkpoint(PASSIVE)"))
        self.commits_since_checkpoint = 0

    def backup(self, path: Path) -> None:
        """Copy the whole database, as of the last commit, to a file."""
        self._run(lambda: self._driver.backup(path))

    async def close(self) -> None:
        """Give the lease back and close the connection; staged records are dropped. Harmless to repeat."""
        if self._closed:
            return
        self._closed = True
        self._lease_epoch = -1
        self._projection = None
        try:
            self._driver.close()
        except FAILURES as error:
            raise self._fail(error) from error
        finally:
            self._release()

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def _run(self, call: Callable[[], T]) -> T:
        if self._broken:
            raise StoreError(self._broken)
        try:
            return call()
        except FAILURES as error:
            raise self._fail(error) from error

    def _fail(self, error: sqlite3.Error | UnicodeError | StoreError) -> StoreError:
        """Undo what can be undone and refuse everything from now on."""
        failure = self._close_to_everything(
            error if isinstance(error, StoreError) else store_error(error, self._path)
        )
        try:
            self._driver.rollback()
        except FAILURES:
            # The connection is beyond use; closing it undoes the transaction.
            self._broken += "; even the transaction could not be undone, closing will do it"
        return failure
