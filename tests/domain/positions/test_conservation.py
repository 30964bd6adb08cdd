"""Whatever the fills, a position neither makes nor loses money, base asset or commission; only quantising rounds.

The second reckoning here is another one than the position's: cash flows of the fills, as whole numbers of 10⁻⁸.
"""

from dataclasses import dataclass
from decimal import Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.sides import OrderSide
from src.domain.money import MONEY_CONTEXT, SATOSHI
from src.domain.positions.position import Position, RoundTrip
from tests.support.domain_builders import BTC, BUY, SELL


@dataclass(frozen=True)
class Fill:
    """A fill as the exchange reports it."""

    side: OrderSide
    price: Decimal
    quantity: Decimal
    commission: Decimal

    @property
    def signed(self) -> Decimal:
        return self.quantity * self.side.sign


def amounts(places: int, largest: int) -> st.SearchStrategy[Decimal]:
    return st.integers(1, largest * 10**places).map(lambda units: Decimal(units).scaleb(-places))


def fills(price_places: int, quantity_places: int) -> st.SearchStrategy[list[Fill]]:
    one = st.builds(
        Fill,
        st.sampled_from([BUY, SELL]),
        amounts(price_places, 100_000),
        # Few different sizes make exact closes as likely as partial ones.
        st.one_of(
            amounts(quantity_places, 1_000), st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.003")])
        ),
        st.integers(-(10**8), 10**9).map(lambda units: units * SATOSHI),
    )
    return st.lists(one, max_size=25)


# Prices and quantities of a real contract, whose products need no rounding; and the worst that can be reported.
EXACT = fills(price_places=1, quantity_places=3)
ANY = fills(price_places=8, quantity_places=8)


@pytest.fixture(autouse=True, scope="module")
def _no_sum_is_rounded():
    """Sums, differences and products in the thread's context may not be inexact; steps that round say so."""
    with localcontext(MONEY_CONTEXT) as context:
        context.traps[Inexact] = True
        yield


def apply(position: Position, all_fills: list[Fill]) -> list[RoundTrip]:
    trips: list[RoundTrip] = []
    for trade_id, fill in enumerate(all_fills, 1):
        trips += position.apply_fill(
            fill.side, fill.price, fill.quantity, fill.commission, "s", trade_id, trade_id
        )
    return trips


@given(ANY)
def test_the_position_is_the_sum_of_its_fills_and_its_lots_are_all_of_it(all_fills):
    position = Position(BTC)

    apply(position, all_fills)

    assert position.quantity == sum(fill.signed for fill in all_fills)
    assert sum(lot.quantity for lot in position.lots) == abs(position.quantity)
    assert all(lot.quantity > 0 for lot in position.lots)


@given(ANY)
def test_commission_is_shared_out_to_the_last_satoshi(all_fills):
    position = Position(BTC)

    trips = apply(position, all_fills)

    paid = sum((fill.commission for fill in all_fills), Decimal(0))
    assert position.commission == paid
    assert sum(trip.commission for trip in trips) + sum(lot.commission for lot in position.lots) == paid


@given(EXACT)
def test_what_round_trips_earned_and_what_open_lots_cost_is_exactly_the_cash_that_flowed(all_fills):
    position = Position(BTC)

    trips = apply(position, all_fills)

    cash = -sum((fill.signed * fill.price for fill in all_fills), Decimal(0))
    invested = sum((lot.quantity * lot.price for lot in position.lots), Decimal(0)) * position.side.sign
    assert sum(trip.pnl for trip in trips) - invested == cash


@given(ANY)
def test_with_more_decimals_than_the_exchange_keeps_every_round_trip_is_off_by_half_a_satoshi_at_most(
    all_fills,
):
    position = Position(BTC)

    trips = apply(position, all_fills)

    cash = -sum((fill.signed * fill.price for fill in all_fills), Decimal(0))
    invested = sum((lot.quantity * lot.price for lot in position.lots), Decimal(0)) * position.side.sign
    assert abs(sum(trip.pnl for trip in trips) - invested - cash) <= len(trips) * SATOSHI / 2


@given(ANY)
def test_the_cost_is_zero_exactly_when_flat_and_else_on_the_side_of_the_position(all_fills):
    position = Position(BTC)

    for trade_id, fill in enumerate(all_fills, 1):
        position.apply_fill(fill.side, fill.price, fill.quantity, fill.commission, "s", trade_id, trade_id)

        if position.is_flat:
            assert position.cost == 0
        else:
            assert position.cost * position.quantity >= 0


@given(ANY)
def test_two_positions_of_the_same_fills_are_equal(all_fills):
    first, second = Position(BTC), Position(BTC)

    assert apply(first, all_fills) == apply(second, all_fills)
    assert first == second


@given(ANY, st.data())
def test_a_close_at_any_price_earns_by_lots_what_it_earns_by_cash(all_fills, data):
    position = Position(BTC)
    trips = apply(position, all_fills)
    price = data.draw(amounts(8, 100_000))
    if position.is_flat:
        return

    trips += position.apply_fill(
        position.side.opposite, price, abs(position.quantity), Decimal(0), "s", 99, 99
    )

    assert position.is_flat and not position.lots and position.cost == 0
    flows = sum((fill.signed * fill.price for fill in all_fills), Decimal(0))
    held = sum((fill.signed for fill in all_fills), Decimal(0))
    assert abs(sum(trip.pnl for trip in trips) - (held * price - flows)) <= len(trips) * SATOSHI / 2
