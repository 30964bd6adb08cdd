"""A position from its fills: quantity, cost, lots and round trips, by example."""

from decimal import Decimal

import pytest

from src.domain.market.sides import OrderSide
from src.domain.positions.position import Position
from tests.support.domain_builders import BTC, BUY, SELL


def filled(*fills):
    """A position after fills of (side, price, quantity); commission is one per fill."""
    position, trips = Position(BTC), []
    for trade_id, (side, price, quantity) in enumerate(fills, 1):
        trips += position.apply_fill(
            side, Decimal(price), Decimal(quantity), Decimal(1), f"s{trade_id}", 1_000 * trade_id, trade_id
        )
    return position, trips


def test_a_new_position_is_flat():
    position = Position(BTC)

    assert position.is_flat
    assert position.entry_price == 0
    assert position.unrealized_pnl(Decimal(100)) == position.notional(Decimal(100)) == 0


@pytest.mark.parametrize(("side", "sign"), [(BUY, 1), (SELL, -1)])
def test_fills_of_one_side_add_up_in_quantity_and_cost(side, sign):
    position, trips = filled((side, 100, 1), (side, 110, 3))

    assert trips == []
    assert position.quantity == 4 * sign
    assert position.cost == 430 * sign
    assert position.entry_price == Decimal("107.5")
    assert position.side is side
    assert position.strategy_id == "s1"
    assert position.opened_ms == 1_000


@pytest.mark.parametrize(("side", "pnl"), [(BUY, 10), (SELL, -10)])
def test_unrealized_pnl_is_what_closing_at_the_mark_would_add(side, pnl):
    position, _ = filled((side, 100, 2))

    assert position.unrealized_pnl(Decimal(105)) == pnl
    assert position.notional(Decimal(105)) == 210


def test_a_partial_close_takes_its_part_of_the_cost_and_the_oldest_lots():
    position, trips = filled((BUY, 100, 1), (BUY, 110, 1), (SELL, 120, "1.5"))

    assert position.quantity == Decimal("0.5")
    assert position.cost == Decimal("52.5")
    assert [(t.quantity, t.entry_price, t.pnl) for t in trips] == [
        (Decimal(1), Decimal(100), Decimal(20)),
        (Decimal("0.5"), Decimal(110), Decimal(5)),
    ]
    assert [lot.quantity for lot in position.lots] == [Decimal("0.5")]


def test_a_full_close_leaves_nothing():
    position, trips = filled((BUY, 100, 1), (BUY, 110, 2), (SELL, 105, 3))

    assert position.is_flat
    assert position.cost == 0
    assert not position.lots
    assert sum(trip.pnl for trip in trips) == 5 - 10


def test_a_close_forgets_where_stop_and_target_were():
    position, _ = filled((BUY, 100, 1))
    position.stop_loss_price = position.take_profit_price = Decimal(90)

    position.apply_fill(SELL, Decimal(100), Decimal(1), Decimal(0), "s", 0, 2)

    assert position.stop_loss_price is position.take_profit_price is None


def test_a_fill_beyond_the_position_closes_it_and_opens_the_other_side():
    position, trips = filled((BUY, 100, 1), (SELL, 110, 3))

    assert position.quantity == -2
    assert position.cost == -220
    assert position.side is OrderSide.SELL
    assert position.strategy_id == "s2"
    assert position.opened_ms == 2_000
    assert [trip.pnl for trip in trips] == [Decimal(10)]


def test_a_fill_that_turns_a_position_around_shares_its_commission_between_both():
    position, (trip,) = filled((BUY, 100, 1), (SELL, 110, 4))

    assert trip.commission == Decimal("1.25")
    assert position.lots[0].commission == Decimal("0.75")
    assert position.commission == 2


def test_a_close_shares_its_commission_by_what_it_takes_of_each_lot():
    _, trips = filled((BUY, 100, 1), (BUY, 110, 3), (SELL, 120, 4))

    assert [trip.commission for trip in trips] == [Decimal("1.25"), Decimal("1.75")]


def test_a_short_earns_when_the_price_falls():
    _, (trip,) = filled((SELL, 100, 2), (BUY, 90, 2))

    assert trip.side is SELL
    assert trip.pnl == 20
    assert trip.commission == 2
    assert trip.net_pnl == 18


def test_a_round_trip_names_both_ends():
    _, (trip,) = filled((BUY, 100, 1), (SELL, 110, 1))

    assert (trip.entry_price, trip.exit_price) == (Decimal(100), Decimal(110))
    assert (trip.opened_ms, trip.closed_ms) == (1_000, 2_000)
    assert (trip.entry_trade_id, trip.exit_trade_id) == (1, 2)
    assert (trip.symbol, trip.strategy_id) == (BTC, "s1")


def test_a_lot_keeps_the_strategy_that_opened_it():
    _, trips = filled((BUY, 100, 1), (BUY, 100, 1), (SELL, 110, 2))

    assert [trip.strategy_id for trip in trips] == ["s1", "s2"]
