"""A stop that breaks a filter which has changed: it is made anew by the new filter, and only in vain is it closed."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import Tick
from src.domain.ledger.evolve_protection import FILTERS_MS, RETRY_MS
from src.domain.orders.news import Refused
from src.domain.orders.types import OrderStatus, Purpose
from tests.support.domain_builders import BTC, BUY, SELL, an_instrument
from tests.support.domain_scene import Scene, alarms, purposes, submits

CODES = (-4014, -1111, -4005, -4013, -4002)


def refuse(scene, code=-4014):
    return scene.decide(Refused(scene.stop.client_order_id, code, "no"))


def learn(scene, **changes):
    scene.view.instruments[BTC] = an_instrument(**changes)


def look_again(scene, after_ms):
    scene.now_ms += after_ms
    return scene.decide(Tick())


def held(quantity=1):
    scene = Scene()
    scene.hold(quantity, protected=False)
    return scene


@pytest.mark.parametrize("code", CODES)
def test_a_stop_that_breaks_an_unknown_filter_waits_for_the_filters_with_an_alarm(code):
    scene = held()

    step = refuse(scene, code)

    assert submits(step) == []
    assert len(alarms(step)) == 1
    assert submits(look_again(scene, FILTERS_MS - 1)) == []


def test_the_stop_is_made_anew_as_soon_as_the_tick_is_known():
    scene = held()
    refuse(scene)
    learn(scene, tick_size=Decimal(3))

    step = look_again(scene, 1)

    assert [(each.ticket.purpose, each.ticket.stop_price) for each in submits(step)] == [
        (Purpose.PROTECTIVE_STOP, Decimal(99))
    ]


def test_the_stop_is_made_anew_as_soon_as_the_step_is_known():
    scene = held()
    refuse(scene, -1111)
    learn(scene, step_size=Decimal("0.4"))

    step = look_again(scene, 1)

    assert [(each.ticket.purpose, each.ticket.quantity) for each in submits(step)] == [
        (Purpose.PROTECTIVE_STOP, Decimal("1.2"))
    ]


@pytest.mark.parametrize(
    ("side", "changes", "code", "price"),
    [
        (BUY, {"price_min": Decimal("98.55")}, -4013, Decimal("98.6")),
        (SELL, {"price_max": Decimal("101.45")}, -4002, Decimal("101.4")),
    ],
)
def test_a_stop_beyond_the_new_bound_of_prices_is_placed_at_that_bound(side, changes, code, price):
    scene = Scene()
    scene.hold(1, side=side, protected=False)
    waits = refuse(scene, code)
    learn(scene, **changes)

    step = look_again(scene, 1)

    assert submits(waits) == []
    assert [(each.ticket.purpose, each.ticket.stop_price) for each in submits(step)] == [
        (Purpose.PROTECTIVE_STOP, price)
    ]


def test_a_stop_that_stands_where_it_was_asked_for_stays_when_the_bounds_move_past_it():
    scene = Scene()
    entry = scene.place(quantity=1, stop_loss_price=95)
    scene.accept(entry)
    scene.fill(entry)
    scene.accept(scene.stop)
    learn(scene, price_min=Decimal(96))

    assert submits(look_again(scene, 1)) == []


def test_filters_that_are_known_before_the_refusal_is_heard_need_no_waiting():
    scene = held()
    learn(scene, tick_size=Decimal(3))

    refuse(scene)
    step = look_again(scene, 1)

    assert [each.ticket.stop_price for each in submits(step)] == [Decimal(99)]


def test_a_position_larger_than_the_new_largest_order_is_closed_in_parts():
    scene = held()
    refuse(scene, -4005)
    learn(scene, market_quantity_max=Decimal("0.5"))
    look_again(scene, 1)

    step = refuse(scene, -4005)

    assert [(each.ticket.purpose, each.ticket.quantity) for each in submits(step)] == [
        (Purpose.EMERGENCY, Decimal("0.5")),
        (Purpose.EMERGENCY, Decimal("0.5")),
    ]


def test_a_position_smaller_than_the_new_smallest_order_has_a_stop_of_that_size_else_a_close():
    scene = held()
    waits = refuse(scene, -4004)
    learn(scene, quantity_min=Decimal("2.5"), step_size=Decimal(2))

    anew = look_again(scene, 1)
    closes = refuse(scene, -4004)

    assert submits(waits) == []
    assert [(each.ticket.purpose, each.ticket.quantity) for each in submits(anew) + submits(closes)] == [
        (Purpose.PROTECTIVE_STOP, Decimal(4)),
        (Purpose.EMERGENCY, Decimal(4)),
    ]


def test_the_last_part_of_a_position_closed_in_parts_is_no_smaller_than_the_smallest_order():
    scene = held()
    learn(scene, market_quantity_max=Decimal("0.6005"), quantity_min=Decimal("0.5"))

    step = refuse(scene, -4005)

    assert [each.ticket.quantity for each in submits(step)] == [Decimal("0.6"), Decimal("0.5")]


def test_a_position_whose_filters_are_not_to_be_had_is_closed_when_its_second_stop_is_refused():
    scene = held()
    refuse(scene)
    step = look_again(scene, FILTERS_MS)
    assert purposes(step) == [Purpose.PROTECTIVE_STOP]

    step = refuse(scene)

    assert purposes(step) == [Purpose.EMERGENCY]


@pytest.mark.parametrize("code", CODES)
def test_one_that_is_refused_by_the_filters_just_learned_is_closed(code):
    scene = held()
    refuse(scene, code)
    learn(scene, tick_size=Decimal(3), step_size=Decimal("0.4"))
    look_again(scene, 1)

    step = refuse(scene, code)

    assert purposes(step) == [Purpose.EMERGENCY]


def test_an_order_that_breaks_a_filter_as_it_is_known_is_not_waited_for():
    scene = Scene()
    learn(scene, market_quantity_max=Decimal(40))
    scene.hold(100, protected=False)

    assert purposes(refuse(scene, -4005)) == [Purpose.EMERGENCY] * 3


def test_the_wait_is_over_when_the_stop_is_taken():
    scene = held()
    refuse(scene)
    learn(scene, tick_size=Decimal(3))
    look_again(scene, 1)
    scene.accept(scene.stop)

    assert not scene.ledger.refusals
    assert submits(look_again(scene, 5_000)) == []


def test_what_is_worth_less_than_the_smallest_order_may_still_have_its_stop():
    scene = held()
    learn(scene, notional_min=Decimal(1_000_000))

    assert submits(refuse(scene)) == []


def test_a_stop_that_follows_the_price_waits_for_the_filters_as_well():
    scene = Scene(trailing_stop_pct=Decimal("0.015"))
    scene.hold(protected=False)
    waits = refuse(scene, -1111)
    learn(scene, step_size=Decimal("0.4"))

    step = look_again(scene, 1)

    assert submits(waits) == []
    assert [each.ticket.quantity for each in submits(step)] == [Decimal("1.2")]


def test_a_target_that_breaks_a_filter_waits_as_after_any_other_refusal():
    scene = held()
    scene.accept(scene.stop)
    (target,) = scene.open(Purpose.PROTECTIVE_TARGET)
    scene.decide(Refused(target.client_order_id, -4014, "no"))
    learn(scene, tick_size=Decimal(3))

    assert submits(look_again(scene, 1)) == []
    assert purposes(look_again(scene, RETRY_MS)) == [Purpose.PROTECTIVE_TARGET]


def test_an_older_stop_that_fails_while_its_successor_waits_for_the_filters_becomes_a_close():
    scene = held()
    older = scene.stop
    scene.accept(older)
    entry = scene.place(quantity=1)
    scene.accept(entry)
    scene.fill(entry, 2)
    scene.decide(Refused(scene.open(Purpose.PROTECTIVE_STOP)[-1].client_order_id, -4014, "no"))

    assert purposes(scene.hear(older, OrderStatus.REJECTED)) == [Purpose.EMERGENCY]
