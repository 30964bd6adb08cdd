"""The exchange's own SQLite file: commit, then act.

One transaction for each request or frame that changed something durable, or for all that a hold covers; nobody hears of
an answer or event before it.
WAL with synchronous FULL survives a power cut; a test or simulation on a RAM disk may ask for less. Closed orders,
trades and postings are read from here, so the exchange's memory does not grow with its history.
"""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.errors import ExchangeFailure, NewerSchema
from src.infrastructure.simulated_exchange.records import Order, Posting, Trade
from src.infrastructure.simulated_exchange.rows import (
    ALGO_COLUMNS,
    ORDER_COLUMNS,
    POSTING_COLUMNS,
    SCHEMA,
    SCHEMA_VERSION,
    TRADE_COLUMNS,
    algo_from_row,
    algo_row,
    insert,
    order_from_row,
    order_row,
    posting_from_row,
    posting_row,
    trade_from_row,
    trade_row,
    upsert,
)
from src.infrastructure.simulated_exchange.state import Changes
from src.infrastructure.simulated_exchange.upgrades import upgrade

UPSERT_ORDER: Final = upsert("orders", ORDER_COLUMNS, "order_id")
UPSERT_ALGO: Final = upsert("algos", ALGO_COLUMNS, "algo_id")
INSERT_TRADE: Final = insert("trades", TRADE_COLUMNS)
INSERT_POSTING: Final = insert("postings", POSTING_COLUMNS)
UPSERT_STATE: Final = (
    "INSERT INTO state (id, body) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
)


LOG_PAGES: Final = 4_000
"""How long the write-ahead log may get before a commit moves it into the file: that is two waits for the disk."""

PAGES_CHECKED: Final = 16_000
"""A file of up to so many pages (64 MB, a tenth of a second) is looked at as a whole when it is opened."""

_FIXES = (
    ("full", "free some space"),
    ("locked", "close the program that holds it"),
    ("readonly", "make the file and its folder writable"),
    ("a folder", "move away what is in its place"),
    ("unable to open", "make its folder, and make it writable"),
    ("not a database", "restore the data folder from a copy, or start with another one"),
    ("malformed", "restore the data folder from a copy, or start with another one"),
    ("too large", "an amount is beyond what it holds; start again, it is as of the commit before"),
)


def _no_failpoint(name: str) -> None:
    """Nobody watches the boundaries of a commit."""


