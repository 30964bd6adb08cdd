"""What people and commands read from a PostgreSQL server: a connection that may not write, and takes no lease."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from src.infrastructure.persistence import loading
from src.infrastructure.persistence.database_url import DatabaseUrl
from src.infrastructure.persistence.portal import Portal
from src.infrastructure.persistence.postgres_driver import LOCK_CLASS, AsyncpgDriver
from src.infrastructure.persistence.postgres_failures import FAILURES, postgres_error
from src.infrastructure.persistence.postgres_schema import require_current
from src.infrastructure.persistence.postgres_text import Params
from src.infrastructure.persistence.read_models import SqlReadModels

_HOLDER = """
SELECT a.lease_owner FROM account a JOIN pg_locks l ON l.objid::bigint=a.account_no
WHERE l.locktype='advisory' AND l.granted AND l.classid::bigint=CAST(? AS BIGINT) AND a.account_id=?
AND l.database=(SELECT oid FROM pg_database WHERE datname=current_database())
"""
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresReadModels(SqlReadModels):
    """Implements :class:`src.application.ports.store.ReadModels` on a database with a current schema.

    Every method raises a :class:`StoreError` when the server does not answer. Threads may share it.
    """

    def __init__(self, url: DatabaseUrl) -> None:
        super().__init__(url.name)
        self._portal = Portal()
        self._one_at_a_time = RLock()
        try:
            self._driver = self._portal.call(_open(url))
        except BaseException:  # whatever ends the opening, the thread is
            self._portal.close()
            raise

    def close(self) -> None:
        """Close the connection. Harmless to repeat."""
        if self._driver is not None:
            self._portal.call(self._driver.close())
            self._driver = None
            self._portal.close()

    def holder(self, account_id: str) -> str | None:
        """Whose connection has the account's lock; None when nobody's has."""
        rows = self._query(_HOLDER, (LOCK_CLASS, account_id))
        return (rows[0][0] or "another process") if rows else None

    def _check(self, account_no: int) -> int:
        return loading.check_journal(self._query, account_no)

    def _query(self, statement: str, params: Params = ()) -> list[tuple[Any, ...]]:
        assert self._driver is not None, "it is open"
        try:
            with self._one_at_a_time:
                return self._portal.call(self._driver.query(statement, params))
        except FAILURES as error:
            raise postgres_error(error, self._name) from error

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        with self._one_at_a_time:
            self._query(_BEGIN)
            try:
                yield
            finally:
                self._query("ROLLBACK")


async def _open(url: DatabaseUrl) -> AsyncpgDriver | None:
    driver = await AsyncpgDriver.open(url, read_only=True)
    try:
        await require_current(driver, url.name)
    except BaseException:  # whatever ends the opening, the connection is
        await driver.close()
        raise
    return driver
