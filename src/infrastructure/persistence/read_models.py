"""What people and commands read, beside a running session: its own connection, read-only, without a lease.

In SQLite's WAL mode, and in PostgreSQL always, a reader sees the last commit and never waits for the writer, nor
the writer for it.
"""

import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import local
from typing import Any

from src.application.ports.store import (
    AccountRow,
    EquityPoint,
    JournalHead,
    JournalRecord,
    RecoveryRow,
    StoreError,
    StoreUnavailable,
)
from src.domain.ledger.events import FillBooked, IncomeBooked
from src.domain.ledger.state import Ledger
from src.domain.market.candle import Candle
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder
from src.domain.performance.executions import Execution
from src.domain.positions.position import Position, RoundTrip
from src.domain.sessions.session import TradingSession
from src.infrastructure.persistence import loading
from src.infrastructure.persistence import statements as sql
from src.infrastructure.persistence.codec import KINDS
from src.infrastructure.persistence.failures import FAILURES, store_error
from src.infrastructure.persistence.schema import require_content, require_current

# More rows than a table can have: LIMIT for "all".
_ALL = (1 << 63) - 1


class SqlReadModels(ABC):
    """All read models, over the few things in which databases differ; ``name`` is the database's, for people."""

    def __init__(self, name: str) -> None:
        self._name = name
        # Whether this thread is inside a snapshot: it is not opened twice.
        self._inside = local()

    @contextmanager
    def same_commit(self) -> Iterator[None]:
        """A block in which everything that this thread reads is of one commit; blocks may be nested."""
        if getattr(self._inside, "open", False):
            yield
            return
        with self._snapshot():
            self._inside.open = True
            try:
                yield
            finally:
                self._inside.open = False

    def accounts(self) -> list[AccountRow]:
        """Every account of the database."""
        return [AccountRow(*row) for row in self._query(sql.SELECT_ACCOUNTS)]

    def ledger(self, account_id: str) -> Ledger | None:
        """The ledger as last committed."""
        account_no = self._find(account_id)
        if account_no is None:
            return None
        # One transaction, so that all tables are of the same commit.
        with self.same_commit():
            return loading.load_ledger(self._query, account_no).ledger

    def sessions(self, account_id: str, limit: int = 20) -> list[TradingSession]:
        """Sessions, newest first."""
        rows = self._query(sql.SELECT_SESSIONS, (self._find(account_id), limit))
        return [loading.build_session(row) for row in rows]

    def orders(
        self, account_id: str, *, open_only: bool = False, symbol: str | None = None, limit: int = 100
    ) -> list[Order]:
        """Orders, newest first."""
        statement = sql.SELECT_OPEN_ORDERS if open_only else sql.SELECT_ORDERS
        rows = self._query(statement, (self._find(account_id), symbol, symbol, limit))
        return [loading.build_order(row) for row in rows]

    def parents(self, account_id: str, limit: int = 20) -> list[ParentOrder]:
        """Parent orders, newest first, without their children: those name their parents."""
        rows = self._query(sql.SELECT_PARENTS, (self._find(account_id), limit))
        return [loading.build_parent(row) for row in rows]

    def parent(self, account_id: str, parent_id: str) -> ParentOrder | None:
        """One parent order."""
        rows = self._query(sql.SELECT_PARENT, (self._find(account_id), parent_id))
        return loading.build_parent(rows[0]) if rows else None

    def order(self, account_id: str, client_order_id: str) -> Order | None:
        """One order."""
        rows = self._query(sql.SELECT_ORDER, (self._find(account_id), client_order_id))
        return loading.build_order(rows[0]) if rows else None

    def positions(self, account_id: str) -> list[Position]:
        """Positions that are not flat, with their lots."""
        account_no = self._find(account_id)
        if account_no is None:
            return []
        with self.same_commit():
            positions = loading.load_positions(self._query, account_no)
        return [position for position in positions.values() if not position.is_flat]

    def fills(
        self, account_id: str, *, symbol: str | None = None, limit: int | None = None
    ) -> list[FillBooked]:
        """Fills, newest first by the exchange's time."""
        rows = self._query(sql.SELECT_FILLS, (self._find(account_id), symbol, symbol, _limit(limit)))
        return [sql.FILL.build(row) for row in rows]

    def executions(self, account_id: str) -> list[Execution]:
        """Fills with the prices their orders were decided at, oldest first by the exchange's time."""
        rows = self._query(sql.SELECT_EXECUTIONS, (self._find(account_id),))
        return [sql.EXECUTION.build(row) for row in rows]

    def income(self, account_id: str) -> list[IncomeBooked]:
        """Income, oldest first by the exchange's time."""
        return [sql.INCOME.build(row) for row in self._query(sql.SELECT_INCOME, (self._find(account_id),))]

    def round_trips(self, account_id: str, limit: int | None = None) -> list[RoundTrip]:
        """Closed trades, newest first."""
        rows = self._query(sql.SELECT_TRIPS, (self._find(account_id), _limit(limit)))
        return [sql.TRIP.build(row) for row in rows]

    def equity_curve(self, account_id: str, session_id: str | None = None) -> list[EquityPoint]:
        """Equity points, oldest first."""
        rows = self._query(sql.SELECT_EQUITY, (self._find(account_id), session_id, session_id))
        points = ((at_ms, sql.EQUITY.build(values)) for at_ms, *values in rows)
        return [EquityPoint(at_ms, e.wallet, e.unrealized_pnl, e.exposure) for at_ms, e in points]

    def candles(self, account_id: str, symbol: str, timeframe: str, limit: int | None = None) -> list[Candle]:
        """The newest closed candles, oldest first."""
        key = (self._find(account_id), symbol, timeframe, _limit(limit))
        return [sql.CANDLE.build(row) for row in reversed(self._query(sql.SELECT_CANDLES, key))]

    def recoveries(self, account_id: str, limit: int = 20) -> list[RecoveryRow]:
        """Comparisons of store and exchange, newest first."""
        rows = self._query(sql.SELECT_RECOVERIES, (self._find(account_id), limit))
        return [RecoveryRow(at_ms, sql.RECOVERY.build(values)) for at_ms, *values in rows]

    def journal(
        self, account_id: str, after_seq: int = 0, kind: str | None = None
    ) -> Iterator[JournalRecord]:
        """Records of the journal as committed by now, oldest first, read page by page.

        Raises ValueError at once for a kind that there is not: nothing found would look as if nothing had happened.
        """
        if kind is not None and kind not in KINDS.values():
            raise ValueError(f"no record is of kind {kind!r}: there are {', '.join(sorted(KINDS.values()))}")
        return self._records(account_id, after_seq, kind)

    def _records(self, account_id: str, after_seq: int, kind: str | None) -> Iterator[JournalRecord]:
        account_no = self._find(account_id)
        if account_no is None:
            return
        last = loading.read_head(self._query, account_no).seq
        for row in loading.journal_rows(self._query, account_no, after_seq, last):
            _, seq, at_ms, epoch, name, key, payload, prev, digest = row
            if kind is None or name == kind:
                yield JournalRecord(seq, at_ms, epoch, name, key, payload.decode(), prev.hex(), digest.hex())

    def head(self, account_id: str) -> JournalHead:
        """The last committed record. Raises :class:`StoreError` when there is no such account."""
        account_no = self._find(account_id)
        if account_no is None:
            raise StoreError(f"there is no account {account_id} in {self._name}")
        return loading.read_head(self._query, account_no)

    def verify(self, account_id: str) -> int:
        """Check database and whole hash chain; return the number of records. Raises :class:`StoreCorrupt`."""
        account_no = self._find(account_id)
        if account_no is None:
            raise StoreError(f"there is no account {account_id} in {self._name}")
        with self.same_commit():
            return self._check(account_no)

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    def _find(self, account_id: str) -> int | None:
        rows = self._query("SELECT account_no FROM account WHERE account_id=?", (account_id,))
        return rows[0][0] if rows else None

    @abstractmethod
    def _check(self, account_no: int) -> int:
        """Check everything of one account; the number of its records."""

    @abstractmethod
    def _query(self, statement: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement with ``?`` for its parameters."""

    @abstractmethod
    def _snapshot(self) -> AbstractContextManager[None]:
        """A block in which every query sees the same commit."""


class SqliteReadModels(SqlReadModels):
    """Implements :class:`src.application.ports.store.ReadModels` on a database file with a current schema.

    Every method raises a :class:`StoreError` when the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        require_content(path)
        super().__init__(path.name)
        self._path = path
        self._rested = _rested(path)
        immutable = "" if self._rested is None else "&immutable=1"
        with ExitStack() as opened:
            try:
                self._connection = sqlite3.connect(
                    f"{path.absolute().as_uri()}?mode=ro{immutable}", uri=True, isolation_level=None
                )
                opened.callback(self._connection.close)
                require_current(self._connection, path)
            except FAILURES as error:
                raise store_error(error, path) from error
            opened.pop_all()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _check(self, account_no: int) -> int:
        return loading.check_everything(self._query, account_no)

    def _query(self, statement: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            rows = self._connection.execute(statement, params).fetchall()
        except FAILURES as error:
            raise store_error(error, self._path) from error
        if self._rested is not None and self._rested != _rested(self._path):
            raise StoreUnavailable(f"database {self._path.name} is being written meanwhile: ask again")
        return rows

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._query("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()


def _rested(path: Path) -> tuple[int, int] | None:
    """Size and time stamp (ns) of a file that nobody writes, and beside which no file can be made; else None.

    SQLite needs a file beside the database to look for writers. Where there cannot be one, it is told not to look, and
    what has changed meanwhile is ours to see.
    """
    path = path.resolve()
    writing = any(path.with_name(f"{path.name}{end}").exists() for end in ("-wal", "-journal"))
    if writing or os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return None
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _limit(limit: int | None) -> int:
    return _ALL if limit is None else limit
