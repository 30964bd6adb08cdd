"""Icebergs, scene by scene: what of them is shown, and when the next part is."""

from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.news import RequestCancel
from src.domain.decisions.step import Policy, Step
from src.domain.ledger import events as e
from src.domain.orders.news import NotSent, OutcomeUnknown, Refused
from src.domain.orders.parents import ParentKind, ParentStatus
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.risk.limits import RiskLimits
from tests.domain.decisions.parent_scenes import a_scene, child, later, open_parent, quantities
from tests.support.domain_builders import BTC, MARK, SELL, an_exit
from tests.support.domain_scene import Scene, cancels, kinds, submits


def close_by_iceberg(scene: Scene) -> Step:
    """Hold nine, and close them by an iceberg that shows four."""
    scene.hold(9)
    exit_of: Any = {"side": SELL, "purpose": Purpose.EXIT, "reduce_only": True}
    step, _ = open_parent(
        scene, ParentKind.ICEBERG, quantity=Decimal(9), limit_price=Decimal(100),
        visible_quantity=Decimal(4), **exit_of,
    )  # fmt: skip
    return step


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
        at_once = scene.decide(Refused(tip.client_order_id, -2019, "margin"))
    elif why == "not sent":
        at_once = scene.decide(NotSent(tip.client_order_id, "the kill switch is engaged"))
    else:
        scene.accept(tip)
        scene.decide(RequestCancel(tip.client_order_id, "by hand"))
        at_once = scene.hear(tip, OrderStatus.CANCELED)

    assert submits(at_once) == []
    assert submits(later(scene, 4_999)) == []
    assert quantities(later(scene, 1)) == [4]


def test_an_iceberg_that_a_rule_holds_back_says_so_once_until_another_does_and_goes_on_by_itself():
    scene = a_scene()
    step, parent = open_parent(
        scene, ParentKind.ICEBERG, limit_price=Decimal(100), visible_quantity=Decimal(4)
    )
    scene.view.objection = "the data is old"
    first = scene.fill(child(scene, step), 1)

    again = [kind for _ in range(20) for kind in kinds(later(scene, 1_000))]
    scene.policy = Policy(
        stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0), limits=RiskLimits(order_value_max=Decimal(1))
    )
    scene.view.objection = None
    other = later(scene, 1_000)
    scene.policy = Policy(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    goes_on = later(scene)

    assert kinds(first)[-2:] == [e.OrderDenied, e.ChildHeldBack]
    assert not {e.OrderDenied, e.ChildHeldBack} & set(again)
    assert kinds(other) == [e.OrderDenied, e.ChildHeldBack]
    assert quantities(goes_on) == [4]
    assert parent.reason == ""


@pytest.mark.parametrize("by", ["its stop", "a person"])
def test_an_iceberg_ends_when_the_position_that_it_builds_is_closed(by):
    scene = Scene(take_profit_pct=Decimal(0))
    step, parent = open_parent(
        scene, ParentKind.ICEBERG, limit_price=Decimal(100), visible_quantity=Decimal(4)
    )
    scene.fill(child(scene, step), 1)
    (tip,) = (order for order in parent.children.values() if order.is_open)
    scene.accept(tip)
    closing = scene.place(an_exit(quantity=4)) if by == "a person" else scene.stop
    scene.accept(closing)

    ends = scene.fill(closing, 9, 4)

    assert (scene.position.is_flat, parent.reason) == (True, "its position was closed")
    assert tip.client_order_id in cancels(ends)
    scene.hear(tip, OrderStatus.CANCELED)
    assert (submits(later(scene)), parent.status) == ([], ParentStatus.CANCELED)


def test_an_iceberg_that_closes_a_position_shows_no_more_than_is_left_of_it():
    scene = a_scene()
    step = close_by_iceberg(scene)
    scene.fill(scene.place(an_exit(quantity=3)), 2)

    assert quantities(scene.fill(child(scene, step), 3)) == [2]


@pytest.mark.parametrize("elsewhere", [5, 6])
def test_an_iceberg_that_closes_a_position_waits_while_other_exits_may_take_all_of_it(elsewhere):
    scene = a_scene()
    step = close_by_iceberg(scene)
    other = scene.place(an_exit(quantity=elsewhere))

    waits = scene.fill(child(scene, step), 2)
    goes_on = scene.decide(Refused(other.client_order_id, -2019, "margin"))

    assert kinds(waits).count(e.ParentMoved) == 0
    assert quantities(goes_on) == [4]


def test_an_iceberg_that_a_rule_holds_back_anew_says_so_again():
    scene = a_scene()
    step, _ = open_parent(scene, ParentKind.ICEBERG, limit_price=Decimal(100), visible_quantity=Decimal(4))
    scene.view.objection = "the data is old"
    scene.fill(child(scene, step), 1)
    scene.view.objection = None
    goes_on = later(scene)
    scene.view.objection = "the data is old"

    anew = scene.fill(child(scene, goes_on), 2)

    assert kinds(anew)[-2:] == [e.OrderDenied, e.ChildHeldBack]


def test_an_iceberg_whose_rest_is_too_little_to_order_ends():
    scene = a_scene()
    step, parent = open_parent(scene, ParentKind.ICEBERG, limit_price=MARK, visible_quantity=Decimal(5))
    step = scene.fill(child(scene, step), 1)
    last = child(scene, step)
    scene.fill(last, 2, Decimal("4.96"))
    scene.hear(last, OrderStatus.EXPIRED, Decimal("4.96"))

    later(scene)

    assert parent.status is ParentStatus.CANCELED
    assert "notional 4.00 is below the smallest" in parent.reason
    assert scene.ledger.symbol(BTC).pending_buy == 0
