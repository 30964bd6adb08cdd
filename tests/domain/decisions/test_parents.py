"""Schedules, scene by scene: what is sent when, what counts, what ends it; a restart changes nothing."""

from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.news import (
    MoveParent,
    MoveSession,
    MoveTrading,
    RecoveryConcluded,
    RequestProtection,
    TakeOver,
)
from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.domain.market.sides import PositionSide
from src.domain.orders.news import NotSent, OutcomeUnknown, Refused
from src.domain.orders.parents import ParentKind, ParentStatus, ParentTrigger
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger
from tests.domain.decisions.parent_scenes import SLICE_MS, a_scene, child, later, open_parent, quantities
from tests.support.domain_builders import BTC, MARK, SELL, a_fill, a_read, a_view, an_exit
from tests.support.domain_scene import Scene, cancels, kinds, submits

EXIT: dict[str, Any] = {"side": SELL, "purpose": Purpose.EXIT, "reduce_only": True}


def test_a_twap_sends_equal_parts_and_the_last_takes_the_remainder():
    scene = a_scene()
    step, parent = open_parent(scene, quantity=Decimal("1.001"))

    sent = quantities(step)
    scene.fill(child(scene, step), 1)
    for trade_id in (2, 3):
        step = later(scene)
        sent += quantities(step)
        scene.fill(child(scene, step), trade_id)

    assert sent == [Decimal("0.333"), Decimal("0.334"), Decimal("0.334")]
    assert parent.status is ParentStatus.FILLED
    assert parent.average_price == MARK


def test_a_vwap_follows_its_weights():
    scene = a_scene()
    weights = tuple(map(Decimal, (1, 3, 1)))
    step, _ = open_parent(scene, ParentKind.VWAP, weights=weights)

    sent = quantities(step)
    scene.fill(child(scene, step), 1)
    step = later(scene)
    sent += quantities(step)
    scene.fill(child(scene, step), 2)
    sent += quantities(later(scene))

    assert sent == [2, 6, 2]


def test_a_slice_is_sent_once_however_often_time_is_looked_at():
    scene = a_scene()
    step, _ = open_parent(scene)
    scene.fill(child(scene, step))

    steps = [later(scene, 1_000) for _ in range(9)]

    assert [submits(step) for step in steps] == [[]] * 9


def test_what_may_have_been_filled_is_not_sent_again():
    scene = a_scene()
    step, parent = open_parent(scene, quantity=Decimal(9))
    scene.decide(OutcomeUnknown(child(scene, step).client_order_id, "timeout"))
    scene.ledger.symbol(BTC).state = scene.ledger.symbol("ETHUSDT").state

    steps = [later(scene), later(scene)]

    assert [quantities(step) for step in steps] == [[3], [3]]
    assert parent.unsent_quantity == 0


def test_what_a_child_did_not_fill_is_left_to_the_next_slices():
    scene = a_scene()
    step, _ = open_parent(scene, quantity=Decimal(9))
    order = child(scene, step)
    scene.fill(order, 1, 1)
    scene.hear(order, OrderStatus.EXPIRED, 1)

    assert quantities(later(scene)) == [4]


def test_a_pause_leaves_its_share_to_what_is_left_of_the_time():
    scene = a_scene()
    step, parent = open_parent(scene, quantity=Decimal(9))
    scene.fill(child(scene, step))
    scene.decide(MoveParent(parent.parent_id, ParentTrigger.PAUSE, "by hand"))

    paused = [later(scene), later(scene)]
    step = scene.decide(MoveParent(parent.parent_id, ParentTrigger.RESUME, "by hand"))

    assert [submits(each) for each in paused] == [[], []]
    assert quantities(step) == [6]


def test_a_parent_whose_time_is_over_expires_and_ends_its_children():
    scene = a_scene()
    step, parent = open_parent(scene, limit_price=Decimal(100))
    order = child(scene, step)
    scene.accept(order)

    step = later(scene, 3 * SLICE_MS)
    status = parent.status
    scene.hear(order, OrderStatus.CANCELED)

    assert cancels(step) == [order.client_order_id]
    assert (status, parent.status) == (ParentStatus.EXPIRING, ParentStatus.EXPIRED)
    assert scene.ledger.symbol(BTC).pending_buy == 0


def test_the_whole_is_reserved_from_the_first_slice_to_the_last():
    scene = a_scene()
    book = scene.ledger.symbol(BTC)
    step, parent = open_parent(scene, quantity=Decimal(9))

    reserved = [book.pending_buy]
    scene.fill(child(scene, step))
    reserved.append(book.pending_buy)
    later(scene)
    reserved.append(book.pending_buy)
    scene.decide(MoveParent(parent.parent_id, ParentTrigger.CANCEL, "by hand"))
    reserved.append(book.pending_buy)

    assert reserved == [9, 6, 6, 3]


