"""python-binance, unchanged, trades on the local exchange."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException

from tests.support.exchange_server import KEY, served

pytestmark = pytest.mark.slow


@pytest.fixture
async def binance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    async with served(tmp_path) as client:
        await client.price()
        url, address = client.server.url, client.server.address
        monkeypatch.setattr(AsyncClient, "FUTURES_URL", f"{url}/fapi")
        monkeypatch.setattr(AsyncClient, "FUTURES_DATA_URL", f"{url}/futures/data")
        monkeypatch.setattr(AsyncClient, "API_URL", f"{url}/api")
        monkeypatch.setattr(AsyncClient, "WS_FUTURES_URL", f"ws://{address}/ws-fapi/v1")
        monkeypatch.setattr(BinanceSocketManager, "FSTREAM_URL", f"ws://{address}/")
        made = await AsyncClient.create(KEY.key, KEY.secret)
        try:
            yield made
        finally:
            await made.close_connection()


async def test_orders_are_placed_asked_for_and_canceled(binance: Any):
    bid = float((await binance.futures_orderbook_ticker(symbol="BTCUSDT"))["bidPrice"])

    market = await binance.futures_create_order(
        symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01", newOrderRespType="RESULT"
    )
    limit = await binance.futures_create_order(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.01",
        price=f"{bid * 0.98:.1f}",
    )
    stop = await binance.futures_create_order(
        symbol="BTCUSDT",
        side="SELL",
        type="STOP_MARKET",
        quantity="0.01",
        stopPrice=f"{bid * 0.9:.1f}",
        reduceOnly="true",
    )
    asked = await binance.futures_get_order(symbol="BTCUSDT", orderId=limit["orderId"])
    canceled = await binance.futures_cancel_order(symbol="BTCUSDT", orderId=limit["orderId"])

    assert (market["status"], asked["status"], canceled["status"]) == ("FILLED", "NEW", "CANCELED")
    assert stop["algoStatus"] == "NEW"
    with pytest.raises(BinanceAPIException) as refused:
        await binance.futures_cancel_order(symbol="BTCUSDT", orderId=limit["orderId"])
    assert refused.value.code == -2011


async def test_the_account_is_read_in_every_version(binance: Any):
    assert (await binance.futures_account_balance())[0]["balance"] == "10000"
    assert float((await binance.futures_account())["totalWalletBalance"]) == 10_000
    assert await binance.futures_position_information() == []
    assert (await binance.futures_exchange_info())["symbols"][0]["symbol"] == "BTCUSDT"


async def test_market_and_user_streams_are_received(binance: Any):
    sockets = BinanceSocketManager(binance)

    async with (
        sockets.futures_user_socket() as user,
        sockets.symbol_ticker_futures_socket("BTCUSDT") as ticker,
    ):
        first = await asyncio.wait_for(ticker.recv(), 10)
        await binance.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        kinds = []
        while "ORDER_TRADE_UPDATE" not in kinds or "ACCOUNT_UPDATE" not in kinds:
            kinds.append((await asyncio.wait_for(user.recv(), 10))["e"])

    assert first["data"]["e"] == "bookTicker"


async def test_orders_go_over_the_websocket_api(binance: Any):
    placed = await binance.ws_futures_create_order(
        symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01"
    )

    assert placed["status"] == "NEW"
