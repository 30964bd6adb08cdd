"""Amendments that are not made: what cannot be changed, and what it may not be changed to."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import RequestCancel
from src.domain.ledger import events as e
from src.domain.orders.transitions import ModifyState
from src.domain.orders.types import OrderStatus, Purpose
from tests.domain.decisions.amendment_scenes import request, resting
from tests.support.domain_builders import SELL
from tests.support.domain_scene import Scene, kinds


@pytest.mark.parametrize("case", ["market", "unacknowledged", "canceling", "filled beyond", "unchanged"])
def test_what_cannot_be_amended_raises_and_changes_nothing(case):
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    quantity = 3
    if case == "market":
        order = scene.place(quantity=2)
        scene.accept(order)
    elif case == "unacknowledged":
        order = scene.place(limit_price=99, quantity=2)
    else:
        order = resting(scene)
    if case == "canceling":
        scene.decide(RequestCancel(order.client_order_id, "by hand"))
    elif case == "filled beyond":
        scene.fill(order, 1, 1)
        quantity = 1
    elif case == "unchanged":
        quantity = 2
    before = len(scene.journal)

    with pytest.raises(ValueError, match=r"\w"):
        request(scene, order, quantity=quantity)

    assert len(scene.journal) == before
    assert order.modify_state is ModifyState.NONE


@pytest.mark.parametrize(
    ("price", "problem"), [(94, "the stop loss 95 .* below its entry at 94"), (111, "the take profit 110")]
)
def test_a_price_beyond_the_orders_own_stop_or_target_is_refused(price, problem):
    scene = Scene()
    order = resting(scene, stop_loss_price=Decimal(95), take_profit_price=Decimal(110))

    with pytest.raises(ValueError, match=problem):
        request(scene, order, price)

    assert order.modify_state is ModifyState.NONE


def test_an_order_that_is_over_is_not_amended():
    scene = Scene()
    order = resting(scene)
    scene.hear(order, OrderStatus.CANCELED)

    with pytest.raises(LookupError, match="is not open"):
        request(scene, order, 98)


@pytest.mark.parametrize(("quantity", "rule"), [("0.0005", "filters"), (3, "reduce_only")])
def test_an_exit_that_would_be_no_order_or_more_than_is_held_is_not_amended(quantity, rule):
    scene = Scene()
    scene.hold(2)
    order = resting(scene, side=SELL, limit_price=105, reduce_only=True, purpose=Purpose.EXIT)

    step = request(scene, order, 105, quantity)

    (denied,) = [event for event in step.events if isinstance(event, e.OrderDenied)]
    assert (denied.rule, step.effects) == (rule, [])


def test_an_order_that_would_grow_beyond_a_limit_is_not_amended():
    scene = Scene()
    order = resting(scene)

    step = request(scene, order, quantity=100_000)

    assert kinds(step) == [e.OrderDenied]
    assert order.modify_state is ModifyState.NONE
