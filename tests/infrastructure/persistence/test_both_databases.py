"""One history in SQLite and in PostgreSQL: the same journal to the byte, the same ledger."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.domain.market.sides import OrderSide
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.database_url import parse_database_url
from src.infrastructure.persistence.databases import Database, PostgresDatabase, SqliteDatabase
from src.infrastructure.persistence.migrations import SCRIPTS
from src.infrastructure.persistence.schema import SchemaState
from tests.support.ledger_builders import (
    ACCOUNT,
    START_MS,
    History,
    a_fill,
    an_intent,
    histories,
    ledger_snapshot,
)
from tests.support.postgres_server import PostgresServer
from tests.support.store_writer import Writer, replay, run_sql

Batches = list[list[tuple[int, e.Event]]]


@settings(max_examples=15)
@given(history=histories(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_one_history_leaves_the_same_journal_and_ledger_in_both(
    postgres_server: PostgresServer, history: History, sizes: list[int]
):
    with TemporaryDirectory() as folder:
        here = SqliteDatabase(Path(folder) / "steadyhand.db")
        here.create()
        there = PostgresDatabase(parse_database_url(postgres_server.new_database_with_tables()))
        batches = in_batches(history[1:], sizes)

        held = [asyncio.run(replay(database, batches)) for database in (here, there)]

        assert held[0] == held[1]
        assert exported(here) == exported(there)
        assert stored(here) == stored(there) == (held[0], held[0])


def in_batches(history: History, sizes: list[int]) -> Batches:
    """The history in commits of these sizes, over and over."""
    batches: Batches = []
    while history:
        size = sizes[len(batches) % len(sizes)]
        batches.append(history[:size])
        history = history[size:]
    return batches


def exported(database: Database) -> tuple[bytes, str]:
    """The journal with all its columns as bytes, and its head's hash."""
    reads = database.reads()
    try:
        lines = [repr(record).encode() for record in reads.journal(ACCOUNT.account_id)]
        assert reads.verify(ACCOUNT.account_id) == len(lines)
        return b"\n".join(lines), reads.head(ACCOUNT.account_id).hash
    finally:
        reads.close()


def stored(database: Database) -> tuple[object, object]:
    """The ledger as loaded from the tables, and as folded from the journal."""
    reads = database.reads()
    try:
        ledger = reads.ledger(ACCOUNT.account_id)
        assert ledger is not None
        records = [(r.at_ms, decode(r.kind, r.payload)) for r in reads.journal(ACCOUNT.account_id)]
        return ledger_snapshot(ledger), ledger_snapshot(fold(records))
    finally:
        reads.close()


def downgrade(database: Database, revision: str) -> None:
    """Make of a database what an older version would have written."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    if isinstance(database, PostgresDatabase):
        config.attributes["database_url"] = database.url.text
    else:
        assert isinstance(database, SqliteDatabase), "there are two kinds"
        config.attributes["database_url"] = f"sqlite:///{database.path}"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(command.downgrade, config, revision).result()


async def test_a_database_with_one_fill_for_a_trade_is_migrated_with_all_it_holds_and_takes_both_from_then_on(
    database: Database,
):
    writer = await Writer.open(database)
    intents = [an_intent(number) for number in range(1, 4)]
    for intent in intents:
        await writer.write(intent, a_fill(intent, intent.intent, exchange_order_id=intent.intent))
    await writer.write(*WAS_PAID)
    held = await writer.end()
    before = await asyncio.to_thread(exported, database), await run_sql(database, FILLS)
    await asyncio.to_thread(downgrade, database, "0004")
    assert await asyncio.to_thread(database.state) is SchemaState.OLD
    # An older version took the fee of a liquidation for money that was paid out.
    assert await paid_in(database) == Decimal("97.5")

    applied, _ = await asyncio.to_thread(database.migrate)

    assert applied == ["0005"]
    assert await paid_in(database) == Decimal(100)
    assert (await asyncio.to_thread(exported, database), await run_sql(database, FILLS)) == before
    again = await Writer.open(database)
    assert ledger_snapshot(again.ledger) == held
    other = replace(a_fill(intents[-1], 3), side=OrderSide.SELL, exchange_order_id=777, client_order_id="")
    await again.write(other)
    held = await again.end()
    assert await asyncio.to_thread(stored, database) == (held, held)
    assert [row[:3] for row in await run_sql(database, FILLS)][2:] == [
        ("BTCUSDT", 3, "BUY"),
        ("BTCUSDT", 3, "SELL"),
    ]


WAS_PAID = (
    e.IncomeBooked(1, "TRANSFER", "USDT", Decimal(100), "", START_MS),
    e.IncomeBooked(2, "INSURANCE_CLEAR", "USDT", Decimal("-2.5"), "BTCUSDT", START_MS),
    e.IncomeBooked(3, "FUNDING_FEE", "USDT", Decimal("0.25"), "BTCUSDT", START_MS),
    e.IncomeBooked(4, "TRANSFER", "BNB", Decimal(7), "", START_MS),
)


async def paid_in(database: Database) -> Decimal:
    ((amount,),) = await run_sql(database, "SELECT transfers FROM account")
    return Decimal(amount)


FILLS = (
    "SELECT symbol, trade_id, side, exchange_order_id, price, traded_ms FROM fills ORDER BY trade_id, side"
)
