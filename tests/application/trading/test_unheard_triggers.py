"""Orders whose trigger the market has passed, and of which nothing is heard, are asked about ever more rarely."""

from decimal import Decimal
from typing import Any

import pytest

from src.application.trading.unheard_triggers import UnheardTriggers
from src.domain.market.sides import OrderSide
from src.domain.orders.types import OrderStatus, Purpose, WorkingType
from tests.support.domain_builders import BTC, BUY, SELL
from tests.support.domain_scene import Scene

FAR_BELOW, FAR_ABOVE = Decimal(50), Decimal(200)


def asked(triggers: UnheardTriggers, looks: int) -> list[int]:
    """At which of so many looks the exchange is to be asked."""
    return [look for look in range(1, looks + 1) if triggers.look()]


def move(scene: Scene, price: Decimal | str) -> None:
    scene.view.marks[BTC] = Decimal(price)


def trigger_price(scene: Scene, purpose: Purpose = Purpose.PROTECTIVE_STOP) -> Decimal:
    (order,) = scene.open(purpose)
    price = order.ticket.stop_price
    assert price is not None, "a guard waits for a price"
    return price


def watched(**policy: Any) -> tuple[Scene, UnheardTriggers]:
    scene = Scene(**policy)
    scene.hold()
    return scene, UnheardTriggers(scene.ledger, scene.view)


def test_a_market_between_stop_and_target_is_no_reason_to_ask():
    _, triggers = watched()

    assert asked(triggers, 20) == []


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("price", [FAR_BELOW, FAR_ABOVE])
def test_a_trigger_that_the_market_has_passed_is_asked_about_after_2_4_8_looks(
    side: OrderSide, price: Decimal
):
    scene = Scene()
    scene.hold(side=side)
    triggers = UnheardTriggers(scene.ledger, scene.view)
    move(scene, price)

    assert asked(triggers, 20) == [2, 4, 8, 16]


def test_the_question_names_the_order():
    scene, triggers = watched()
    move(scene, FAR_BELOW)
    triggers.look()

    assert scene.stop.client_order_id in triggers.look()


def test_what_is_known_to_have_triggered_is_not_asked_about():
    scene, triggers = watched()
    scene.hear(scene.stop, OrderStatus.TRIGGERED)
    move(scene, FAR_BELOW)

    assert asked(triggers, 20) == []


def test_a_market_that_comes_back_ends_the_count():
    scene, triggers = watched()
    move(scene, FAR_BELOW)
    triggers.look()
    move(scene, "100")
    triggers.look()
    move(scene, FAR_BELOW)

    assert asked(triggers, 3) == [2]


@pytest.mark.parametrize(
    ("purpose", "beyond"), [(Purpose.PROTECTIVE_STOP, "-0.1"), (Purpose.PROTECTIVE_TARGET, "0.1")]
)
def test_a_trade_within_the_spread_may_not_have_been_beyond_the_trigger(purpose: Purpose, beyond: str):
    scene, triggers = watched()
    price = trigger_price(scene, purpose)
    # The view quotes a tick to either side.
    move(scene, price)
    by_trades = asked(triggers, 5)
    move(scene, price + Decimal(beyond))

    assert (by_trades, asked(triggers, 5)) == ([], [2, 4])


def test_a_stop_by_mark_price_is_passed_at_its_very_price():
    scene, triggers = watched(working_type=WorkingType.MARK_PRICE)
    move(scene, trigger_price(scene))

    assert asked(triggers, 5) == [2, 4]


def test_a_market_without_prices_says_nothing():
    scene, triggers = watched()
    scene.view.marks[BTC] = None

    assert asked(triggers, 5) == []


def a_resting_order(side: OrderSide, status: OrderStatus) -> tuple[Scene, UnheardTriggers]:
    scene = Scene()
    order = scene.place(side=side, limit_price=100, quantity=2)
    scene.accept(order)
    if status is OrderStatus.PARTIALLY_FILLED:
        scene.fill(order, quantity=1, price=100)
    return scene, UnheardTriggers(scene.ledger, scene.view)


@pytest.mark.parametrize("status", [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED])
@pytest.mark.parametrize(("side", "beyond", "before"), [(BUY, "99.8", "99.9"), (SELL, "100.2", "100.1")])
def test_a_limit_that_the_market_has_passed_is_asked_about_after_2_4_8_looks(
    side: OrderSide, beyond: str, before: str, status: OrderStatus
):
    scene, triggers = a_resting_order(side, status)
    # The view quotes a tick to either side; the market may stand at the limit itself, behind those who came earlier.
    move(scene, before)
    waits = asked(triggers, 5)
    move(scene, beyond)

    assert (waits, asked(triggers, 10)) == ([], [2, 4, 8])


def test_an_order_of_unknown_outcome_is_asked_about_elsewhere():
    scene = Scene()
    scene.place(limit_price=100)
    move(scene, "90")

    assert asked(UnheardTriggers(scene.ledger, scene.view), 5) == []
