"""Closed candles in both databases: with the next commit, never with one of their own."""

from decimal import Decimal

from src.domain.ledger import events as e
from src.domain.market.candle import Candle
from src.infrastructure.persistence.databases import Database
from tests.support.ledger_builders import ACCOUNT, START_MS
from tests.support.store_writer import Writer, run_sql

MINUTE_MS = 60_000
AMOUNT = Decimal("12.5")


def a_candle(number: int, symbol: str = "BTCUSDT", close: str = "60000.10") -> Candle:
    price = Decimal(close)
    return Candle(
        symbol, "1m", START_MS + number * MINUTE_MS, price, price + 1, price - 1, price, Decimal("0E-8")
    )


def stored(database: Database, symbol: str = "BTCUSDT", limit: int | None = None) -> list[Candle]:
    reads = database.reads()
    try:
        return reads.candles(ACCOUNT.account_id, symbol, "1m", limit)
    finally:
        reads.close()


async def test_a_candle_comes_with_the_next_commit_and_makes_none_of_its_own(database: Database):
    writer = await Writer.open(database)

    writer.store.keep_candle(a_candle(1))
    await writer.store.commit(writer.ledger)

    assert stored(database) == []

    await writer.write(e.EquityMarked(AMOUNT, AMOUNT, AMOUNT))

    assert stored(database) == [a_candle(1)]
    await writer.end()


async def test_a_candle_that_was_seen_before_changes_nothing(database: Database):
    writer = await Writer.open(database)
    writer.store.keep_candle(a_candle(1))
    await writer.write(e.EquityMarked(AMOUNT, AMOUNT, AMOUNT))

    writer.store.keep_candle(a_candle(1, close="1.5"))
    writer.store.keep_candle(a_candle(2))
    await writer.write(e.EquityMarked(AMOUNT, AMOUNT, AMOUNT))

    assert stored(database) == [a_candle(1), a_candle(2)]
    await writer.end()


async def test_the_newest_candles_of_a_symbol_are_read_oldest_first(database: Database):
    writer = await Writer.open(database)
    for number in range(100):
        writer.store.keep_candle(a_candle(number))
        writer.store.keep_candle(a_candle(number, "ETHUSDT", "3000"))

    await writer.write(e.EquityMarked(AMOUNT, AMOUNT, AMOUNT))

    assert stored(database, limit=3) == [a_candle(97), a_candle(98), a_candle(99)]
    assert len(stored(database, "ETHUSDT")) == 100
    await writer.end()


async def test_candles_leave_the_journal_as_it_is(database: Database):
    writer = await Writer.open(database)
    before = writer.store.head
    writer.store.keep_candle(a_candle(1))
    await writer.write(e.EquityMarked(AMOUNT, AMOUNT, AMOUNT))

    kinds = await run_sql(database, "SELECT kind FROM journal WHERE seq>1 ORDER BY seq")

    assert writer.store.head.seq == before.seq + 1
    assert kinds == [("equity_marked",)]
    await writer.end()
