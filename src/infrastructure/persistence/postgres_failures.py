"""What went wrong with a PostgreSQL server, in one line with cause and fix; the address's password is in none."""

from typing import Final

import asyncpg
from asyncpg import exceptions as pg

from src.application.ports.store import (
    LeaseLost,
    StoreCorrupt,
    StoreError,
    StoreNotInitialised,
    StoreUnavailable,
)
from src.infrastructure.persistence.failures import one_line

# What asyncpg raises: the server's errors, its own, the network's, and Python's for text that is not UTF-8.
FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    EOFError,
    UnicodeError,
)

_LOST = "the connection was lost: start the server again, the next start finds out what was written"
# The first that fits counts.
_KINDS: Final[
    tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], type[StoreError], str], ...]
] = (
    (
        pg.DivisionByZeroError,
        LeaseLost,
        "another process took the account over: this one must end, the other goes on",
    ),
    (
        pg.InvalidAuthorizationSpecificationError,
        StoreUnavailable,
        "user or password are refused: check DATABASE_URL",
    ),
    (pg.InvalidCatalogNameError, StoreUnavailable, "there is no such database: create it with createdb"),
    (pg.TooManyConnectionsError, StoreUnavailable, "it has no connection left: raise its max_connections"),
    (pg.DiskFullError, StoreUnavailable, "the server's disk is full: free some space"),
    (pg.OutOfMemoryError, StoreUnavailable, "the server is out of memory: give it more"),
    (
        (pg.ReadOnlySQLTransactionError, pg.InsufficientPrivilegeError),
        StoreUnavailable,
        "it may not be written: grant the user all rights on this database, on a primary server",
    ),
    (
        (pg.DataCorruptedError, pg.IndexCorruptedError),
        StoreCorrupt,
        "it is damaged: restore it from a backup",
    ),
    (
        (pg.UndefinedTableError, pg.UndefinedColumnError),
        StoreNotInitialised,
        "it lacks tables of this version: run migrate",
    ),
    ((pg.AdminShutdownError, pg.CrashShutdownError, pg.IdleSessionTimeoutError), StoreUnavailable, _LOST),
    (pg.QueryCanceledError, StoreUnavailable, "the server gave up waiting: check its load and its timeouts"),
    (pg.CannotConnectNowError, StoreUnavailable, "the server is starting or stopping: try again in a moment"),
    (pg.PostgresConnectionError, StoreUnavailable, _LOST),
    (TimeoutError, StoreUnavailable, "the server does not answer in time: check server and network"),
    ((pg.InterfaceError, EOFError), StoreUnavailable, _LOST),
    (OSError, StoreUnavailable, "the server cannot be reached: check that it runs, and the host and port"),
)


def postgres_error(error: BaseException, name: str) -> StoreError:
    """The store's error for one of :data:`FAILURES`; ``name`` is the database's, for people."""
    detail = one_line(error) or type(error).__name__
    for classes, kind, text in _KINDS:
        # A value that cannot be sent is an InterfaceError, too, but a fault of ours.
        if isinstance(error, classes) and not isinstance(error, ValueError):
            return kind(text if kind is LeaseLost else f"database {name}: {text} ({detail})")
    return StoreError(f"database {name}: {detail}; this is a fault of the program, please report it")
