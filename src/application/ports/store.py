"""Where a session's truth about its own intents is kept: journal, tables and outbox, written in one transaction.

Whatever may have to travel to a server is awaited; an embedded database answers without ever suspending.
The writer (:class:`Store`) belongs to the process that holds the account's lease. Everybody else reads through
:class:`ReadModels`, which never writes and needs no lease.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from src.domain.ledger.events import AccountOpened, Event, FillBooked, IncomeBooked, RecoveryFinished
from src.domain.ledger.state import Ledger
from src.domain.market.candle import Candle
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder
from src.domain.performance.executions import Execution
from src.domain.positions.position import Position, RoundTrip
from src.domain.sessions.session import TradingSession


class StoreError(Exception):
    """The store cannot do its work; one line with cause and fix. The process leaves RUNNING and exits."""


class StoreUnavailable(StoreError):
    """The database cannot be opened or reached."""


class StoreUnreachable(StoreUnavailable):
    """No connection to the database's server comes about: nothing was read or changed. The settings are to blame."""


class StoreMoved(StoreUnavailable):
    """A file that the session writes to is not at its path any more: a start would find none, or another one."""


class StoreCorrupt(StoreError):
    """The database is damaged: the hash chain, the file's own check, or a row cannot be read."""


class StoreTooNew(StoreError):
    """The database was written by a newer version of this program."""


class StoreNotInitialised(StoreError):
    """The database has no tables, or not all of them: run init-db or migrate."""


class AccountBusy(StoreError):
    """Another process holds the account's lease."""


class LeaseLost(StoreError):
    """The lease was taken over: nothing may be written or sent any more."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One record of the journal as stored; hashes in hexadecimal, ``payload`` canonical JSON."""

    seq: int
    at_ms: int
    epoch: int
    kind: str
    key: str
    payload: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class JournalHead:
    """The last record's number and hash; two stores with equal heads hold equal histories."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as listed: who it is, its newest session and how many it has had."""

    account_id: str
    exchange: str
    namespace: str
    epoch: int
    lease_owner: str
    session_id: str | None
    session_status: str | None
    sessions: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """One point of the equity curve; money in the settle asset."""

    at_ms: int
    wallet: Decimal
    unrealized_pnl: Decimal
    exposure: Decimal


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """One comparison of store and exchange, as the journal has it; ``at_ms`` is session time."""

    at_ms: int
    report: RecoveryFinished


class OrderArchive(Protocol):
    """Where orders are found that have left a ledger's working set."""

    async def find_order(self, client_order_id: str) -> Order | None:
        """A stored order by our id."""
        ...

    async def find_order_by_exchange_id(self, symbol: str, exchange_order_id: int) -> Order | None:
        """A stored order by the exchange's ordinary order id."""
        ...


class Store(OrderArchive, Protocol):
    """The one writer of one account. Not thread-safe: the session's task owns it."""

    async def open_account(self, opened: AccountOpened, at_ms: int) -> None:
        """Create the account with its first journal record; nothing happens when it exists."""
        ...

    async def acquire(self, account_id: str, owner: str) -> int:
        """Take the lease: the OS lock first, then epoch + 1, durable before this returns; return the epoch.

        Raises :class:`AccountBusy` when another living process holds it.
        """
        ...

    async def load(self, account_id: str) -> Ledger | None:
        """The ledger from the tables, or None when there is no such account."""
        ...

    async def traded_ms(self, symbol: str, trade_id: int) -> int | None:
        """When a booked trade was made, by the exchange's time; None when none of that number is booked."""
        ...

    def stage(self, at_ms: int, events: Sequence[Event]) -> None:
        """Encode and chain events for the next commit. Nothing is durable yet."""
        ...

    def rehearse(self, at_ms: int, events: Sequence[Event]) -> None:
        """Encode and chain events as :meth:`stage` does, and forget them: nothing of the store changes."""
        ...

    def keep_candle(self, candle: Candle) -> None:
        """Let a closed candle come with the next commit; it makes none of its own."""
        ...

    async def commit(self, ledger: Ledger) -> None:
        """Write the staged records and the rows of ``ledger.changes`` in one transaction, and sync.

        The changes are cleared and settled orders released afterwards. Raises :class:`StoreError`; then nothing of
        the batch is durable, and the process must not go on.
        """
        ...

    @property
    def head(self) -> JournalHead:
        """The last committed record."""
        ...

    @property
    def checkpoint_due(self) -> bool:
        """Whether :meth:`checkpoint` should be called when the session has a moment."""
        ...

    def checkpoint(self) -> None:
        """Tidy up what commits left to be tidied; takes some milliseconds and is never part of a commit."""
        ...

    async def close(self) -> None:
        """Give the lease back and close the connection; staged records are dropped."""
        ...


class ReadModels(Protocol):
    """What people and commands read. Synchronous, without lease, never writes."""

    def same_commit(self) -> AbstractContextManager[None]:
        """A block in which everything read is of one commit, however the session goes on; blocks may be nested."""
        ...

    def accounts(self) -> list[AccountRow]:
        """Every account of the database."""
        ...

    def ledger(self, account_id: str) -> Ledger | None:
        """The ledger as last committed."""
        ...

    def sessions(self, account_id: str, limit: int = 20) -> list[TradingSession]:
        """Sessions, newest first."""
        ...

    def orders(
        self, account_id: str, *, open_only: bool = False, symbol: str | None = None, limit: int = 100
    ) -> list[Order]:
        """Orders, newest first."""
        ...

    def parents(self, account_id: str, limit: int = 20) -> list[ParentOrder]:
        """Parent orders, newest first, without their children: those name their parents."""
        ...

    def parent(self, account_id: str, parent_id: str) -> ParentOrder | None:
        """One parent order."""
        ...

    def order(self, account_id: str, client_order_id: str) -> Order | None:
        """One order."""
        ...

    def positions(self, account_id: str) -> list[Position]:
        """Positions that are not flat."""
        ...

    def fills(
        self, account_id: str, *, symbol: str | None = None, limit: int | None = None
    ) -> list[FillBooked]:
        """Fills, newest first."""
        ...

    def executions(self, account_id: str) -> list[Execution]:
        """Fills with the prices their orders were decided at, oldest first."""
        ...

    def income(self, account_id: str) -> list[IncomeBooked]:
        """Income, oldest first."""
        ...

    def round_trips(self, account_id: str, limit: int | None = None) -> list[RoundTrip]:
        """Closed trades, newest first."""
        ...

    def equity_curve(self, account_id: str, session_id: str | None = None) -> list[EquityPoint]:
        """Equity points, oldest first."""
        ...

    def candles(self, account_id: str, symbol: str, timeframe: str, limit: int | None = None) -> list[Candle]:
        """The newest closed candles that sessions have seen, oldest first."""
        ...

    def recoveries(self, account_id: str, limit: int = 20) -> list[RecoveryRow]:
        """Comparisons of store and exchange, newest first."""
        ...

    def journal(
        self, account_id: str, after_seq: int = 0, kind: str | None = None
    ) -> Iterator[JournalRecord]:
        """Records of the journal, oldest first; raises ValueError for a kind that there is not."""
        ...

    def head(self, account_id: str) -> JournalHead:
        """The last committed record."""
        ...

    def verify(self, account_id: str) -> int:
        """Check the whole hash chain; return the number of records. Raises :class:`StoreCorrupt`."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
