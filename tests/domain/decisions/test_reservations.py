"""Exposure is reserved with the intent and released only on terminal evidence: the worst case is always covered."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import RequestCancel
from src.domain.ledger.evolve_orders import rebuild_reservations
from src.domain.orders.news import CancelAccepted, ModifyAccepted, NotSent, OutcomeUnknown, Refused
from src.domain.orders.types import OrderStatus, OrderType
from tests.domain.decisions.amendment_scenes import request
from tests.support.domain_builders import BTC, SELL, a_read, an_exit
from tests.support.domain_scene import Scene


def reserved(scene):
    book = scene.ledger.symbol(BTC)
    return book.pending_buy, book.pending_sell


def test_an_entry_reserves_its_whole_quantity_at_once_on_its_side():
    scene = Scene()

    scene.place(quantity=2)
    scene.place(quantity=3, side=SELL)

    assert reserved(scene) == (2, 3)


def test_a_reduce_only_order_reserves_nothing_and_its_trade_releases_nothing():
    scene = Scene()
    scene.hold(2)

    order = scene.place(an_exit(quantity=2))
    before = reserved(scene)
    scene.fill(order, 2)

    assert before == reserved(scene) == (0, 0)


def test_it_is_reserved_at_the_worse_of_limit_and_reference_price():
    scene = Scene()

    scene.place(limit_price=95, reference_price=100)
    scene.place(limit_price=103, reference_price=100)

    assert scene.ledger.symbol(BTC).pending_price == 103


def test_a_trigger_below_the_reference_price_makes_the_reservation_no_smaller():
    scene = Scene()

    scene.place(order_type=OrderType.STOP_MARKET, side=SELL, stop_price=95, reference_price=100)

    assert scene.ledger.symbol(BTC).pending_price == 100


def test_a_fill_moves_its_part_from_the_reservation_into_the_position():
    scene = Scene()
    order = scene.place(quantity=3)

    scene.fill(order, quantity=1)

    assert reserved(scene) == (2, 0)
    assert scene.position.quantity == 1


@pytest.mark.parametrize(
    "evidence",
    ["refused", "not sent", "proven dead", "canceled", "expired", "rejected", "filled"],
)
def test_terminal_evidence_releases_all_of_it(evidence):
    scene = Scene()
    order = scene.place(quantity=3)
    name = order.client_order_id

    if evidence == "refused":
        scene.decide(Refused(name, -2019, "margin"))
    elif evidence == "not sent":
        scene.decide(NotSent(name, "no"))
    elif evidence == "proven dead":
        scene.decide(a_read(dead=[name]))
    elif evidence == "filled":
        scene.fill(order)
    else:
        scene.hear(order, OrderStatus[evidence.upper()])

    assert reserved(scene) == (0, 0)
    assert scene.ledger.symbol(BTC).pending_price == 0


@pytest.mark.parametrize(
    "what", ["unknown", "cancel on its way", "cancel accepted", "lost", "claimed filled"]
)
def test_nothing_less_releases_any_of_it(what):
    scene = Scene()
    order = scene.place(quantity=3, limit_price=100)
    name = order.client_order_id

    if what == "unknown":
        scene.decide(OutcomeUnknown(name, "timeout"))
    elif what == "lost":
        scene.decide(a_read(lost=[name]))
    elif what == "claimed filled":
        scene.hear(order, OrderStatus.FILLED, 3)
    else:
        scene.accept(order)
        scene.decide(RequestCancel(name, "by hand"))
        if what == "cancel accepted":
            scene.decide(CancelAccepted(name))

    assert reserved(scene) == (3, 0)


def test_a_canceled_rest_is_released_and_a_late_fill_of_it_releases_nothing_twice():
    scene = Scene()
    order = scene.place(quantity=3, limit_price=100)
    scene.fill(order, 1, quantity=1)
    scene.hear(order, OrderStatus.CANCELED, 1)

    scene.fill(order, 2, quantity=1)

    assert reserved(scene) == (0, 0)
    assert scene.position.quantity == 2


def test_an_overfill_releases_no_more_than_was_reserved():
    scene = Scene()
    order = scene.place(quantity=1, limit_price=100)
    other = scene.place(quantity=5, limit_price=100)

    scene.fill(order, quantity=2)

    assert reserved(scene) == (5, 0)
    assert other.is_open


def test_when_the_order_at_the_worst_price_ends_the_next_worst_price_holds():
    scene = Scene()
    scene.place(limit_price=90, reference_price=90)
    worst = scene.place(limit_price=100)

    scene.hear(worst, OrderStatus.CANCELED)

    assert scene.ledger.symbol(BTC).pending_price == 90


def test_reservations_made_anew_after_a_load_equal_those_kept_step_by_step():
    scene = Scene()
    orders = [scene.place(quantity=q, limit_price=100 - q) for q in (1, 2, 3, 4)]
    sell = scene.place(quantity=5, side=SELL, limit_price=101)
    scene.fill(orders[0], 1)
    scene.fill(orders[1], 2, quantity=Decimal("0.5"))
    scene.hear(orders[2], OrderStatus.EXPIRED)
    scene.decide(OutcomeUnknown(orders[3].client_order_id, "timeout"))
    scene.fill(sell, 3, quantity=2)
    book = scene.ledger.symbol(BTC)
    kept = (book.pending_buy, book.pending_sell, book.pending_price)

    rebuild_reservations(scene.ledger)

    assert (book.pending_buy, book.pending_sell, book.pending_price) == kept
    assert kept == (Decimal("5.5"), Decimal(3), Decimal(101))


def test_an_exit_that_ends_gives_back_nothing_that_an_entry_reserved():
    scene = Scene()
    scene.hold(2)
    scene.place(quantity=5, side=SELL, limit_price=101)
    exit_ = scene.place(an_exit(quantity=2, limit_price=110))

    scene.hear(exit_, OrderStatus.CANCELED)

    assert reserved(scene) == (0, 5)


def test_an_exit_that_is_amended_gives_back_nothing_that_an_entry_reserved():
    scene = Scene()
    scene.hold(2)
    scene.place(quantity=5, side=SELL, limit_price=101)
    exit_ = scene.place(an_exit(quantity=Decimal(2), limit_price=110))
    scene.accept(exit_)

    request(scene, exit_, 110, 1)
    scene.decide(ModifyAccepted(exit_.client_order_id, Decimal(110), Decimal(1), scene.now_ms))

    assert exit_.quantity == 1
    assert reserved(scene) == (0, 5)


def test_an_order_of_which_no_more_can_fill_holds_no_price_before_a_load_as_after_it():
    scene = Scene()
    scene.place(quantity=5, limit_price=100)
    order = scene.place(quantity=2, limit_price=101)
    scene.accept(order)
    request(scene, order, 101, 1)
    scene.fill(order, quantity=1)
    scene.now_ms += 1_000
    scene.decide(ModifyAccepted(order.client_order_id, Decimal(101), Decimal(1), scene.now_ms))
    book = scene.ledger.symbol(BTC)
    kept = book.pending_buy, book.pending_price

    rebuild_reservations(scene.ledger)

    assert order.is_open
    assert kept == (book.pending_buy, book.pending_price) == (Decimal(5), Decimal(100))
