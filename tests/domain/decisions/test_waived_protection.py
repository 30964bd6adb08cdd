"""Stops that a person wants no more: taken at their word, said aloud, and not mistaken for one that had its day."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import (
    RecoveryConcluded,
    RequestCancel,
    RequestCancelAll,
    RequestProtection,
    TakeOver,
    Tick,
)
from src.domain.market.sides import PositionSide
from src.domain.orders.news import OutcomeUnknown, Refused
from src.domain.orders.order import Order
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderStatus, Purpose
from tests.support.domain_builders import BTC, ETH, an_exit
from tests.support.domain_scene import Scene, alarms, cancels, purposes, submits

STOP, TARGET = Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET


def standing(scene: Scene) -> list[Order]:
    """Stops that nobody has asked to end."""
    return [order for order in scene.open(STOP) if order.cancel_state is CancelState.NONE]


def test_a_stop_that_a_person_cancels_is_not_placed_again_and_that_is_said_aloud():
    scene = Scene()
    scene.hold()
    stop = scene.stop

    step = scene.decide(RequestCancel(stop.client_order_id, "by hand"))
    scene.hear(stop, OrderStatus.CANCELED)
    later = scene.decide(Tick())

    assert cancels(step) == [stop.client_order_id]
    assert "without a stop because somebody wants it so" in alarms(step)[0]
    assert purposes(later) == []
    assert scene.open(TARGET), "the target was not waived"


def test_to_cancel_a_stop_that_another_has_replaced_is_no_wish_to_have_none():
    scene = Scene()
    scene.hold()
    old = scene.stop
    scene.hold(trade_id=2)
    (new,) = standing(scene)

    step = scene.decide(RequestCancel(old.client_order_id, "by hand"))
    scene.decide(Tick())

    assert standing(scene) == [new] != [old]
    assert alarms(step) == []


def test_to_cancel_a_stop_of_unknown_outcome_leaves_the_one_beside_it():
    scene = Scene()
    scene.hold(protected=False)
    first = scene.stop
    scene.decide(OutcomeUnknown(first.client_order_id, "timeout"))
    (second,) = [order for order in scene.open(STOP) if order is not first]

    step = scene.decide(RequestCancel(first.client_order_id, "the alarm named it"))
    scene.accept(second)
    scene.decide(Tick())

    assert cancels(step) == [first.client_order_id]
    assert standing(scene) == [second]


def test_to_cancel_the_only_stop_of_unknown_outcome_is_no_wish_to_have_none():
    scene = Scene()
    scene.hold(protected=False)
    first = scene.stop
    scene.decide(OutcomeUnknown(first.client_order_id, "timeout"))
    (second,) = [order for order in scene.open(STOP) if order is not first]
    scene.decide(Refused(second.client_order_id, -1003, "Too many requests"))
    assert scene.stop is first

    scene.decide(RequestCancel(first.client_order_id, "the alarm named it"))
    scene.now_ms += 60_000
    scene.decide(Tick())

    assert standing(scene)


def test_who_cancels_one_of_two_stops_keeps_the_other_and_who_cancels_both_has_none():
    scene = Scene()
    scene.hold()
    old = scene.stop
    entry = scene.place()
    scene.accept(entry)
    scene.fill(entry, 2)
    (new,) = [order for order in scene.open(STOP) if order is not old]

    kept = scene.decide(RequestCancel(old.client_order_id, "by hand"))
    scene.accept(new)
    scene.decide(Tick())
    assert (alarms(kept), standing(scene)) == ([], [new])

    gone = scene.decide(RequestCancel(new.client_order_id, "by hand"))
    later = scene.decide(Tick())

    assert "without a stop because somebody wants it so" in alarms(gone)[0]
    assert not purposes(later) and not standing(scene)


def test_neither_a_stop_of_another_symbol_nor_one_that_is_over_takes_the_place_of_one_that_is_cancelled():
    scene = Scene()
    scene.fill(scene.place(symbol=ETH), 1)
    scene.hold(protected=False, trade_id=2)
    (refused,) = [order for order in scene.open(STOP) if order.symbol == BTC]
    scene.decide(Refused(refused.client_order_id, -1003, "Too many requests"))
    scene.now_ms += 60_000
    scene.decide(Tick())
    (stop,) = [order for order in scene.open(STOP) if order.symbol == BTC]

    step = scene.decide(RequestCancel(stop.client_order_id, "by hand"))

    assert "without a stop because somebody wants it so" in alarms(step)[0]


def test_who_cancels_everything_and_what_protects_has_neither_stop_nor_target():
    scene = Scene()
    scene.hold()
    scene.fill(scene.place(), 2)
    assert len(standing(scene)) == 2

    scene.decide(RequestCancelAll(None, "by hand", protective=True))
    later = scene.decide(Tick())

    assert not standing(scene) and not purposes(later)


def test_a_start_says_nothing_of_a_position_that_has_its_stop():
    scene = Scene()
    scene.hold()
    scene.decide(TakeOver(2))

    assert alarms(scene.decide(RecoveryConcluded("start", 0, 0, 0, ()))) == []


def test_every_start_reminds_of_a_position_without_a_stop():
    scene = Scene()
    scene.hold()
    scene.decide(RequestCancel(scene.stop.client_order_id, "by hand"))
    scene.decide(TakeOver(2))

    started = scene.decide(RecoveryConcluded("start", 0, 0, 0, ()))
    later = scene.decide(RecoveryConcluded("timer", 0, 0, 0, ()))

    assert "still without a stop" in alarms(started)[0]
    assert alarms(later) == []


def test_a_position_that_lost_its_stop_to_a_person_gets_it_back_from_one():
    scene = Scene()
    scene.hold()
    scene.decide(RequestCancel(scene.stop.client_order_id, "by hand"))

    step = scene.decide(RequestProtection(BTC, PositionSide.BOTH, stop_loss_price=Decimal(95)))

    (effect,) = submits(step)
    assert (effect.ticket.purpose, effect.ticket.stop_price) == (STOP, Decimal(95))


@pytest.mark.parametrize("wish", ["no stop", "another stop"])
def test_what_a_person_wants_holds_when_the_rest_of_the_entry_fills(wish):
    scene = Scene()
    entry = scene.place(quantity=4, limit_price=100, stop_loss_price=Decimal(95))
    scene.accept(entry)
    scene.fill(entry, 1, 2)
    scene.accept(scene.stop)
    if wish == "no stop":
        scene.decide(RequestCancel(scene.stop.client_order_id, "by hand"))
        scene.hear(scene.stop, OrderStatus.CANCELED)
    else:
        scene.decide(RequestProtection(BTC, PositionSide.BOTH, stop_loss_price=Decimal(99)))

    step = scene.fill(entry, 2, 2)

    assert submits(step) == []
    assert scene.position.stop_waived is (wish == "no stop")
    assert scene.position.stop_loss_price == (95 if wish == "no stop" else 99)


@pytest.mark.parametrize("share", ["0", "0.02"])
def test_an_entry_that_says_nothing_leaves_stop_and_target_where_somebody_wanted_them(share):
    scene = Scene(stop_loss_pct=Decimal(share), take_profit_pct=Decimal(share))
    scene.fill(scene.place(stop_loss_price=95, take_profit_price=120), 1)
    standing = scene.stop, *scene.open(Purpose.PROTECTIVE_TARGET)
    for order in standing:
        scene.accept(order)

    step = scene.fill(scene.place(limit_price=99), 2)

    assert [order.ticket.stop_price for order in submits(step)] == [95, 120]
    assert cancels(step) == []
    assert scene.position.stop_loss_price == 95 and scene.position.take_profit_price == 120


def test_the_rest_of_an_entry_that_opens_a_position_anew_brings_its_stop_along():
    scene = Scene()
    entry = scene.place(quantity=4, limit_price=100, stop_loss_price=Decimal(95))
    scene.accept(entry)
    scene.fill(entry, 1, 2)
    scene.fill(scene.place(an_exit(quantity=2)), 2)

    scene.fill(entry, 3, 2)

    assert scene.position.stop_loss_price == 95


def test_the_next_position_is_protected_again():
    scene = Scene()
    scene.hold()
    scene.decide(RequestCancel(scene.stop.client_order_id, "by hand"))
    scene.fill(scene.place(an_exit()), 2)

    step = scene.fill(scene.place(), 3)

    assert purposes(step) == [STOP, TARGET]
