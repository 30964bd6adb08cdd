"""How alembic reaches a database: the address comes from who starts it, or from DATABASE_URL; never from a file.

SQLite is reached by its plain driver, PostgreSQL by asyncpg. SQLite changes tables by copying them ("batch"), and a
migration that fails leaves nothing behind: each one is a transaction of its own.
"""

import asyncio
import os
from typing import Any

from alembic import context
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from src.infrastructure.persistence.columns import ExactDecimal
from src.infrastructure.persistence.database_url import DatabaseUrl, parse_database_url
from src.infrastructure.persistence.tables import metadata


def render_item(kind: str, item: object, autogen_context: Any) -> str | bool:
    """Name our own column types in new migrations; everything else as alembic does."""
    if kind == "type" and isinstance(item, ExactDecimal):
        autogen_context.imports.add("from src.infrastructure.persistence.columns import ExactDecimal")
        return "ExactDecimal()"
    return False


def database_url() -> DatabaseUrl:
    """The address, from whoever runs the migrations or from the environment."""
    text = context.config.attributes.get("database_url") or os.environ.get("DATABASE_URL", "")
    if not text:
        raise SystemExit("set DATABASE_URL to the database that is meant, e.g. sqlite:///data/steadyhand.db")
    return parse_database_url(text)


def configure(**where: Any) -> None:
    """The options that both ways of running share."""
    context.configure(
        target_metadata=metadata,
        render_item=render_item,
        compare_type=True,
        transaction_per_migration=True,
        **where,
    )


def run(connection: Connection) -> None:
    """Run the migrations over an open connection."""
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # The driver would commit before each CREATE TABLE; here a migration is one transaction or nothing.
        connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr]  # it is open
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    configure(connection=connection, render_as_batch=is_sqlite)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


async def run_on_postgresql(url: DatabaseUrl) -> None:
    """The same through asyncpg, on a connection made as the store's are: every form of address means the same."""
    from src.infrastructure.persistence.postgres_driver import open_connection

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: open_connection(url))
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


def main() -> None:
    """Write SQL (``--sql``), or change the database."""
    url = database_url()
    is_sqlite = url.path is not None
    if context.is_offline_mode():
        configure(
            url="sqlite://" if is_sqlite else "postgresql+asyncpg://",
            literal_binds=True,
            render_as_batch=is_sqlite,
        )
        with context.begin_transaction():
            context.run_migrations()
    elif is_sqlite:
        engine = create_engine(URL.create("sqlite", database=str(url.path)))
        with engine.connect() as connection:
            run(connection)
        engine.dispose()
    else:
        asyncio.run(run_on_postgresql(url))


main()
