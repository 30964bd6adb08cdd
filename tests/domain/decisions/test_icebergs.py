"""Icebergs, scene by scene: what of them is shown, and when the next part is."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import RequestCancel
from src.domain.orders.news import NotSent, OutcomeUnknown, Refused
from src.domain.orders.parents import ParentKind, ParentStatus
from src.domain.orders.types import OrderStatus
from tests.domain.decisions.parent_scenes import a_scene, child, later, open_parent, quantities
from tests.support.domain_builders import BTC, MARK
from tests.support.domain_scene import submits


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