class ExchangeStore:
    """The file at ``path``, created when missing. ``synchronous`` is SQLite's; FULL is the product's.

    ``failpoint`` is called right before and right after each commit; a test may end the process there.
    Raises :class:`NewerSchema` when a newer program wrote the file, :class:`ExchangeFailure` when it cannot be used.
    """

    def __init__(
        self, path: Path | str, *, synchronous: str = "FULL", failpoint: Callable[[str], None] = _no_failpoint
    ) -> None:
        self._failpoint = failpoint
        self._path = Path(path)
        self._encode = msgspec.json.Encoder().encode
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=64)
        except sqlite3.Error as error:
            raise self._failure(error) from error
        try:
            self._prepare(synchronous)
        except sqlite3.Error as error:
            self._connection.close()
            raise self._failure(error) from error
        except BaseException:  # whatever ends the opening, the file is let go
            self._connection.close()
            raise
        self._execute = self._connection.execute
        self._execute_many = self._connection.executemany

    def close(self) -> None:
        """Let the file go; a commit that was interrupted is undone."""
        # A statement that was interrupted keeps the connection, and its write lock, alive beyond close.
        if self._connection.in_transaction:
            self._connection.rollback()
        self._connection.close()

    def commit(self, changes: Changes, snapshot: dict[str, Any]) -> None:
        """Store the changes and the memory after them, durably, all or nothing; raises :class:`ExchangeFailure`."""
        try:
            self._write(changes, snapshot)
        except (sqlite3.Error, OverflowError) as error:
            raise self._failure(error) from error
        self._failpoint("exchange.after_commit")

    def _write(self, changes: Changes, snapshot: dict[str, Any]) -> None:
        self._execute("BEGIN IMMEDIATE")
        if changes.orders:
            self._execute_many(UPSERT_ORDER, map(order_row, changes.orders.values()))
        if changes.algos:
            self._execute_many(UPSERT_ALGO, map(algo_row, changes.algos.values()))
        if changes.trades:
            self._execute_many(INSERT_TRADE, map(trade_row, changes.trades))
        if changes.postings:
            self._execute_many(INSERT_POSTING, map(posting_row, changes.postings))
        self._execute(UPSERT_STATE, (self._encode(snapshot),))
        self._failpoint("exchange.before_commit")
        self._execute("COMMIT")

    def _failure(self, error: sqlite3.Error | OverflowError) -> ExchangeFailure:
        """What went wrong, in one line with what to do about it."""
        text = str(error)
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
            text = f"{text}, its folder may be full"
        elif self._path.is_dir():
            text = "it is a folder"
        fix = next(
            (fix for part, fix in _FIXES if part in text), "check the disk, or restore the data folder"
        )
        return ExchangeFailure(f"the paper exchange's file {self._path.name}: {text}: {fix}")

    def snapshot(self) -> dict[str, Any] | None:
        """The memory as of the last commit, or None in a new file."""
        row = self._execute("SELECT body FROM state WHERE id = 1").fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=dict[str, Any])

    def open_orders(self) -> list[Order]:
        """Every open ordinary order of every account."""
        rows = self._execute(
            "SELECT * FROM orders WHERE status IN ('NEW', 'PARTIALLY_FILLED') ORDER BY order_id"
        )
        return [order_from_row(row) for row in rows]

    def open_algos(self, hanging: Iterable[int] = ()) -> list[AlgoOrder]:
        """Every conditional order, of every account, that waits for its trigger or for its order's end.

        No index knows of those that hang in their trigger, which is an accident; they are asked for by their ids.
        """
        rows = self._execute("SELECT * FROM algos WHERE status IN ('NEW', 'TRIGGERED') ORDER BY algo_id")
        found = [algo_from_row(row) for row in rows]
        for algo_id in hanging:
            row = self._execute("SELECT * FROM algos WHERE algo_id = ?", (algo_id,)).fetchone()
            found.append(algo_from_row(row))
        return sorted(found, key=lambda algo: algo.algo_id)

    def order(self, account: int, order_id: int) -> Order | None:
        """An order by the exchange's id."""
        row = self._execute(
            "SELECT * FROM orders WHERE order_id = ? AND account = ?", (order_id, account)
        ).fetchone()
        return None if row is None else order_from_row(row)

    def order_by_client_id(self, account: int, client_order_id: str) -> Order | None:
        """The newest order that had this client id."""
        row = self._execute(
            "SELECT * FROM orders WHERE account = ? AND client_order_id = ? ORDER BY order_id DESC LIMIT 1",
            (account, client_order_id),
        ).fetchone()
        return None if row is None else order_from_row(row)

    def algo(self, account: int, algo_id: int) -> AlgoOrder | None:
        """A conditional order by the exchange's id."""
        row = self._execute(
            "SELECT * FROM algos WHERE algo_id = ? AND account = ?", (algo_id, account)
        ).fetchone()
        return None if row is None else algo_from_row(row)

    def algo_by_client_id(self, account: int, client_algo_id: str) -> AlgoOrder | None:
        """The newest conditional order that had this client id."""
        row = self._execute(
            "SELECT * FROM algos WHERE account = ? AND client_algo_id = ? ORDER BY algo_id DESC LIMIT 1",
            (account, client_algo_id),
        ).fetchone()
        return None if row is None else algo_from_row(row)

    def trades(self, account: int, symbol: str, from_id: int, limit: int) -> list[Trade]:
        """Trades with id ≥ ``from_id``, oldest first; of one with itself the resting side comes first, as it did."""
        rows = self._execute(
            "SELECT * FROM trades WHERE account = ? AND symbol = ? AND trade_id >= ?"
            " ORDER BY trade_id, is_maker DESC LIMIT ?",
            (account, symbol, from_id, limit),
        )
        return [trade_from_row(row) for row in rows]

    def wallet_postings(
        self, account: int, since_ms: int, until_ms: int, income_type: str | None, after_id: int, limit: int
    ) -> list[Posting]:
        """Changes of the wallet in a span of time, both ends included, oldest first, after an entry's number."""
        rows = self._execute(
            "SELECT * FROM postings WHERE account = ?1 AND book = 'WALLET' AND time_ms BETWEEN ?2 AND ?3"
            " AND (?4 IS NULL OR income_type = ?4) AND tran_id > ?5 ORDER BY time_ms, tran_id LIMIT ?6",
            (account, since_ms, until_ms, income_type, after_id, limit),
        )
        return [posting_from_row(row) for row in rows]

    def query(self, statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a reading statement, for the audit."""
        return self._execute(statement, tuple(parameters)).fetchall()

    def _prepare(self, synchronous: str) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise NewerSchema(
                f"the exchange's file has schema {version}, this program knows {SCHEMA_VERSION}"
            )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA synchronous = {synchronous}")
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        if version:
            # Of a larger one the memory, without which nothing goes on; a start must not grow with its history.
            ((pages,),) = self._connection.execute("PRAGMA page_count").fetchall()
            subject = "1" if pages <= PAGES_CHECKED else "state"
            ((verdict,), *_) = self._connection.execute(f"PRAGMA quick_check({subject})").fetchall()
            if verdict != "ok":
                raise sqlite3.DatabaseError("database disk image is malformed")
            upgrade(self._connection, version)
        else:
            self._connection.executescript(
                f"BEGIN; {SCHEMA}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
