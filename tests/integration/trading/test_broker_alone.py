"""What the document asks of a broker without a session, and of the WebSocket client beside it."""

from decimal import Decimal
from typing import Any

import pytest

from src.application.trading.vocabulary import InsufficientBalanceError, Order, OrderSide, OrderType
from src.infrastructure.streams.binance_ws_client import BinanceWebSocketClient, updates_of
from tests.integration.trading.places import SYMBOL, TradingPlace, until


async def price_at(place: TradingPlace) -> Decimal:
    """The last close, rounded to 100."""
    broker = place.broker()
    (candle,) = await broker.candles(SYMBOL, "1m", 1)
    await broker.close()
    return round(candle.close, -2)


async def test_open_orders_and_positions_are_what_was_placed(place: TradingPlace):
    broker = place.broker()
    price = await price_at(place)

    bought = await broker.place_order(Order.of(SYMBOL, OrderSide.BUY, 0.01))
    resting = await broker.place_order(
        Order.of(SYMBOL, OrderSide.BUY, 0.01, OrderType.LIMIT, price * Decimal("0.97"))
    )
    waiting = await broker.place_order(
        Order.of(
            SYMBOL, OrderSide.SELL, 0.01, OrderType.STOP_MARKET, price * Decimal("0.9"), reduce_only=True
        )
    )

    assert bought.success and resting.success and waiting.success
    exchange_orders = await broker.get_open_orders()
    exchange_positions = await broker.get_positions()
    assert {order.id for order in exchange_orders} == {resting.order_id, waiting.order_id}
    assert [(p.symbol, p.quantity) for p in exchange_positions] == [(SYMBOL, Decimal("0.01"))]
    for order in exchange_orders:
        await broker._client.transmit(*_cancel(broker, order))
    await broker.place_order(Order.of(SYMBOL, OrderSide.SELL, 0.01, reduce_only=True))
    await broker.close()


def _cancel(broker: Any, order: Any) -> Any:
    from src.infrastructure.brokers.binance_endpoints import CANCEL_ALGO, CANCEL_ORDER

    timed = {"timestamp": broker.venue_time().now_ms, "recvWindow": 5_000}
    if order.algo_id is not None:
        return CANCEL_ALGO, {"clientAlgoId": order.id, **timed}
    return CANCEL_ORDER, {"symbol": SYMBOL, "origClientOrderId": order.id, **timed}


async def test_an_order_beyond_the_balance_is_an_error_of_its_own(place: TradingPlace):
    broker = place.broker()

    price = await price_at(place) * Decimal("0.97")

    with pytest.raises(InsufficientBalanceError):
        await broker.place_order(Order.of(SYMBOL, OrderSide.BUY, 500, OrderType.LIMIT, price))

    await broker.close()


async def test_an_order_with_protection_is_a_matter_for_a_session(place: TradingPlace):
    broker = place.broker()

    with pytest.raises(ValueError, match=r"kept by a session: place the order with service\.place_order"):
        await broker.place_order(Order.of(SYMBOL, OrderSide.BUY, 0.01, stop_loss="2%"))

    await broker.close()


async def test_the_client_tells_of_orders_and_positions_by_the_exchanges_names(place: TradingPlace):
    orders: list[dict[str, Any]] = []
    positions: list[dict[str, Any]] = []

    async def handle_order_update(update: dict[str, Any]) -> None:
        orders.append(update)

    async def handle_position_update(update: dict[str, Any]) -> None:
        positions.append(update)

    broker = place.broker()
    ws_client = BinanceWebSocketClient(broker)
    ws_client.subscribe("order_update", handle_order_update)
    ws_client.subscribe("position_update", handle_position_update)
    await ws_client.start()
    placed = await broker.place_order(Order.of(SYMBOL, OrderSide.BUY, 0.01))
    await until(lambda: orders and orders[-1]["status"] == "FILLED" and positions)
    await broker.place_order(Order.of(SYMBOL, OrderSide.SELL, 0.01, reduce_only=True))
    await until(lambda: Decimal(positions[-1]["positionAmt"]) == 0)
    await ws_client.close()
    await broker.close()

    assert orders[0]["clientOrderId"] == placed.order_id and isinstance(orders[0]["orderId"], int)
    first = positions[0]
    assert (first["symbol"], Decimal(first["positionAmt"])) == (SYMBOL, Decimal("0.01"))
    assert Decimal(first["markPrice"]) > 0 and {"entryPrice", "unRealizedProfit"} <= first.keys()


async def test_a_lost_connection_is_made_again_and_told(local: TradingPlace):
    told: list[str] = []

    async def note(update: dict[str, Any]) -> None:
        told.append(update.get("status", "gap"))

    broker = local.broker()
    ws_client = BinanceWebSocketClient(broker)
    ws_client.subscribe("gap", note)
    ws_client.subscribe("order_update", note)
    await ws_client.start()
    first = ws_client._stream._current

    local.admin("POST streams/cut")
    await until(lambda: ws_client._stream._current is not first)
    await broker.place_order(Order.of(SYMBOL, OrderSide.BUY, 0.01))
    await until(lambda: "FILLED" in told)

    assert told[0] == "gap"
    await ws_client.close()
    await broker.close()


async def test_what_a_handler_raises_is_raised_to_whoever_closes_and_the_others_hear_on(place: TradingPlace):
    told: list[str] = []

    async def fail(update: dict[str, Any]) -> None:
        raise LookupError(update["status"])

    async def note(update: dict[str, Any]) -> None:
        told.append(update["status"])

    broker = place.broker()
    ws_client = BinanceWebSocketClient(broker)
    ws_client.subscribe("order_update", fail)
    ws_client.subscribe("order_update", note)
    await ws_client.start()
    await broker.place_order(Order.of(SYMBOL, OrderSide.BUY, 0.01))
    await until(lambda: "FILLED" in told)
    await broker.place_order(Order.of(SYMBOL, OrderSide.SELL, 0.01, reduce_only=True))
    await until(lambda: told.count("FILLED") == 2)

    with pytest.raises(LookupError, match="NEW"):
        await ws_client.close()
    await broker.close()


def test_only_topics_that_there_are_can_be_subscribed_to(place: TradingPlace):
    async def ignore(update: dict[str, Any]) -> None:
        return

    with pytest.raises(ValueError, match="'fills' is no topic"):
        BinanceWebSocketClient(place.broker()).subscribe("fills", ignore)


def test_events_about_something_else_are_no_updates():
    assert updates_of({"e": "listenKeyExpired", "E": 1}) == []
