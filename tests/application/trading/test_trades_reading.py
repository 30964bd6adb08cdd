"""Which trades that were read can be booked before everything else is known."""

from dataclasses import replace

from src.application.trading.services.trades_reading import of_orders_at_work
from tests.support.domain_builders import a_fill
from tests.support.domain_scene import Scene


def test_a_trade_of_an_order_at_work_can_be_booked_at_once_and_only_once():
    scene = Scene()
    order = scene.place(quantity=2)
    scene.accept(order)
    first, second = a_fill(order, 1, 1), a_fill(order, 2, 1)
    somebodys = replace(a_fill(order, 3, 1), exchange_order_id=99, client_order_id=None)

    at_first = of_orders_at_work(scene.ledger, [first, second, somebodys])
    scene.fill(order, 1, 1)

    assert at_first == (first, second)
    assert of_orders_at_work(scene.ledger, [first, second, somebodys]) == (second,)
