"""One cancels the other: what a leg that fills, ends or triggers means for the leg beside it."""

from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.news import MoveTrading, RequestCancel, RequestCancelAll, Tick
from src.domain.market.sides import PositionSide
from src.domain.orders.news import ModifyAccepted, ModifyRefused, Refused
from src.domain.orders.parents import ParentKind, ParentStatus
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.trading_states import TradingTrigger
from tests.domain.decisions.parent_scenes import a_scene, later, open_parent
from tests.support.domain_builders import BTC, BUY, SELL, a_ticket, an_exit
from tests.support.domain_scene import Scene, alarms, cancels, submits

LONG = PositionSide.LONG


def a_pair(scene: Scene, *, reduce_only: bool = False, quantity: int = 2, side=BUY, **more: Any):
    leg = {"quantity": Decimal(quantity), "side": side, "reduce_only": reduce_only} | more
    leg |= {"purpose": Purpose.EXIT if reduce_only else Purpose.ENTRY}
    legs = a_ticket(limit_price=99, **leg), a_ticket(order_type=OrderType.STOP_MARKET, stop_price=101, **leg)
    step, parent = open_parent(
        scene,
        ParentKind.OCO,
        quantity=Decimal(quantity),
        legs=legs,
        **{k: leg[k] for k in leg if k != "quantity"},
    )
    orders = [scene.ledger.orders[effect.attempt.client_order_id] for effect in submits(step)]
    for order in orders:
        scene.accept(order)
    return parent, *orders


def test_a_filled_leg_ends_the_other_and_completes_the_pair():
    scene = a_scene()
    parent, limit, stop = a_pair(scene)

    step = scene.fill(limit)

    assert cancels(step) == [stop.client_order_id]
    assert parent.status is ParentStatus.FILLED


def test_the_first_part_of_an_entry_ends_the_other_leg_and_goes_on_alone():
    scene = a_scene()
    parent, limit, stop = a_pair(scene)

    step = scene.fill(limit, 1, 1)
    scene.hear(stop, OrderStatus.CANCELED)
    goes_on = parent.status
    scene.fill(limit, 2, 1)

    assert cancels(step) == [stop.client_order_id]
    assert (goes_on, parent.status) == (ParentStatus.WORKING, ParentStatus.FILLED)


def test_the_rest_of_a_leg_stays_like_any_order_when_what_it_has_bought_is_sold():
    scene = a_scene()
    parent, limit, _ = a_pair(scene)
    scene.fill(limit, 1, 1)

    step = scene.fill(scene.place(an_exit(quantity=1)), 2)

    assert scene.position.is_flat
    assert cancels(step) == []
    assert (limit.is_open, parent.status) == (True, ParentStatus.WORKING)


def test_an_entry_both_of_whose_legs_filled_in_part_goes_on_with_no_more_than_is_left():
    scene = a_scene()
    parent, limit, stop = a_pair(scene, quantity=4)
    scene.fill(limit, 1, 1)

    scene.fill(stop, 2, 1)
    wanted = limit.wanted_quantity
    scene.now_ms += 1_000
    scene.decide(ModifyAccepted(limit.client_order_id, Decimal(99), Decimal(3), scene.now_ms))
    scene.hear(stop, OrderStatus.CANCELED, 1)

    assert wanted == 3
    assert parent.filled_quantity + parent.outstanding_quantity == 4


@pytest.mark.parametrize("why", ["it had to trigger", "what is left is too little for an order"])
def test_an_entry_both_of_whose_legs_filled_in_part_ends_with_the_one_that_cannot_shrink(why):
    scene = a_scene()
    parent, limit, stop = a_pair(scene, quantity=4)
    first, second = (stop, limit) if why == "it had to trigger" else (limit, stop)
    scene.fill(first, 1, Decimal("0.01"))
    scene.fill(second, 2, 1 if first is stop else Decimal("3.95"))

    step = scene.hear(second, OrderStatus.CANCELED, second.filled_quantity)
    cancel_state = first.cancel_state
    scene.hear(first, OrderStatus.CANCELED, first.filled_quantity)

    assert (submits(step), cancel_state) == ([], CancelState.REQUESTED)
    assert parent.status is ParentStatus.CANCELED


@pytest.mark.parametrize("end", ["refused", "canceled by a person", "expired"])
def test_a_leg_that_ends_otherwise_ends_the_other(end):
    scene = a_scene()
    parent, limit, stop = a_pair(scene)

    if end == "refused":
        step = scene.hear(stop, OrderStatus.REJECTED)
    elif end == "expired":
        step = scene.hear(stop, OrderStatus.EXPIRED)
    else:
        scene.decide(RequestCancel(stop.client_order_id, "by hand"))
        step = scene.hear(stop, OrderStatus.CANCELED)
    scene.hear(limit, OrderStatus.CANCELED)

    assert cancels(step) == [limit.client_order_id]
    assert parent.status is ParentStatus.CANCELED