def test_what_a_child_leaves_unfilled_stays_reserved_by_its_parent():
    scene = a_scene()
    step, _ = open_parent(scene, quantity=Decimal(9))
    order = child(scene, step)
    scene.fill(order, 1, 1)

    scene.hear(order, OrderStatus.EXPIRED, 1)

    assert scene.ledger.symbol(BTC).pending_buy == 8


def test_when_a_dearer_order_ends_the_price_of_what_a_parent_has_not_sent_holds():
    scene = a_scene()
    step, _ = open_parent(scene, limit_price=Decimal(101))
    scene.fill(child(scene, step))
    order = scene.place(limit_price=103)
    before = scene.ledger.symbol(BTC).pending_price

    scene.decide(NotSent(order.client_order_id, "no"))

    assert before == 103 and scene.ledger.symbol(BTC).pending_price == 101


def test_a_parent_beyond_a_limit_is_refused_as_a_whole():
    scene = a_scene()

    step, parent = open_parent(scene, quantity=Decimal(5_000))

    assert kinds(step) == [e.OrderDenied]
    assert parent is None


@pytest.mark.parametrize(
    ("kind", "quantity", "more"),
    [
        (ParentKind.TWAP, "0.002", {}),
        (ParentKind.VWAP, "10", {"weights": (Decimal(1), Decimal(999), Decimal(9_000))}),
        (ParentKind.ICEBERG, "2.001", {"limit_price": MARK, "visible_quantity": Decimal(1)}),
    ],
)
def test_a_parent_whose_parts_are_too_small_is_refused_as_a_whole(kind, quantity, more):
    scene = a_scene()

    step, parent = open_parent(scene, kind, quantity=Decimal(quantity), **more)

    (denied,) = step.events
    assert "a part of it could not be sent" in denied.text
    assert parent is None


def test_a_child_that_a_rule_refuses_is_held_back_and_its_share_goes_on():
    scene = a_scene(view=a_view())
    step, parent = open_parent(scene, quantity=Decimal(9))
    scene.fill(child(scene, step))
    scene.view.objection = "the data is old"

    refused = later(scene)
    scene.view.objection = None
    step = later(scene)

    assert kinds(refused)[-2:] == [e.OrderDenied, e.ChildHeldBack]
    assert "the data is old" in parent.reason or submits(step)
    assert quantities(step) == [6]


def test_a_slice_that_a_rule_refuses_is_tried_once():
    scene = a_scene()
    step, _ = open_parent(scene)
    scene.fill(child(scene, step))
    scene.view.objection = "the data is old"

    steps = [later(scene), *(later(scene, 1_000) for _ in range(9))]

    assert sum(kinds(each).count(e.OrderDenied) for each in steps) == 1


def test_a_slice_without_a_price_to_go_by_is_sent_as_soon_as_there_is_one():
    scene = a_scene()
    scene.view.marks[BTC] = None
    blind, _ = open_parent(scene)

    scene.view.marks[BTC] = MARK

    assert submits(blind) == []
    assert quantities(later(scene, 1_000)) == [Decimal("3.333")]


def test_a_schedule_that_closes_a_position_goes_on_while_the_session_pauses():
    scene = a_scene()
    scene.hold(9)
    scene.decide(MoveSession(SessionTrigger.PAUSE, "asked for"))

    step, _ = open_parent(scene, quantity=Decimal(9), **EXIT)

    assert quantities(step) == [3]


def test_a_schedule_that_closes_a_position_ends_when_nothing_is_left_to_close():
    scene = a_scene()
    scene.hold(9)
    step, parent = open_parent(scene, quantity=Decimal(9), **EXIT)
    scene.fill(child(scene, step), 2)
    scene.fill(scene.place(an_exit(quantity=6)), 3)

    assert submits(later(scene)) == []
    assert parent.status is ParentStatus.CANCELED


@pytest.mark.parametrize("limit", [None, 100])
def test_a_schedule_that_closes_a_position_spreads_what_something_else_has_left_of_it(limit):
    scene = a_scene()
    scene.hold(9)
    step, parent = open_parent(scene, quantity=Decimal(9), limit_price=limit and Decimal(limit), **EXIT)
    scene.fill(child(scene, step), 2)
    scene.fill(scene.place(an_exit(quantity=Decimal("3.5"))), 3)

    second = later(scene)
    scene.fill(child(scene, second), 4)
    last = later(scene)
    scene.fill(child(scene, last), 5)

    assert [*quantities(second), *quantities(last)] == [Decimal("1.25"), Decimal("1.25")]
    assert (scene.position.is_flat, parent.reason) == (True, "there is nothing left to reduce")


def test_the_last_slice_takes_what_lies_between_two_steps_as_well():
    scene = a_scene()
    scene.hold(Decimal("8.9995"))
    step, _ = open_parent(scene, quantity=Decimal(9), **EXIT)
    scene.fill(child(scene, step), 2)
    scene.fill(child(scene, later(scene)), 3)

    assert quantities(later(scene)) == [3]


