"""Orders that were sent around the session: taken over once, concluded by what was recorded, known as ours at sight."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.news import ImportEmergency
from src.domain.ledger import events as e
from src.domain.market.sides import OrderSide
from src.domain.orders.client_order_ids import emergency_order_id
from src.domain.orders.emergency import EmergencyOrder
from src.domain.orders.news import OrderNews
from src.domain.orders.order import Order
from src.domain.orders.ticket import Attempt
from src.domain.orders.transitions import AttemptState, AttemptTrigger
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.sessions.trading_states import TradingState
from tests.support.domain_builders import BTC, START_MS, a_fill, a_read, a_report, an_exit
from tests.support.domain_scene import Scene, alarms, kinds, reconciles, submits


def a_close(scene: Scene, number: int = 1, quantity: Any = 2, **known: Any) -> EmergencyOrder:
    """A close of a long position, sent by nobody knows whom; ``known`` is what was recorded of its outcome."""
    name = emergency_order_id(scene.ledger.account.namespace, START_MS, number)
    ticket = an_exit(quantity=Decimal(quantity), purpose=Purpose.EMERGENCY, strategy_id="manual")
    return EmergencyOrder(ticket, Attempt(name, START_MS, 5_000), **known)


def imported(scene: Scene, close: EmergencyOrder) -> Order:
    scene.decide(ImportEmergency((close,)))
    return scene.ledger.orders[close.client_order_id]


def test_an_order_is_taken_over_with_its_attempt_for_whoever_owns_the_position():
    scene = Scene()
    scene.hold(2)
    close = a_close(scene)

    step = scene.decide(ImportEmergency((close,)))

    order = scene.ledger.orders[close.client_order_id]
    assert (order.attempt, order.ticket) == (
        close.attempt,
        replace(close.ticket, strategy_id=scene.position.strategy_id),
    )
    assert order.attempt_state is AttemptState.OPEN
    assert submits(step) == []
    assert len(alarms(step)) == 1 and "sent in an emergency" in alarms(step)[0]


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"trigger": AttemptTrigger.ACCEPTED, "exchange_order_id": 77}, AttemptState.ACKED),
        ({"trigger": AttemptTrigger.FOUND, "exchange_order_id": 77}, AttemptState.ACKED),
        ({"trigger": AttemptTrigger.REFUSED, "code": -2022, "reason": "rejected"}, AttemptState.REFUSED),
        ({"trigger": AttemptTrigger.NOT_SENT, "reason": "late"}, AttemptState.DEAD),
        ({"trigger": AttemptTrigger.LOST, "reason": "no answer"}, AttemptState.OPEN),
        ({}, AttemptState.OPEN),
    ],
)
def test_what_was_recorded_of_the_outcome_counts_and_what_nobody_knows_stays_open(
    known: dict[str, Any], state: AttemptState
):
    scene = Scene()
    scene.hold(2)

    order = imported(scene, a_close(scene, **known))

    assert order.attempt_state is state
    assert order.exchange_order_id == known.get("exchange_order_id")


def test_a_second_import_changes_nothing():
    scene = Scene()
    scene.hold(2)
    close = a_close(scene, trigger=AttemptTrigger.ACCEPTED, exchange_order_id=77)
    imported(scene, close)

    assert scene.decide(ImportEmergency((close,))).events == []


def test_an_outcome_that_was_recorded_after_the_first_import_is_taken_over_too():
    scene = Scene()
    scene.hold(2)
    close = a_close(scene)
    order = imported(scene, close)

    step = scene.decide(ImportEmergency((replace(close, trigger=AttemptTrigger.ACCEPTED),)))

    assert kinds(step) == [e.AttemptMoved]
    assert order.attempt_state is AttemptState.ACKED


def test_its_trades_close_the_position_like_those_of_an_order_of_the_session():
    scene = Scene()
    scene.hold(2)
    order = imported(scene, a_close(scene, trigger=AttemptTrigger.ACCEPTED, exchange_order_id=77))
    report = replace(a_report(order, OrderStatus.FILLED, 2), exchange_order_id=77)
    fill = replace(a_fill(order, 9, 2), exchange_order_id=77)

    scene.decide(a_read(orders=[report], fills=[fill], confirmed=[(BTC, 9)]))

    assert scene.position.is_flat
    assert order.status is OrderStatus.FILLED
    assert scene.ledger.account.trading_state is TradingState.ACTIVE


def test_news_of_one_that_was_not_imported_yet_asks_for_it_and_books_nothing():
    scene = Scene()
    scene.hold(2)
    close = a_close(scene)
    order = Order(close.ticket, close.attempt, "", 0, 0)

    step = scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 2), a_fill(order, 9, 2)))

    assert len(reconciles(step)) == 1
    assert e.FillBooked not in kinds(step)
    assert scene.ledger.account.trading_state is TradingState.ACTIVE


def test_one_that_no_side_journal_has_is_booked_and_halts_trading():
    scene = Scene()
    scene.hold(2)
    close = a_close(scene)
    order = Order(close.ticket, close.attempt, "", 0, 0)
    fill = replace(a_fill(order, 9, 2), client_order_id=close.client_order_id)

    step = scene.decide(
        a_read(orders=[a_report(order, OrderStatus.FILLED, 2)], fills=[fill], confirmed=[(BTC, 9)])
    )

    assert scene.position.is_flat
    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert any("ours by its name, but not in the journal" in text for text in alarms(step))


def test_records_that_cannot_be_read_halt_trading():
    scene = Scene()

    step = scene.decide(ImportEmergency((), "record 3 cannot be read, and 2 follow it"))

    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert alarms(step) == ["record 3 cannot be read, and 2 follow it"]


def test_an_order_of_a_short_position_closes_it():
    scene = Scene()
    scene.hold(2, OrderSide.SELL)
    close = a_close(scene)

    order = imported(scene, replace(close, ticket=replace(close.ticket, side=OrderSide.BUY)))

    assert order.side is OrderSide.BUY
    assert order.ticket.strategy_id == scene.position.strategy_id
