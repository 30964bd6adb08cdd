"""Stream connections: where streams are carried, what is answered, and that their payloads chain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from src.infrastructure.simulated_exchange.server.users import LIFE_MS
from tests.support.exchange_server import Client, served

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}


@asynccontextmanager
async def connected(client: Client, path: str) -> AsyncIterator[ClientWebSocketResponse]:
    async with client.session.ws_connect(f"{client.server.url}{path}") as socket:
        yield socket


async def listen_key(client: Client) -> str:
    key: str = (await client.call("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    return key


STREAMS = {
    "/public/ws/btcusdt@bookTicker": "bookTicker",
    "/public/ws/btcusdt@depth@100ms": "depthUpdate",
    "/public/ws/btcusdt@depth@0ms": "depthUpdate",
    "/public/ws/btcusdt@depth5@0ms": "depthUpdate",
    "/public/ws/btcusdt@depth5": "depthUpdate",
    "/market/ws/btcusdt@aggTrade": "aggTrade",
    "/market/ws/btcusdt@markPrice@1s": "markPriceUpdate",
    "/market/ws/btcusdt@kline_1m": "kline",
    "/market/ws/btcusdt@ticker": "24hrTicker",
    "/market/ws/btcusdt@miniTicker": "24hrMiniTicker",
    "/market/ws/btcusdt_perpetual@continuousKline_1m": "continuous_kline",
    "/ws/btcusdt@bookTicker": "bookTicker",
}


async def test_each_stream_is_carried_where_it_belongs(client: Client):
    async def first_kind(path: str) -> str:
        async with connected(client, path) as socket:
            kind: str = (await socket.receive_json(timeout=5))["e"]
            return kind

    # All at once: the slowest speak every two seconds.
    assert dict(zip(STREAMS, await asyncio.gather(*map(first_kind, STREAMS)), strict=True)) == STREAMS


async def test_a_stream_in_the_wrong_place_is_acknowledged_and_silent(client: Client):
    async with connected(client, "/public/ws") as socket:
        request = {"method": "SUBSCRIBE", "params": ["btcusdt@markPrice@1s"], "id": 1}
        await socket.send_json(request)
        await socket.send_json(request | {"params": ["btcusdt@bookTicker"], "id": "a-b"})

        assert await socket.receive_json(timeout=5) == {"result": None, "id": 1}
        heard = [await socket.receive_json(timeout=5) for _ in range(20)]

    assert {"result": None, "id": "a-b"} in heard
    assert {event.get("e") for event in heard} == {None, "bookTicker"}


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ('{"method":"LIST_SUBSCRIPTIONS","id":3}', {"result": [], "id": 3}),
        ('{"method":"GET_PROPERTY","params":["combined"],"id":2}', {"result": False, "id": 2}),
        ('{"method":"SET_PROPERTY","params":["combined",true],"id":5}', {"result": None, "id": 5}),
        (
            '{"method":"SET_PROPERTY","params":["x",true],"id":5}',
            {"error": {"code": 0, "msg": "Unknown property"}, "id": 5},
        ),
    ],
)
async def test_requests_are_answered_as_documented(client: Client, message: str, reply: dict[str, Any]):
    async with connected(client, "/public/ws") as socket:
        await socket.send_str(message)

        assert await socket.receive_json(timeout=5) == reply


async def test_nonsense_is_answered_with_an_error_and_the_connection_lives(client: Client):
    async with connected(client, "/public/ws") as socket:
        for message in (
            "x",
            "[]",
            "{}",
            '{"method":"DANCE","id":1}',
            '{"method":"SUBSCRIBE","params":[1],"id":1}',
        ):
            await socket.send_str(message)
            assert "error" in await socket.receive_json(timeout=5)


async def test_too_many_messages_end_the_connection(client: Client):
    async with connected(client, "/public/ws") as socket:
        for number in range(40):
            await socket.send_str(f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}')
        received = [await socket.receive(timeout=5) for _ in range(12)]

    assert received[-1].type in (WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE, WSMsgType.CLOSING)


async def test_a_ping_is_answered_with_its_own_payload(client: Client):
    url = f"{client.server.url}/public/ws"
    async with client.session.ws_connect(url, autoping=False) as socket:
        await socket.ping(b"still there?")
        answer = await socket.receive(timeout=5)

    assert (answer.type, bytes(answer.data)) == (WSMsgType.PONG, b"still there?")


async def test_depth_updates_chain_and_lead_to_the_book_that_rest_shows(client: Client):
    async with connected(client, "/public/ws/btcusdt@depth@100ms") as socket:
        previous = await socket.receive_json(timeout=5)
        _, snapshot = await client.call("GET", "/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
        bids = dict(snapshot["bids"])
        for _ in range(12):
            update = await socket.receive_json(timeout=5)
            assert update["pu"] == previous["u"]
            assert update["U"] <= update["u"]
            if update["u"] >= snapshot["lastUpdateId"]:
                bids.update(update["b"])
            previous = update
        _, later = await client.call("GET", "/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
        while previous["u"] < later["lastUpdateId"]:
            previous = await socket.receive_json(timeout=5)
            bids.update(previous["b"])

    if previous["u"] == later["lastUpdateId"]:
        live = {price: quantity for price, quantity in bids.items() if float(quantity)}
        assert live == dict(later["bids"])


async def test_a_fill_is_told_in_the_documented_order(client: Client):
    key = await listen_key(client)
    async with connected(client, f"/private/ws?listenKey={key}") as socket:
        await client.signed("POST", "/fapi/v1/order", **ORDER)
        kinds = [(await socket.receive_json(timeout=5)) for _ in range(4)]

    updates = [event for event in kinds if event["e"] == "ORDER_TRADE_UPDATE"]
    assert [event["o"]["x"] for event in updates] == ["NEW", "TRADE"]
    assert {event["e"] for event in kinds} == {"ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE"}


async def test_user_events_may_be_wrapped_and_filtered(client: Client):
    key = await listen_key(client)
    path = f"/private/stream?listenKey={key}&events=ACCOUNT_UPDATE"
    async with connected(client, path) as socket:
        await client.signed("POST", "/fapi/v1/order", **ORDER)
        wrapped = await socket.receive_json(timeout=5)

    assert wrapped["stream"] == key
    assert wrapped["data"]["e"] == "ACCOUNT_UPDATE"


async def test_a_listen_key_is_one_an_account_and_lives_an_hour(client: Client):
    key = await listen_key(client)
    users, clock = client.server.services.users, client.server.services.venue.clock

    async with connected(client, f"/private/ws/{key}") as socket:
        assert await listen_key(client) == key
        users.expire(clock.now_ms() + LIFE_MS + 1)
        client.server.hub.flush()
        expired = await socket.receive_json(timeout=5)
        await client.signed("POST", "/fapi/v1/order", **ORDER)

        assert (expired["e"], expired["listenKey"]) == ("listenKeyExpired", key)
        assert (await client.call("PUT", "/fapi/v1/listenKey"))[1]["code"] == -1125
        assert await listen_key(client) != key


async def test_a_connection_is_cut_at_the_end_of_its_life(tmp_path: Path):
    async with served(tmp_path, stream_life_s=0.2) as client, connected(client, "/public/ws") as socket:
        assert (await socket.receive(timeout=5)).type in (WSMsgType.CLOSED, WSMsgType.CLOSE)


async def test_paths_without_a_category_carry_public_streams_only_when_they_are_strict(tmp_path: Path):
    async with served(tmp_path, strict_routes=True) as client:
        await client.price()
        async with connected(client, "/ws/btcusdt@markPrice@1s/btcusdt@bookTicker") as socket:
            heard = {(await socket.receive_json(timeout=5))["e"] for _ in range(30)}

    assert heard == {"bookTicker"}
