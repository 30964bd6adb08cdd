"""Binance's own connector, unchanged, trades on the local exchange."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)

from tests.support.exchange_server import KEY, Client, served

pytestmark = pytest.mark.slow


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        await client.price()
        yield client


def connector(client: Client) -> Any:
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(KEY.key, KEY.secret, base_path=client.server.url, retries=0),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"ws://{client.server.address}"),
        config_ws_api=ConfigurationWebSocketAPI(
            KEY.key, KEY.secret, stream_url=f"ws://{client.server.address}/ws-fapi/v1"
        ),
    )


async def test_orders_are_placed_and_refused_over_rest(client: Client):
    rest = connector(client).rest_api

    def trade() -> tuple[Any, Any, Any]:
        placed = rest.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01).data()
        balance = rest.futures_account_balance_v3().data()
        with pytest.raises(BadRequestError) as refused:
            rest.cancel_order(symbol="BTCUSDT", order_id=999)
        return placed, balance, refused.value

    placed, balance, refused = await asyncio.to_thread(trade)

    assert placed.status == "NEW" and placed.order_id == 1
    assert balance[0].asset == "USDT"
    assert "Unknown order sent" in str(refused)


async def test_streams_are_received(client: Client):
    streams = connector(client).websocket_streams
    connection = await streams.create_connection()
    received: asyncio.Queue[Any] = asyncio.Queue()

    stream = await connection.individual_symbol_book_ticker_streams(symbol="btcusdt")
    stream.on("message", received.put_nowait)
    first = await asyncio.wait_for(received.get(), 10)
    await connection.close_connection(close_session=True)

    assert first.s == "BTCUSDT"


async def test_orders_go_over_the_websocket_api(client: Client):
    connection = await connector(client).websocket_api.create_connection()

    answer = await connection.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01)
    await connection.close_connection(close_session=True)

    assert answer.data().result.order_id == 1