def test_a_part_of_an_exit_at_its_stop_shrinks_the_resting_leg():
    scene = a_scene()
    scene.hold(2)
    _, limit, stop = a_pair(scene, reduce_only=True, side=SELL)
    scene.hear(stop, OrderStatus.TRIGGERED)

    scene.fill(stop, 2, 1)
    wanted = limit.wanted_quantity
    scene.decide(ModifyAccepted(limit.client_order_id, Decimal(99), Decimal(1), scene.now_ms))

    assert wanted == 1
    assert limit.remaining_quantity == 1


def test_a_part_of_an_exit_at_its_limit_replaces_the_waiting_leg_by_a_smaller_one():
    scene = a_scene()
    scene.hold(2)
    parent, limit, stop = a_pair(scene, reduce_only=True, side=SELL)

    step = scene.fill(limit, 2, 1)
    replaced = scene.hear(stop, OrderStatus.CANCELED)

    (effect,) = submits(replaced)
    assert cancels(step) == [stop.client_order_id]
    assert (effect.ticket.order_type, effect.ticket.quantity) == (OrderType.STOP_MARKET, Decimal(1))
    assert parent.status is ParentStatus.WORKING


def test_a_leg_that_cannot_be_placed_anew_ends_the_pair():
    scene = a_scene()
    scene.hold(2)
    parent, limit, stop = a_pair(scene, reduce_only=True, side=SELL)
    scene.fill(limit, 2, 1)
    scene.place(an_exit(quantity=1, limit_price=110))

    step = scene.hear(stop, OrderStatus.CANCELED)

    assert (submits(step), cancels(step)) == ([], [limit.client_order_id])
    assert parent.status is ParentStatus.CANCELING


@pytest.mark.parametrize("by", ["the exchange", "a rule"])
def test_a_pair_of_exits_one_of_whose_legs_is_turned_away_says_that_none_stands_any_more(by):
    scene = a_scene()
    scene.hold(2)
    _, limit, stop = a_pair(scene, reduce_only=True, side=SELL)
    scene.fill(limit, 2, 1)
    if by == "a rule":
        scene.place(an_exit(quantity=1, limit_price=110))

    step = scene.hear(stop, OrderStatus.CANCELED)
    if by == "the exchange":
        (anew,) = submits(step)
        step = scene.decide(Refused(anew.attempt.client_order_id, -2021, "would trigger"))

    (text,) = alarms(step)
    assert cancels(step) == [limit.client_order_id]
    assert text.startswith("the OCO exit of BTCUSDT ends, neither of its legs stands any more: ")
    assert ("would trigger (-2021)" in text) is (by == "the exchange")


@pytest.mark.parametrize(
    "end", ["a person cancels a leg", "a person cancels the pair", "a leg closes it all"]
)
def test_a_pair_of_exits_that_ends_as_it_was_meant_to_raises_no_alarm(end):
    scene = a_scene()
    scene.hold(2)
    _, limit, stop = a_pair(scene, reduce_only=True, side=SELL)

    if end == "a person cancels a leg":
        scene.decide(RequestCancel(stop.client_order_id, "by hand"))
        steps = [scene.hear(stop, OrderStatus.CANCELED), scene.hear(limit, OrderStatus.CANCELED)]
    elif end == "a person cancels the pair":
        scene.decide(RequestCancelAll(None, "by hand"))
        steps = [scene.hear(stop, OrderStatus.EXPIRED), scene.hear(limit, OrderStatus.EXPIRED)]
    else:
        steps = [scene.fill(limit, 2), scene.hear(stop, OrderStatus.EXPIRED)]

    assert [text for step in steps for text in alarms(step)] == []


def test_an_amendment_that_is_refused_is_asked_for_again_after_a_pause():
    scene = a_scene()
    scene.hold(2)
    _, limit, stop = a_pair(scene, reduce_only=True, side=SELL)
    scene.hear(stop, OrderStatus.TRIGGERED)
    scene.fill(stop, 2, 1)
    scene.decide(ModifyRefused(limit.client_order_id, -5043, "not now"))
    wanted = []

    for pause_ms in (0, 4_999, 1):
        scene.now_ms += pause_ms
        scene.decide(Tick())
        wanted.append(limit.wanted_quantity)

    assert wanted == [None, None, 1]


