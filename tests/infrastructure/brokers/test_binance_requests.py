"""Every kind of order in Binance's words, at the endpoint that takes it."""

from decimal import Decimal
from typing import Any

import pytest

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.ticket import Amendment, Attempt, OrderTicket
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.infrastructure.brokers.binance_endpoints import NEW_ALGO, NEW_ORDER
from src.infrastructure.brokers.binance_requests import modify_request, submit_request

ATTEMPT = Attempt("abc-1", 1_767_600_000_000, 5_000)
TIMED = {"recvWindow": 5_000, "timestamp": 1_767_600_000_000}
PREVENTED = {"selfTradePreventionMode": "EXPIRE_MAKER"}
ORDINARY = {"symbol": "BTCUSDT", "side": "BUY", "positionSide": "BOTH", "quantity": "0.01", **PREVENTED}
STOP = {"stop_price": Decimal("60000.10"), "reduce_only": True}
STOP_WORDS = {"reduceOnly": "true", "triggerPrice": "60000.1"}


def a_ticket(kind: OrderType, **changes: Any) -> OrderTicket:
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": OrderSide.BUY,
        "order_type": kind,
        "quantity": Decimal("0.010"),
        "purpose": Purpose.ENTRY,
        "strategy_id": "s",
        "reference_price": Decimal(60_000),
    }
    return OrderTicket(**(values | changes))


ORDERS = [
    (a_ticket(OrderType.MARKET), {"type": "MARKET"}),
    (
        a_ticket(OrderType.LIMIT, limit_price=Decimal("60000.0")),
        {"type": "LIMIT", "price": "60000", "timeInForce": "GTC"},
    ),
    (
        a_ticket(
            OrderType.LIMIT,
            limit_price=Decimal(60_000),
            time_in_force=TimeInForce.GTD,
            good_till_ms=1_767_700_000_000,
        ),
        {"type": "LIMIT", "price": "60000", "timeInForce": "GTD", "goodTillDate": 1_767_700_000_000},
    ),
    (a_ticket(OrderType.MARKET, reduce_only=True), {"type": "MARKET", "reduceOnly": "true"}),
    (
        a_ticket(OrderType.MARKET, reduce_only=True, position_side=PositionSide.SHORT),
        {"type": "MARKET", "positionSide": "SHORT"},
    ),
]

ALGOS = [
    (a_ticket(OrderType.STOP_MARKET, **STOP), {"type": "STOP_MARKET", **STOP_WORDS}),
    (a_ticket(OrderType.TAKE_PROFIT_MARKET, **STOP), {"type": "TAKE_PROFIT_MARKET", **STOP_WORDS}),
    (
        a_ticket(OrderType.STOP, limit_price=Decimal(61_000), **STOP),
        {"type": "STOP", "price": "61000", "timeInForce": "GTC", **STOP_WORDS},
    ),
    (
        a_ticket(OrderType.TRAILING_STOP_MARKET, callback_pct=Decimal("0.015"), reduce_only=True),
        {"type": "TRAILING_STOP_MARKET", "callbackRate": "1.5", "reduceOnly": "true"},
    ),
]


@pytest.mark.parametrize(("ticket", "words"), ORDERS, ids=lambda each: getattr(each, "order_type", ""))
def test_an_ordinary_order(ticket: OrderTicket, words: dict[str, object]):
    endpoint, params = submit_request(ticket, ATTEMPT)

    assert endpoint is NEW_ORDER
    assert params == {**ORDINARY, **TIMED, "newClientOrderId": "abc-1", "newOrderRespType": "ACK", **words}


@pytest.mark.parametrize(("ticket", "words"), ALGOS, ids=lambda each: getattr(each, "order_type", ""))
def test_a_conditional_order(ticket: OrderTicket, words: dict[str, object]):
    endpoint, params = submit_request(ticket, ATTEMPT)

    assert endpoint is NEW_ALGO
    expected = {**ORDINARY, **TIMED, "algoType": "CONDITIONAL", "clientAlgoId": "abc-1", **words}
    assert params == {**expected, "workingType": "CONTRACT_PRICE"}


@pytest.mark.parametrize("force", [TimeInForce.FOK, TimeInForce.GTX])
@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.STOP])
def test_an_order_for_which_no_prevention_of_self_trades_is_in_effect_asks_for_none(
    kind: OrderType, force: TimeInForce
):
    stop = STOP if kind is OrderType.STOP else {}
    ticket = a_ticket(kind, limit_price=Decimal(60_000), time_in_force=force, **stop)

    _, params = submit_request(ticket, ATTEMPT)

    assert params["timeInForce"] == force.value
    assert "selfTradePreventionMode" not in params


def test_a_stop_that_closes_the_position_names_no_quantity():
    ticket = a_ticket(OrderType.STOP_MARKET, close_position=True, **STOP)

    _, params = submit_request(ticket, ATTEMPT)

    assert params["closePosition"] == "true"
    assert not {"quantity", "reduceOnly"} & params.keys()


def test_an_amendment_names_price_and_total_quantity():
    amendment = Amendment("BTCUSDT", OrderSide.SELL, "abc-1", Decimal("60000.50"), Decimal("0.020"), 5, 4)

    assert modify_request(amendment) == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "origClientOrderId": "abc-1",
        "quantity": "0.02",
        "price": "60000.5",
        "recvWindow": 4,
        "timestamp": 5,
    }
