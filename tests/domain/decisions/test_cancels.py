"""Cancels: durable before they leave, repeated freely, and never taken for the end of an order."""

import pytest

from src.domain.decisions.effects import CancelOrder
from src.domain.decisions.news import RequestCancel, RequestCancelAll, TakeOver, Tick
from src.domain.ledger import events as e
from src.domain.orders.news import (
    CancelAccepted,
    CancelRefused,
    CancelUnknown,
    OrderNews,
    OutcomeUnknown,
    Refused,
)
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from tests.support.domain_builders import BTC, a_report
from tests.support.domain_scene import Scene, cancels, kinds, reconciles


def a_scene_with_a_resting_order():
    scene = Scene()
    order = scene.place(limit_price=99)
    scene.accept(order)
    return scene, order


def request(scene, order):
    return scene.decide(RequestCancel(order.client_order_id, "by hand"))


def test_a_cancel_is_recorded_with_the_step_that_sends_it():
    scene, order = a_scene_with_a_resting_order()

    step = request(scene, order)

    assert kinds(step) == [e.CancelRequested]
    assert step.effects == [CancelOrder(BTC, order.client_order_id, conditional=False)]
    assert order.cancel_state is CancelState.REQUESTED


def test_asking_again_sends_again_and_breaks_nothing():
    scene, order = a_scene_with_a_resting_order()
    request(scene, order)

    step = request(scene, order)

    assert cancels(step) == [order.client_order_id]


@pytest.mark.parametrize("answer", ["accepted", "unknown"])
def test_an_answered_cancel_is_not_yet_the_end_of_the_order(answer):
    scene, order = a_scene_with_a_resting_order()
    request(scene, order)
    name = order.client_order_id

    step = scene.decide(CancelAccepted(name) if answer == "accepted" else CancelUnknown(name, "timeout"))

    assert step.events == [] and step.effects == []
    assert order.is_open
    assert scene.ledger.symbol(BTC).pending_buy == 1


@pytest.mark.parametrize("code", [-2011, -2013])
def test_a_refused_cancel_is_asked_about_and_never_believed(code):
    scene, order = a_scene_with_a_resting_order()
    request(scene, order)

    step = scene.decide(CancelRefused(order.client_order_id, code, "unknown order"))

    assert order.status is OrderStatus.NEW
    assert order.cancel_state is CancelState.REQUESTED
    assert len(reconciles(step)) == 1


def test_a_refused_cancel_of_an_order_that_is_over_is_no_news():
    scene, order = a_scene_with_a_resting_order()
    request(scene, order)
    scene.fill(order)

    step = scene.decide(CancelRefused(order.client_order_id, -2011, "unknown order"))

    assert step.events == [] and step.effects == []


def test_the_watchdog_repeats_a_cancel_until_the_order_ends():
    scene, order = a_scene_with_a_resting_order()
    request(scene, order)

    repeated = scene.decide(Tick())
    scene.hear(order, OrderStatus.CANCELED)
    after = scene.decide(Tick())

    assert cancels(repeated) == [order.client_order_id]
    assert cancels(after) == []
    assert order.cancel_state is CancelState.NONE


def test_the_cancel_of_an_order_of_unknown_outcome_is_repeated_only_once_it_is_found():
    scene = Scene()
    order = scene.place(limit_price=99)
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))
    request(scene, order)

    unknown = scene.decide(Tick())
    scene.hear(order)
    found = scene.decide(Tick())

    assert cancels(unknown) == []
    assert cancels(found) == [order.client_order_id]


def test_a_fill_that_wins_the_race_against_the_cancel_is_booked():
    scene, order = a_scene_with_a_resting_order()
    request(scene, order)

    scene.fill(order)

    assert order.status is OrderStatus.FILLED
    assert scene.position.quantity == 1