def test_a_schedule_that_closes_a_position_waits_while_other_exits_may_take_all_of_it():
    scene = a_scene()
    scene.hold(9)
    step, parent = open_parent(scene, quantity=Decimal(9), **EXIT)
    scene.fill(child(scene, step), 2)
    other = scene.place(an_exit(quantity=6))

    waits = later(scene)
    scene.decide(Refused(other.client_order_id, -2019, "margin"))

    assert (submits(waits), parent.status) == ([], ParentStatus.WORKING)
    assert quantities(later(scene)) == [6]


@pytest.mark.parametrize("how", ["halted", "stopped"])
def test_a_halt_and_a_stop_end_every_parent(how):
    scene = a_scene()
    step, parent = open_parent(scene, limit_price=Decimal(100))
    scene.accept(child(scene, step))

    if how == "halted":
        step = scene.decide(MoveTrading(TradingTrigger.HALT, "enough", "operator"))
    else:
        step = scene.decide(MoveSession(SessionTrigger.STOP, "enough"))

    assert parent.status is ParentStatus.CANCELING
    assert len(cancels(step)) == 1


def test_a_paused_session_sends_no_children():
    scene = a_scene()
    open_parent(scene)
    scene.decide(MoveSession(SessionTrigger.PAUSE, "asked for"))

    assert submits(later(scene)) == []


def test_the_next_process_goes_on_where_the_last_one_was_killed():
    scene = a_scene()
    step, parent = open_parent(scene, quantity=Decimal(9))
    scene.fill(child(scene, step))

    scene.ledger = fold(scene.journal)
    scene.decide(TakeOver(2))
    scene.decide(RecoveryConcluded("start", 0, 0, 0, ()))
    taken_over = later(scene)

    assert quantities(taken_over) == [3]
    assert scene.ledger.parents[parent.parent_id].filled_quantity == 3


def test_a_stop_that_a_person_has_moved_stays_there_when_the_next_part_fills():
    scene = a_scene()
    step, _ = open_parent(scene, stop_loss_price=Decimal(95))
    scene.fill(child(scene, step), 1)
    scene.decide(RequestProtection(BTC, PositionSide.BOTH, stop_loss_price=Decimal(99)))

    scene.fill(child(scene, later(scene)), 2)

    assert scene.position.stop_loss_price == 99


@pytest.mark.parametrize(
    ("mark", "limit", "goes_on"),
    [(96, None, True), (94, None, False), (105, None, False), (94, 100, False), (105, 103, True)],
)
def test_a_schedule_whose_stop_or_target_the_market_has_reached_ends(mark, limit, goes_on):
    scene = a_scene(view=a_view())
    step, parent = open_parent(
        scene,
        limit_price=limit and Decimal(limit),
        stop_loss_price=Decimal(95),
        take_profit_price=Decimal(104),
    )
    scene.fill(child(scene, step), 1)
    scene.view.marks[BTC] = scene.view.worst = Decimal(mark)

    step = later(scene)

    assert (bool(submits(step)), parent.is_working) == (goes_on, goes_on)
    assert goes_on or "must be" in parent.reason


@pytest.mark.parametrize("by", ["its stop", "a person", "somebody else"])
def test_a_schedule_ends_when_the_position_that_it_builds_is_closed(by):
    scene = Scene(take_profit_pct=Decimal(0))
    step, parent = open_parent(scene)
    scene.fill(child(scene, step), 1)
    closing = scene.place(an_exit(quantity=scene.position.quantity)) if by == "a person" else scene.stop
    scene.accept(closing)

    if by == "somebody else":
        scene.decide(a_read(fills=[a_fill(None, 9, scene.position.quantity, side="SELL")]))
    else:
        scene.fill(closing, 9, scene.position.quantity)

    assert (scene.position.is_flat, parent.status, parent.reason) == (
        True,
        ParentStatus.CANCELED,
        "its position was closed",
    )


def test_a_schedule_that_turns_a_position_around_goes_on_when_it_has_closed_it():
    scene = a_scene()
    scene.hold(3, SELL)
    step, parent = open_parent(scene, quantity=Decimal(9))

    scene.fill(child(scene, step), 2)

    assert (scene.position.is_flat, parent.status) == (True, ParentStatus.WORKING)


@pytest.mark.parametrize("left", ["a part of it", "what was there before"])
def test_a_schedule_goes_on_while_something_is_held_or_before_it_has_bought(left):
    scene = a_scene()
    if left == "a part of it":
        step, parent = open_parent(scene)
        scene.fill(child(scene, step), 1)
        scene.fill(scene.place(an_exit(quantity=1)), 2)
    else:
        scene.hold(1)
        step, parent = open_parent(scene)
        scene.fill(scene.place(an_exit(quantity=1)), 2)

    assert parent.status is ParentStatus.WORKING
