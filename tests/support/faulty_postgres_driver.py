"""A driver that fails where a test wants it to, as the network or the server would."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from src.infrastructure.persistence.database_url import DatabaseUrl
from src.infrastructure.persistence.postgres_driver import AsyncpgDriver
from src.infrastructure.persistence.postgres_text import Operation, Params

T = TypeVar("T")


class FaultyPostgresDriver:
    """A real driver behind a count of calls: the ``fail_at``-th one from :meth:`arm` on raises ``error`` instead.

    ``applied`` lets the failing call reach the server first, as when the connection ends before the answer arrives.
    """

    def __init__(self, real: AsyncpgDriver) -> None:
        self._real = real
        self._fail_at = 0
        self._error: BaseException = ConnectionResetError("the line went dead")
        self._applied = False
        self.calls: list[str] = []

    @classmethod
    async def open(cls, url: DatabaseUrl) -> "FaultyPostgresDriver":
        """Connect for real."""
        return cls(await AsyncpgDriver.open(url))

    def arm(self, fail_at: int, error: BaseException, *, applied: bool = False) -> None:
        """Fail once, at the ``fail_at``-th call after this one; 0 never fails."""
        self._fail_at, self._error, self._applied = fail_at, error, applied
        self.calls = []

    async def _call(self, name: str, action: Callable[[], Awaitable[T]]) -> T:
        self.calls.append(name)
        if len(self.calls) != self._fail_at:
            return await action()
        if self._applied:
            await action()
        raise self._error

    async def query(self, statement: str, params: Params = ()) -> list[tuple[Any, ...]]:
        return await self._call("query", lambda: self._real.query(statement, params))

    async def write(self, operations: Sequence[Operation]) -> None:
        await self._call("write", lambda: self._real.write(operations))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        async with self._real.transaction():
            yield

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        async with self._real.snapshot():
            yield

    async def close(self) -> None:
        await self._real.close()
