"""What a position cost before its newest trades: found by going back, and kept for as many as an older may precede."""

from collections.abc import Iterable
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger.events import FillBooked
from src.domain.ledger.unconfirmed import COUNTED_TOGETHER, KEPT_MAX, Unconfirmed, added, cost_after, cost_of
from src.domain.market.sides import OrderSide
from src.domain.orders.news import FillReport
from src.domain.positions.position import Position
from tests.support.domain_builders import BTC, BUY, SELL, a_fill
from tests.support.domain_scene import Scene

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


def booked(trade_ids: Iterable[int], price: int = 100) -> list[FillBooked]:
    """Purchases of one each, as the journal has them."""
    scene = Scene()
    for trade_id in trade_ids:
        scene.fill(scene.place(), trade_id, 1, price)
    return [event for _, event in scene.journal if isinstance(event, FillBooked)]


def sale(trade_id: int) -> FillReport:
    return a_fill(None, trade_id, 1, 500, side=SELL)


def test_where_no_comparison_confirms_them_only_the_newest_trades_are_kept():
    unconfirmed = Unconfirmed(Decimal(0), Decimal(0))
    for fill in booked(range(1, KEPT_MAX + 200)):
        unconfirmed.keep(fill)

    assert KEPT_MAX - COUNTED_TOGETHER <= len(unconfirmed.fills) <= KEPT_MAX
    assert unconfirmed.quantity + len(unconfirmed.fills) == KEPT_MAX + 199
    assert unconfirmed.cost == unconfirmed.quantity * 100
    assert unconfirmed.fills[0].trade_id == unconfirmed.quantity + 1


def test_a_late_trade_among_those_that_are_kept_counts_in_its_turn_and_one_before_them_does_not():
    ids = range(10, 2 * (KEPT_MAX + COUNTED_TOGETHER), 2)
    unconfirmed = Unconfirmed(Decimal(0), Decimal(0))
    for fill in booked(ids):
        unconfirmed.keep(fill)
    oldest = unconfirmed.fills[0].trade_id

    assert unconfirmed.cost_with(sale(oldest + 1)) == (len(ids) - 1) * 100
    assert unconfirmed.cost_with(sale(oldest - 3)) is None


def test_behind_a_trade_that_came_too_late_nothing_is_counted_until_all_are_compared():
    ids = range(10, 2 * (KEPT_MAX + COUNTED_TOGETHER), 2)
    unconfirmed = Unconfirmed(Decimal(0), Decimal(0))
    for fill in (*booked(ids), *booked([11])):
        unconfirmed.keep(fill)
    newest = ids[-1]

    assert unconfirmed.cost_with(sale(newest - 1)) is None
    assert not unconfirmed.confirm(newest - 2)
    assert unconfirmed.cost_with(sale(newest - 1)) is None
    assert unconfirmed.confirm(newest)
