"""Equity and exposure over all positions, and the worst that open orders could make of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.sides import PositionSide
from src.domain.portfolio.exposure import (
    Exposure,
    equity,
    gross_exposure,
    unrealized_pnl,
    worst_exposure,
)
from tests.support.domain_builders import BTC, ETH, SELL, WALLET, a_fill, a_read, a_view
from tests.support.domain_scene import Scene


def a_scene_with_a_long_and_a_short():
    scene = Scene()
    scene.hold(2)
    scene.fill(scene.place(symbol=ETH, side=SELL, quantity=10), 1)
    scene.view.marks.update({BTC: Decimal(110), ETH: Decimal(90)})
    return scene


def test_equity_is_the_wallet_and_what_all_positions_would_earn_at_the_mark():
    scene = a_scene_with_a_long_and_a_short()

    assert unrealized_pnl(scene.ledger, scene.view) == 20 + 100
    assert equity(scene.ledger, scene.view) == WALLET + 120


def test_a_position_without_a_mark_price_counts_at_its_cost():
    scene = a_scene_with_a_long_and_a_short()
    scene.view.marks[ETH] = None

    assert equity(scene.ledger, scene.view) == WALLET + 20
    assert gross_exposure(scene.ledger, scene.view) == 220 + 1_000


def test_exposure_adds_up_longs_and_shorts_by_their_size():
    scene = a_scene_with_a_long_and_a_short()

    assert gross_exposure(scene.ledger, scene.view) == 220 + 900


def test_a_flat_position_is_no_exposure():
    scene = Scene()

    scene.ledger.position(BTC)

    assert gross_exposure(scene.ledger, scene.view) == equity(scene.ledger, scene.view) - WALLET == 0


def worst_of(held, buys, sells) -> Exposure:
    ledger = Scene().ledger
    ledger.position(BTC).quantity = Decimal(held)
    book = ledger.symbol(BTC)
    book.pending_buy, book.pending_sell = Decimal(buys), Decimal(sells)
    return worst_exposure(ledger, a_view(marks={BTC: Decimal(1)}), without="")


@pytest.mark.parametrize(
    ("held", "buys", "sells", "worst"),
    [(0, 0, 0, 0), (2, 1, 0, 3), (2, 0, 1, 2), (2, 0, 5, 3), (-2, 0, 1, 3), (-2, 5, 0, 3), (0, 3, 4, 4)],
)
def test_the_worst_case_is_what_open_orders_of_one_side_could_lead_to(held, buys, sells, worst):
    assert worst_of(held, buys, sells).gross == worst


@given(held=st.integers(-100, 100), buys=st.integers(0, 100), sells=st.integers(0, 100), data=st.data())
def test_no_fill_of_open_orders_exceeds_the_worst_case(held, buys, sells, data):
    worst = worst_of(held, buys, sells)
    bought = data.draw(st.integers(0, buys))
    sold = data.draw(st.integers(0, sells))

    assert abs(held + bought - sold) <= worst.gross
    assert worst.down <= held + bought - sold <= worst.up


def test_the_worst_exposure_counts_open_entries_of_the_other_symbols():
    scene = Scene()
    scene.hold(1)
    scene.place(quantity=2)
    scene.place(symbol=ETH, quantity=5)

    assert worst_exposure(scene.ledger, scene.view, without=ETH).gross == 300
    assert worst_exposure(scene.ledger, scene.view, without=BTC).gross == 500
    assert worst_exposure(scene.ledger, scene.view, without="").gross == 800


@pytest.mark.parametrize("mark", [None, Decimal(80)])
def test_an_entry_is_never_worth_less_than_what_it_was_reserved_at_when_there_is_no_mark(mark):
    scene = Scene(a_view(marks={BTC: mark}))
    scene.place(quantity=2, limit_price=100)

    assert worst_exposure(scene.ledger, scene.view, without=ETH).gross == 2 * (mark or 100)


def test_a_position_without_mark_and_without_orders_is_worth_its_cost_and_not_nothing():
    scene = Scene(a_view(marks={}))
    scene.decide(a_read(fills=[a_fill(None, 1, 2)]))

    assert scene.ledger.positions[(BTC, PositionSide.BOTH)].quantity == 2
    assert worst_exposure(scene.ledger, scene.view, without=ETH).gross == 200


def test_the_net_worst_case_goes_both_ways():
    scene = Scene()
    scene.hold(1)
    scene.place(quantity=2)
    scene.place(symbol=ETH, side=SELL, quantity=5)

    worst = worst_exposure(scene.ledger, scene.view, without="")

    assert worst == Exposure(
        Decimal(800),
        Decimal(300),
        Decimal(-400),
        [(BTC, True, False), (ETH, False, True)],
        # At the leverage of ten.
        margin=Decimal(80),
    )
