"""Trades that recovery reads carry the exchange's id of their order only: whose are they, while ours are in flight?"""

from decimal import Decimal

import pytest

from src.domain.ledger import events as e
from src.domain.orders.news import OutcomeUnknown
from src.domain.orders.ticket import SIGNED_AHEAD_MS
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.support.domain_builders import BTC, a_fill, a_read, a_report, exchange_id
from tests.support.domain_scene import Scene, alarms, reconciles


def test_a_trade_that_an_unresolved_attempt_may_have_made_waits_for_the_next_read():
    scene = Scene()
    order = scene.place()

    step = scene.decide(a_read(fills=[a_fill(None, 4), a_fill(None, 5)], confirmed=[(BTC, 5)]))

    assert scene.position.is_flat
    assert scene.ledger.symbol(BTC).confirmed_trade_id == 3
    assert reconciles(step)

    scene.decide(
        a_read(
            fills=[a_fill(order, 4, Decimal("0.5")), a_fill(order, 5, Decimal("0.5"))],
            orders=[a_report(order, OrderStatus.FILLED, 1)],
            confirmed=[(BTC, 5)],
        )
    )

    assert order.is_settled
    assert scene.position.strategy_id == "sma"
    assert scene.ledger.symbol(BTC).confirmed_trade_id == 5


@pytest.mark.parametrize(
    "why",
    [
        "another side",
        "another symbol",
        "before it was signed",
        "the attempt is dead",
        "the attempt is settled",
    ],
)
def test_a_trade_that_no_attempt_of_ours_can_have_made_is_external(why):
    scene = Scene()
    order = scene.place()
    trade = a_fill(None, 4)
    dead = []
    if why == "another side":
        trade = a_fill(None, 4, side="SELL")
    elif why == "another symbol":
        trade = a_fill(None, 4, symbol="ETHUSDT")
    elif why == "before it was signed":
        trade = a_fill(None, 4, traded_ms=order.attempt.timestamp_ms - SIGNED_AHEAD_MS)
    elif why == "the attempt is dead":
        dead = [order.client_order_id]
    else:
        scene.accept(order)

    step = scene.decide(a_read(fills=[trade], dead=dead))

    assert [event.trade_id for event in step.events if isinstance(event, e.FillBooked)] == [4]
    assert not reconciles(step)


def test_a_trade_of_somebody_elses_order_that_the_same_read_shows_does_not_wait():
    scene = Scene()
    order = scene.place()
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))
    other = a_report(order, OrderStatus.PARTIALLY_FILLED, 1, client_order_id="web_1", exchange_order_id=777)

    step = scene.decide(a_read(fills=[a_fill(None, 4)], orders=[other]))

    assert [event.trade_id for event in step.events if isinstance(event, e.FillBooked)] == [4]
    assert scene.position.quantity == 1
    assert order.attempt_state is AttemptState.UNKNOWN


def test_a_forced_trade_whose_order_the_same_read_shows_is_known_by_that_orders_name():
    scene = Scene()
    held = scene.hold()
    closed = a_report(
        scene.stop, OrderStatus.FILLED, 1, client_order_id="autoclose-1", exchange_order_id=777, algo_id=None
    )

    step = scene.decide(a_read(fills=[a_fill(None, 4, side="SELL")], orders=[closed]))

    assert held.is_flat
    assert alarms(step) == ["trade 4 is of a liquidation"]
    assert scene.ledger.account.trading_state is TradingState.HALTED


def test_a_trade_that_names_its_order_proves_that_the_attempt_happened():
    scene = Scene()
    order = scene.place()
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))

    scene.decide(a_read(fills=[a_fill(order, client_order_id=order.client_order_id)]))

    assert order.attempt_state is AttemptState.ACKED
    assert order.exchange_order_id == exchange_id(order)
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_a_trade_of_an_attempt_that_was_proven_dead_is_a_breach_and_booked():
    scene = Scene()
    order = scene.place()
    scene.decide(a_read(dead=[order.client_order_id]))

    scene.decide(a_read(fills=[a_fill(order, client_order_id=order.client_order_id)]))

    assert scene.ledger.account.breaches == 1
    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert scene.position.quantity == 1