@pytest.mark.parametrize("protective", [False, True])
def test_the_end_of_all_orders_is_that_of_an_emergency_close_only_where_protection_is_to_go_too(protective):
    scene = Scene()
    scene.hold(protected=False)
    entry = scene.place(limit_price=90)
    scene.decide(Refused(scene.stop.client_order_id, -2021, "would trigger"))
    (close,) = scene.open(Purpose.EMERGENCY)

    step = scene.decide(RequestCancelAll(None, "by hand", protective=protective))

    assert entry.client_order_id in cancels(step)
    assert (close.client_order_id in cancels(step)) is protective


@pytest.mark.parametrize("name", ["sh1-unknown", "", "web_1"])
def test_the_cancel_of_an_order_that_is_not_there_is_nothing(name):
    scene = Scene()

    steps = [
        scene.decide(RequestCancel(name, "by hand")),
        scene.decide(CancelAccepted(name)),
        scene.decide(CancelRefused(name, -2011, "")),
    ]

    assert [(step.events, step.effects) for step in steps] == [([], [])] * 3


def test_the_cancel_of_an_order_that_is_over_is_nothing():
    scene, order = a_scene_with_a_resting_order()
    scene.fill(order)

    step = request(scene, order)

    assert step.events == [] and step.effects == []


def test_a_stop_is_canceled_in_the_book_of_conditional_orders_until_it_triggers():
    scene = Scene()
    scene.hold()
    stop = scene.stop

    before = request(scene, stop)
    scene.hear(stop, OrderStatus.TRIGGERED)
    after = request(scene, stop)

    assert before.effects == [CancelOrder(BTC, stop.client_order_id, conditional=True)]
    assert after.effects == [CancelOrder(BTC, stop.client_order_id, conditional=False)]


def test_a_conditional_order_that_was_not_acknowledged_yet_is_canceled_among_its_kind():
    scene = Scene()
    order = scene.place(order_type=OrderType.STOP_MARKET, stop_price=101)

    step = request(scene, order)

    assert step.effects == [CancelOrder(BTC, order.client_order_id, conditional=True)]


@pytest.mark.parametrize("status", [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED])
def test_an_order_that_rests_since_a_trigger_nobody_told_of_is_canceled_among_the_ordinary_ones(status):
    scene = Scene()
    order = scene.place(order_type=OrderType.STOP, stop_price=101, limit_price=102, quantity=2)
    scene.accept(order)
    filled = 1 if status is OrderStatus.PARTIALLY_FILLED else 0
    scene.stream(OrderNews(a_report(order, status, filled, exchange_order_id=77, algo_id=None)))

    step = request(scene, order)

    assert step.effects == [CancelOrder(BTC, order.client_order_id, conditional=False)]
    assert order.status is OrderStatus.TRIGGERED


def repeats(scene, seconds):
    """After how many seconds from now the watchdog asked again, with a look every second."""
    asked = []
    for second in range(1, seconds + 1):
        scene.now_ms += 1_000
        if cancels(scene.decide(Tick())):
            asked.append(second)
    return asked


def test_a_cancel_that_comes_to_nothing_is_repeated_every_second_at_first_and_then_every_ten():
    scene, order = a_scene_with_a_resting_order()
    request(scene, order)

    assert repeats(scene, 60) == [*range(1, 10), 10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize("news", ["it was found", "it has triggered", "the process is another one"])
def test_a_cancel_is_repeated_every_second_again_after(news):
    scene = Scene()
    order = scene.place(order_type=OrderType.STOP, stop_price=101, limit_price=102)
    if news == "it was found":
        scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))
    else:
        scene.accept(order)
    request(scene, order)
    repeats(scene, 33)

    if news == "it was found":
        scene.hear(order)
    elif news == "it has triggered":
        scene.hear(order, OrderStatus.TRIGGERED)
    else:
        scene.decide(TakeOver(2))

    assert repeats(scene, 12) == [*range(1, 10), 10]


def test_a_cancel_that_is_asked_for_anew_is_repeated_every_second_again():
    scene, order = a_scene_with_a_resting_order()
    request(scene, order)
    repeats(scene, 33)

    request(scene, order)

    assert repeats(scene, 3) == [1, 2, 3]
