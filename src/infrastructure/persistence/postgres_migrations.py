"""Bringing a PostgreSQL database up to this version, by alembic. Slow to import, so only commands do it.

The same migrations as for SQLite, each in one transaction: PostgreSQL undoes changed tables like changed rows, so no
copy is made. While they run nobody else migrates, and no session does anything: their locks are ours.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from src.application.ports.store import AccountBusy, StoreTooNew
from src.infrastructure.persistence.database_url import DatabaseUrl
from src.infrastructure.persistence.migrations import SCRIPTS, revisions, upgrade
from src.infrastructure.persistence.portal import Portal
from src.infrastructure.persistence.postgres_driver import LOCK_CLASS, SCHEMA_LOCK, AsyncpgDriver
from src.infrastructure.persistence.postgres_failures import FAILURES, postgres_error
from src.infrastructure.persistence.postgres_schema import read_versions


def migrate_postgres(url: DatabaseUrl, *, scripts: Path = SCRIPTS) -> list[str]:
    """Apply every migration that the database lacks; return them, oldest first.

    Raises :class:`AccountBusy` while a session of it runs, :class:`StoreTooNew` for a database of a newer version,
    another :class:`StoreError` when the server does not answer; the database is then as it was.
    """
    portal = Portal()
    try:
        driver = portal.call(AsyncpgDriver.open(url))
        try:
            lacking = portal.call(_prepare(driver, url.name, revisions(scripts)))
            if lacking:
                # Alembic starts an event loop of its own, which a thread that runs one already could not.
                with ThreadPoolExecutor(1) as thread:
                    thread.submit(upgrade, url.text, scripts).result()
            return lacking
        finally:
            portal.call(driver.close())
    except FAILURES as error:
        raise postgres_error(error, url.name) from error
    except DBAPIError as error:
        cause = None if error.orig is None else error.orig.__cause__
        raise postgres_error(cause or error, url.name) from error
    finally:
        portal.close()


async def _prepare(driver: AsyncpgDriver, name: str, known: list[str]) -> list[str]:
    """Wait for another migration, see what is lacking, and hold every session off."""
    await driver.query(
        "SELECT pg_advisory_lock(CAST(? AS INTEGER),CAST(? AS INTEGER))", (LOCK_CLASS, SCHEMA_LOCK)
    )
    versions = await read_versions(driver, name)
    if any(version not in known for version in versions):
        raise StoreTooNew(f"database {name} was written by a newer version: update this program")
    lacking = known[known.index(versions[0]) + 1 :] if versions else known
    if versions and lacking:
        rows = await driver.query("SELECT account_no,account_id,lease_owner FROM account")
        for account_no, account_id, owner in rows:
            ((is_ours,),) = await driver.query(
                "SELECT pg_try_advisory_lock(CAST(? AS INTEGER),CAST(? AS INTEGER))", (LOCK_CLASS, account_no)
            )
            if not is_ours:
                raise AccountBusy(f"account {account_id} is held by {owner}: stop that session first")
    return lacking
