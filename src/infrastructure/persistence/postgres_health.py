"""How fit a PostgreSQL server is to keep a session: whether it really syncs, and how long a commit takes from here."""

from dataclasses import dataclass
from time import perf_counter_ns
from typing import Final

from src.infrastructure.persistence.database_url import DatabaseUrl
from src.infrastructure.persistence.portal import Portal
from src.infrastructure.persistence.postgres_driver import AsyncpgDriver
from src.infrastructure.persistence.postgres_failures import FAILURES, postgres_error

COMMITS: Final = 11
# Without these a power failure takes commits that were answered.
_NEEDED: Final = ("fsync", "full_page_writes")
# Changes nothing, and fails where a session could not write: on a standby, or without the right.
_WRITE: Final = "UPDATE account SET lease_owner=lease_owner WHERE FALSE"
# A record in the log that nobody reads: the smallest thing whose commit has to be synced.
_SMALLEST: Final = "SELECT pg_logical_emit_message(true,'steadyhand','')"


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """Version, the settings that should be on and are off, and the median of some synced commits, ms."""

    version: str
    switched_off: tuple[str, ...]
    commit_ms: float


def server_health(url: DatabaseUrl) -> ServerHealth:
    """Look at the server of a database; raises :class:`StoreError` when it does not answer, or may not be written."""
    portal = Portal()
    try:
        return portal.call(_look(url))
    finally:
        portal.close()


async def _look(url: DatabaseUrl) -> ServerHealth:
    driver = await AsyncpgDriver.open(url)
    try:
        ((version,),) = await driver.query("SELECT current_setting('server_version')")
        if (await driver.query("SELECT to_regclass('account')"))[0][0] is not None:
            await driver.query(_WRITE)
        states = [
            (name, (await driver.query("SELECT current_setting(?)", (name,)))[0][0]) for name in _NEEDED
        ]
        took = []
        for _ in range(COMMITS):
            before_ns = perf_counter_ns()
            await driver.query(_SMALLEST)
            took.append((perf_counter_ns() - before_ns) / 1e6)
        return ServerHealth(
            version, tuple(name for name, state in states if state != "on"), sorted(took)[COMMITS // 2]
        )
    except FAILURES as error:
        raise postgres_error(error, url.name) from error
    finally:
        await driver.close()
