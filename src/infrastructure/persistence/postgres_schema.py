"""The state of a PostgreSQL database's schema, found out without SQLAlchemy and alembic."""

from src.application.ports.store import StoreUnavailable
from src.infrastructure.persistence.database_url import DatabaseUrl
from src.infrastructure.persistence.portal import Portal
from src.infrastructure.persistence.postgres_driver import AsyncpgDriver, PostgresDriver
from src.infrastructure.persistence.postgres_failures import FAILURES, postgres_error
from src.infrastructure.persistence.schema import SchemaState, refuse_unless_current, state_of


async def read_versions(driver: PostgresDriver, name: str) -> list[str]:
    """The revision that the database is of, or nothing for an empty one.

    Raises :class:`StoreUnavailable` for one that another program keeps its tables in.
    """
    tables = await driver.query("SELECT tablename FROM pg_tables WHERE schemaname=current_schema()")
    if ("alembic_version",) in tables:
        return [version for (version,) in await driver.query("SELECT version_num FROM alembic_version")]
    if tables:
        raise StoreUnavailable(
            f"database {name} belongs to another program (it has tables, but no version): give another database"
        )
    return []


async def require_current(driver: PostgresDriver, name: str) -> None:
    """Raise the :class:`StoreError` that says what to do, unless the schema is this program's."""
    refuse_unless_current(state_of(await read_versions(driver, name)), name)


def postgres_schema_state(url: DatabaseUrl) -> SchemaState:
    """The state of a database. Raises :class:`StoreError` when it cannot be reached."""
    portal = Portal()
    try:
        return portal.call(_schema_state(url))
    finally:
        portal.close()


async def _schema_state(url: DatabaseUrl) -> SchemaState:
    driver = await AsyncpgDriver.open(url, read_only=True)
    try:
        return state_of(await read_versions(driver, url.name))
    except FAILURES as error:
        raise postgres_error(error, url.name) from error
    finally:
        await driver.close()