def test_an_entry_that_has_triggered_ends_the_other_leg_and_goes_on_alone():
    scene = a_scene()
    parent, limit, stop = a_pair(scene)

    step = scene.hear(stop, OrderStatus.TRIGGERED)
    scene.hear(limit, OrderStatus.CANCELED)
    goes_on = parent.status
    scene.fill(stop)

    assert cancels(step) == [limit.client_order_id]
    assert (goes_on, parent.status) == (ParentStatus.WORKING, ParentStatus.FILLED)


def test_an_entry_that_is_refused_when_it_has_triggered_ends_the_pair():
    scene = a_scene()
    parent, limit, stop = a_pair(scene)
    scene.hear(stop, OrderStatus.TRIGGERED)
    scene.hear(limit, OrderStatus.CANCELED)

    step = scene.hear(stop, OrderStatus.REJECTED)

    assert (submits(step), parent.status) == ([], ParentStatus.CANCELED)
    assert scene.position.is_flat


def test_a_leg_that_a_person_is_ending_is_not_ended_twice_when_the_other_has_triggered():
    scene = a_scene()
    _, limit, stop = a_pair(scene)
    scene.decide(RequestCancel(limit.client_order_id, "by hand"))

    step = scene.hear(stop, OrderStatus.TRIGGERED)

    assert cancels(step) == []


def test_an_exit_that_has_triggered_leaves_the_other_leg_until_it_trades():
    scene = a_scene()
    scene.hold(2)
    _, limit, stop = a_pair(scene, reduce_only=True, side=SELL)

    step = scene.hear(stop, OrderStatus.TRIGGERED)

    assert cancels(step) == []
    assert limit.is_open


def test_both_legs_that_fill_at_once_are_booked_and_said_aloud():
    scene = a_scene()
    _, limit, stop = a_pair(scene)
    scene.hear(stop, OrderStatus.TRIGGERED)

    scene.fill(limit, 1)
    step, again = scene.fill(stop, 2), later(scene)

    assert scene.position.quantity == 4
    assert alarms(step) == ["more than was asked for: 4 of 2 was filled"]
    assert alarms(again) == []


def test_a_leg_refused_at_once_ends_the_pair_before_it_began():
    scene = a_scene()
    leg = {"quantity": Decimal(2)}
    legs = a_ticket(limit_price=99, **leg), a_ticket(order_type=OrderType.STOP_MARKET, stop_price=101, **leg)
    step, parent = open_parent(scene, ParentKind.OCO, quantity=Decimal(2), legs=legs)
    first, second = (effect.attempt.client_order_id for effect in submits(step))

    step = scene.decide(Refused(second, -2021, "would trigger"))

    assert cancels(step) == [first]
    assert parent.status is ParentStatus.CANCELING


def test_a_leg_that_a_rule_denies_ends_the_leg_that_was_sent_before_it():
    scene = a_scene(limits=RiskLimits(orders_per_second_max=1))
    legs = (
        a_ticket(limit_price=99, quantity=2),
        a_ticket(order_type=OrderType.STOP_MARKET, stop_price=101, quantity=2),
    )

    step, parent = open_parent(scene, ParentKind.OCO, quantity=Decimal(2), legs=legs)

    (sent,) = submits(step)
    assert cancels(step) == [sent.attempt.client_order_id]
    assert parent.status is ParentStatus.CANCELING


def test_a_halt_is_no_reason_to_end_a_pair_of_exits():
    scene = a_scene()
    scene.hold(2)
    parent, *_ = a_pair(scene, reduce_only=True, side=SELL)

    scene.decide(MoveTrading(TradingTrigger.HALT, "enough", "operator"))

    assert parent.status is ParentStatus.WORKING


@pytest.mark.parametrize("becomes", ["flat", "short"])
def test_a_pair_of_exits_ends_with_its_position(becomes):
    scene = a_scene()
    scene.hold(2)
    parent, limit, stop = a_pair(scene, reduce_only=True, side=SELL)

    step = scene.fill(scene.place(quantity=2 if becomes == "flat" else 3, side=SELL), 2)

    assert cancels(step) == [limit.client_order_id, stop.client_order_id]
    assert (parent.status, parent.reason) == (ParentStatus.CANCELING, "there is nothing left to reduce")


def test_a_pair_of_exits_stays_while_a_trade_of_its_position_is_missing():
    scene = a_scene()
    scene.ledger.position(BTC, LONG).quantity = Decimal(2)
    parent, *_ = a_pair(scene, reduce_only=True, side=SELL, position_side=LONG)

    scene.ledger.position(BTC, LONG).quantity = Decimal(-1)
    step = scene.decide(Tick())

    assert (cancels(step), parent.status) == ([], ParentStatus.WORKING)
