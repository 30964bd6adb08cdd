"""What a position cost before its newest trades, found by going back through those before."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger.unconfirmed import added, cost_after, cost_of
from src.domain.market.sides import OrderSide
from src.domain.orders.news import FillReport
from src.domain.positions.position import Position
from tests.support.domain_builders import BTC, BUY, SELL, a_fill

TRADES = st.lists(
    st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 8), st.integers(1, 10**6)), min_size=1, max_size=12
)


def reports(trades: list[tuple[OrderSide, int, int]]) -> list[FillReport]:
    return [
        a_fill(None, number, Decimal(quantity).scaleb(-3), Decimal(price).scaleb(-2), side=side)
        for number, (side, quantity, price) in enumerate(trades, 1)
    ]


@given(TRADES)
def test_going_back_finds_what_the_trades_came_to_where_anything_is_held(trades):
    position, fills = Position(BTC), reports(trades)
    for fill in fills:
        position.cost, position.quantity = cost_after(position, fill), position.quantity + added([fill])

    assert position.is_flat or cost_of(position.quantity, reversed(fills)) == position.cost


def test_a_position_that_is_older_than_the_trades_is_not_known():
    fills = reports([(BUY, 1, 100), (SELL, 2, 100)])

    assert cost_of(Decimal("0.004"), reversed(fills)) is None
