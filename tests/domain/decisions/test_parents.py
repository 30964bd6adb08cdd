"""Parent orders, scene by scene: what is sent when, what counts, what ends what, and that a restart changes nothing."""

from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.news import (
    MoveParent,
    MoveSession,
    MoveTrading,
    OpenParent,
    RecoveryConcluded,
    RequestCancel,
    TakeOver,
    Tick,
)
from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.domain.orders.news import ModifyAccepted, NotSent, OutcomeUnknown, Refused
from src.domain.orders.parents import ParentKind, ParentStatus, ParentTicket, ParentTrigger
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger
from tests.support.domain_builders import BTC, BUY, MARK, SELL, a_ticket, a_view
from tests.support.domain_scene import Scene, alarms, cancels, kinds, submits

SLICE_MS = 10_000


def a_scene(**changes: Any) -> Scene:
    """Without protective orders, which are not what these scenes are about."""
    return Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0), **changes)


def open_parent(scene: Scene, kind: ParentKind = ParentKind.TWAP, **changes: Any):
    values: dict[str, Any] = {
        "symbol": BTC,
        "side": BUY,
        "quantity": Decimal(10),
        "purpose": Purpose.ENTRY,
        "strategy_id": "sma",
        "reference_price": MARK,
    }
    if kind in (ParentKind.TWAP, ParentKind.VWAP):
        values |= {"start_ms": scene.now_ms, "end_ms": scene.now_ms + 3 * SLICE_MS, "slices": 3}
    step = scene.decide(OpenParent(ParentTicket(kind=kind, **(values | changes))))
    return step, next(iter(scene.ledger.parents.values()), None)


def a_pair(scene: Scene, *, reduce_only: bool = False, quantity: int = 2, side=BUY):
    leg = {"quantity": Decimal(quantity), "side": side, "reduce_only": reduce_only}
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


def quantities(step) -> list[Decimal]:
    return [effect.ticket.quantity for effect in submits(step)]


def child(scene: Scene, step):
    return scene.ledger.orders[submits(step)[0].attempt.client_order_id]


def later(scene: Scene, ms: int = SLICE_MS):
    scene.now_ms += ms
    return scene.decide(Tick())


# --- schedules ----------------------------------------------------------------------------------------------


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


def test_a_parent_beyond_a_limit_is_refused_as_a_whole():
    scene = a_scene()

    step, parent = open_parent(scene, quantity=Decimal(5_000))

    assert kinds(step) == [e.OrderDenied]
    assert parent is None


def test_a_parent_whose_parts_are_too_small_is_refused_as_a_whole():
    scene = a_scene()

    step, parent = open_parent(scene, quantity=Decimal("0.002"))

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


# --- icebergs -----------------------------------------------------------------------------------------------


def test_an_iceberg_shows_its_tip_and_the_next_one_only_when_that_is_gone():
    scene = a_scene()
    step, parent = open_parent(
        scene, ParentKind.ICEBERG, limit_price=Decimal(100), visible_quantity=Decimal(4)
    )
    first = child(scene, step)
    partly = scene.fill(first, 1, 3)

    wholly = scene.fill(first, 2, 1)
    second = child(scene, wholly)
    last = scene.fill(second, 3)

    assert quantities(step) == [4]
    assert submits(partly) == []
    assert [*quantities(wholly), *quantities(last)] == [4, 2]
    assert parent.unsent_quantity == 0


def test_a_tip_of_unknown_outcome_has_no_successor():
    scene = a_scene()
    step, _ = open_parent(scene, ParentKind.ICEBERG, limit_price=Decimal(100), visible_quantity=Decimal(4))

    scene.decide(OutcomeUnknown(child(scene, step).client_order_id, "timeout"))

    assert submits(later(scene)) == []


@pytest.mark.parametrize("why", ["refused", "not sent", "canceled by a person"])
def test_an_iceberg_whose_tip_ends_unfilled_waits_before_it_shows_another(why):
    scene = a_scene()
    step, _ = open_parent(scene, ParentKind.ICEBERG, limit_price=Decimal(100), visible_quantity=Decimal(4))
    tip = child(scene, step)

    if why == "refused":
        at_once = scene.decide(Refused(tip.client_order_id, -2019, "margin", 0))
    elif why == "not sent":
        at_once = scene.decide(NotSent(tip.client_order_id, "the kill switch is engaged"))
    else:
        scene.accept(tip)
        scene.decide(RequestCancel(tip.client_order_id, "by hand"))
        at_once = scene.hear(tip, OrderStatus.CANCELED)

    assert submits(at_once) == []
    assert submits(later(scene, 4_999)) == []
    assert quantities(later(scene, 1)) == [4]


# --- one cancels the other ----------------------------------------------------------------------------------


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


def test_both_legs_that_fill_at_once_are_booked_and_said_aloud():
    scene = a_scene()
    _, limit, stop = a_pair(scene)
    scene.hear(stop, OrderStatus.TRIGGERED)

    scene.fill(limit, 1)
    step = scene.fill(stop, 2)

    assert scene.position.quantity == 4
    assert alarms(step) == ["more than was asked for: 4 of 2 was filled"]


def test_a_leg_refused_at_once_ends_the_pair_before_it_began():
    scene = a_scene()
    leg = {"quantity": Decimal(2)}
    legs = a_ticket(limit_price=99, **leg), a_ticket(order_type=OrderType.STOP_MARKET, stop_price=101, **leg)
    step, parent = open_parent(scene, ParentKind.OCO, quantity=Decimal(2), legs=legs)
    first, second = (effect.attempt.client_order_id for effect in submits(step))

    step = scene.decide(Refused(second, -2021, "would trigger", 0))

    assert cancels(step) == [first]
    assert parent.status is ParentStatus.CANCELING


def test_a_halt_is_no_reason_to_end_a_pair_of_exits():
    scene = a_scene()
    scene.hold(2)
    parent, *_ = a_pair(scene, reduce_only=True, side=SELL)

    scene.decide(MoveTrading(TradingTrigger.HALT, "enough", "operator"))

    assert parent.status is ParentStatus.WORKING
