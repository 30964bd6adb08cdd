"""The few calls through which the store speaks to a PostgreSQL server; tests put a faulting driver in their place.

One asyncpg connection, statements prepared once each. Values travel as the store's row maps make them (amounts as
canonical text, truth as 0 and 1), so that a row means the same here and in SQLite.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol

import asyncpg

from src.application.ports.store import LeaseLost, StoreUnreachable
from src.infrastructure.persistence.database_url import DatabaseUrl
from src.infrastructure.persistence.postgres_failures import FAILURES, postgres_error
from src.infrastructure.persistence.postgres_text import (
    Operation,
    Params,
    compose,
    fits_one_statement,
    postgres,
)

CONNECT_TIMEOUT_S: Final = 10.0
# A commit that takes longer has an unknown outcome; the process ends and finds out at its next start.
COMMAND_TIMEOUT_S: Final = 15.0
# Which advisory locks are ours; the second number is the account's, or 0 for the schema.
LOCK_CLASS: Final = 0x57EAD
SCHEMA_LOCK: Final = 0
_SETTINGS: Final = {
    "application_name": "steadyhand",
    # A server may be set otherwise, but what is answered as committed has to be on its disk.
    "synchronous_commit": "on",
    "jit": "off",
    # A machine that vanished with its connection open is given up after half a minute, and its lease is free.
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
# A connection that is idle holds a lease: no server may cut it. Those before PostgreSQL 14 do not know the setting.
_STAY: Final = "SELECT set_config(name,'0',false) FROM pg_settings WHERE name='idle_session_timeout'"
_READ_ONLY: Final = {**_SETTINGS, "default_transaction_read_only": "on"}


class PostgresDriver(Protocol):
    """One connection. Every call may raise what ``postgres_failures.FAILURES`` names."""

    async def query(self, statement: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement with ``?`` for its parameters."""
        ...

    async def write(self, operations: Sequence[Operation]) -> None:
        """Run everything in one transaction; the last statement must change exactly one row.

        Raises LeaseLost, with nothing done, when it does not.
        """
        ...

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """A block whose queries are one transaction, committed when it is left without an error."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[None]:
        """A block in which every query sees the same commit, and none may write."""
        ...

    async def close(self) -> None:
        """Close the connection; an open transaction is undone, locks are given back."""
        ...


class AsyncpgDriver:
    """The real one; make it with :meth:`open`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: DatabaseUrl, *, read_only: bool = False) -> "AsyncpgDriver":
        """Connect. Raises :class:`StoreUnreachable` with one line that names neither password nor whole address."""
        connection = await open_connection(url, _READ_ONLY if read_only else _SETTINGS)
        try:
            await connection.set_type_codec(
                "numeric", schema="pg_catalog", encoder=str, decoder=str, format="text"
            )
            await connection.set_type_codec(
                "bool", schema="pg_catalog", encoder=_truth, decoder=_zero_or_one, format="text"
            )
            await connection.execute(_STAY)
        except FAILURES as error:
            raise postgres_error(error, url.name) from error
        return cls(connection)

    async def query(self, statement: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows."""
        return list(map(tuple, await self._connection.fetch(postgres(statement), *params)))

    async def write(self, operations: Sequence[Operation]) -> None:
        """One statement where that is possible, else one transaction of several."""
        if fits_one_statement(operations):
            statement, values = compose(operations)
            await self._connection.execute(statement, *values)
            return
        *rest, (last, (row,)) = operations
        async with self._connection.transaction():
            for statement, rows in rest:
                if len(rows) == 1:
                    await self._connection.execute(postgres(statement), *rows[0])
                else:
                    await self._connection.executemany(postgres(statement), rows)
            if await self._connection.execute(postgres(last), *row) != "UPDATE 1":
                raise LeaseLost("another process took the account over: this one must end, the other goes on")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """One transaction."""
        async with self._connection.transaction():
            yield

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """A read-only transaction of one moment."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            yield

    async def close(self) -> None:
        """Say good-bye; where nobody listens any more, just let go."""
        try:
            await self._connection.close(timeout=CONNECT_TIMEOUT_S)
        except FAILURES:
            self._connection.terminate()


async def open_connection(url: DatabaseUrl, settings: dict[str, str] | None = None) -> Any:
    """A plain asyncpg connection. Raises :class:`StoreUnreachable` with one line."""
    scheme, separator, rest = url.text.partition("://")
    try:
        return await asyncpg.connect(
            f"{scheme.partition('+')[0]}{separator}{rest}",
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            statement_cache_size=1_024,
            server_settings=_SETTINGS if settings is None else settings,
        )
    except ValueError:
        # What asyncpg says repeats parts of the address, which may be the password.
        raise StoreUnreachable(
            f"the address of database {url.name} cannot be read: use postgresql+asyncpg://user@host:5432/name"
        ) from None
    except FAILURES as error:
        raise StoreUnreachable(str(postgres_error(error, url.name))) from error


def _truth(value: int) -> str:
    return "t" if value else "f"


def _zero_or_one(text: str) -> int:
    return int(text == "t")
