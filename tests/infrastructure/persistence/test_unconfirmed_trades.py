"""What a later process needs to count a trade that is heard of late in its turn is found among the stored fills."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from src.domain.ledger import events as e
from src.domain.ledger.unconfirmed import Unconfirmed
from src.domain.market.sides import OrderSide, PositionSide
from src.infrastructure.persistence import statements
from src.infrastructure.persistence.databases import Database
from src.infrastructure.persistence.schema import create_sqlite
from tests.support.ledger_builders import a_fill, an_intent
from tests.support.store_writer import Writer

BTC = "BTCUSDT"
BUY, SELL = OrderSide.BUY, OrderSide.SELL
BOTH, LONG, SHORT = PositionSide.BOTH, PositionSide.LONG, PositionSide.SHORT
HELD_BEFORE = (BUY, "1", 50)
TRADES = ((BUY, "1", 100), (SELL, "3", 110), (BUY, "0.3", 90), (SELL, "0.7", 95), (BUY, "1.1", 97))
"""Long two, turned around by the second, and then partly closed twice."""


def trade(
    trade_id: int, side: OrderSide, quantity: str, price: int, position_side: PositionSide = BOTH
) -> e.FillBooked:
    return a_fill(
        an_intent(), trade_id, client_order_id="", side=side, quantity=Decimal(quantity), price=Decimal(price),
        position_side=position_side,
    )  # fmt: skip


async def loaded_again(
    database: Database, *events: e.Event
) -> tuple[dict[tuple[str, PositionSide], Unconfirmed], dict[tuple[str, PositionSide], Unconfirmed]]:
    """What a process keeps after these events, and what the next one does."""
    writer = await Writer.open(database)
    await writer.write(*events)
    await writer.end()
    again = await Writer.open(database)
    await again.end()
    return writer.ledger.unconfirmed, again.ledger.unconfirmed


@pytest.mark.parametrize("compared", range(len(TRADES) + 1))
async def test_what_was_held_at_the_last_trade_that_was_compared_is_known_after_a_restart(
    database: Database, compared: int
):
    opening = (trade(0, *HELD_BEFORE), e.TradesConfirmed(BTC, 0))
    fills = [trade(number, *each) for number, each in enumerate(TRADES, 1)]

    kept, found = await loaded_again(database, *opening, *fills, e.TradesConfirmed(BTC, compared))

    assert found == kept
    assert [fill.trade_id for each in found.values() for fill in each.fills] == [
        *range(compared + 1, len(TRADES) + 1)
    ]


async def test_each_side_of_a_hedge_is_known_by_itself(database: Database):
    fills = [
        trade(1, BUY, "2", 100, LONG),
        trade(2, SELL, "1", 110, SHORT),
        trade(3, SELL, "0.7", 120, LONG),
        trade(5, SELL, "1", 130, SHORT),
        trade(6, BUY, "1", 140, LONG),
    ]

    kept, found = await loaded_again(database, *fills, e.TradesConfirmed(BTC, 3))

    assert found == kept
    assert found.keys() == {(BTC, LONG), (BTC, SHORT)}
    assert found[BTC, LONG].cost_with(trade(4, SELL, "1.3", 100, LONG)) == 140


def many(count: int) -> Iterator[e.FillBooked]:
    """A position that grows without end."""
    return (trade(number, BUY, "0.001", 50_000 + number) for number in range(1, count + 1))


async def test_a_position_of_many_trades_is_known_as_well(database: Database):
    kept, found = await loaded_again(database, *many(100), e.TradesConfirmed(BTC, 99))

    assert found == kept


async def test_of_a_position_of_thousands_of_trades_nothing_is_counted_again_until_all_are_compared(
    database: Database,
):
    last, late = trade(4_099, BUY, "1", 60_000), trade(4_098, SELL, "1", 60_000)

    kept, found = await loaded_again(database, *many(4_097), last, e.TradesConfirmed(BTC, 4_097))

    assert kept[BTC, BOTH].cost_with(late) is not None
    assert found[BTC, BOTH].cost_with(late) is None
    assert found[BTC, BOTH].confirm(4_099)


async def test_a_cost_that_was_counted_again_is_stored_with_its_position_and_told_by_the_journal(
    database: Database,
):
    late = e.FillBooked(
        **{name: getattr(trade(2, SELL, "1", 150), name) for name in statements.FILL.columns},
        position_cost=Decimal(200),
    )
    writer = await Writer.open(database)
    await writer.write(trade(1, BUY, "1", 100), trade(3, BUY, "1", 200), late)
    held = await writer.end()

    again = await Writer.open(database)

    assert again.ledger.position(BTC).cost == 200
    assert await again.end() == held


@pytest.mark.parametrize("name", ["SELECT_UNCONFIRMED", "SELECT_CONFIRMED"])
def test_fills_of_a_symbol_are_found_by_their_key_and_sorted_already(name: str, tmp_path: Path):
    create_sqlite(tmp_path / "new.db")

    with closing(sqlite3.connect(tmp_path / "new.db")) as file:
        text: str = getattr(statements, name)
        plan = file.execute(f"EXPLAIN QUERY PLAN {text}", (None,) * text.count("?")).fetchall()

    (step,) = (row[-1] for row in plan)
    assert "PRIMARY KEY (account_no=? AND symbol=? AND trade_id" in step
