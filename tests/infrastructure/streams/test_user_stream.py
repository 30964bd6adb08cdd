"""The user stream: whatever ends the reading of its events is told as its end, as nothing is sent again."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from src.application.ports.broker import NetworkError
from src.infrastructure.brokers.binance_endpoints import KEEP_LISTEN_KEY, Endpoint
from src.infrastructure.streams.binance_user_stream import BinanceUserStream
from tests.infrastructure.streams.small_exchange import small_exchange


async def issue_key(request: web.Request) -> web.Response:
    return web.json_response({"listenKey": "listen"})


async def speak(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("an event")
    async for _ in socket:
        pass
    return socket


ROUTES = [web.route("*", "/fapi/v1/listenKey", issue_key), web.get("/private/ws/listen", speak)]


async def test_an_event_that_nobody_can_take_is_the_end_of_the_stream(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    def fail(event: str) -> None:
        raise RuntimeError("nobody can take it")

    ends: asyncio.Queue[str] = asyncio.Queue()
    async with small_exchange(tmp_path, ROUTES) as (client, ws_url):
        stream = BinanceUserStream(client, ws_url)
        await stream.open(fail, ends.put_nowait)
        reason = await asyncio.wait_for(ends.get(), 5)
        await stream.close()

    assert reason == "it could not be read on: RuntimeError"
    assert "nobody can take it" in caplog.text


@pytest.mark.parametrize("answer", [{}, [], None, {"listenKey": None}])
async def test_without_a_listen_key_the_stream_does_not_open(tmp_path: Path, answer: object):
    async def say(request: web.Request) -> web.Response:
        return web.json_response(answer)

    async with small_exchange(tmp_path, [web.route("*", "/fapi/v1/listenKey", say)]) as (client, ws_url):
        with pytest.raises(NetworkError, match="no listen key"):
            await BinanceUserStream(client, ws_url).open(print, print)


async def test_the_end_of_a_stream_leaves_the_account_its_key(tmp_path: Path):
    asked: list[str] = []

    async def issue(request: web.Request) -> web.Response:
        asked.append(request.method)
        return await issue_key(request)

    routes = [web.route("*", "/fapi/v1/listenKey", issue), ROUTES[1]]
    async with small_exchange(tmp_path, routes) as (client, ws_url):
        stream = BinanceUserStream(client, ws_url)
        await stream.open(print, print)
        await stream.close()

    assert asked == ["POST"]


async def test_a_key_that_somebody_has_replaced_is_the_end_of_the_stream(tmp_path: Path):
    async def issue(request: web.Request) -> web.Response:
        return web.json_response({"listenKey": "listen" if request.method == "POST" else "another"})

    ends: asyncio.Queue[str] = asyncio.Queue()
    routes = [web.route("*", "/fapi/v1/listenKey", issue), ROUTES[1]]
    async with small_exchange(tmp_path, routes) as (client, ws_url):
        stream = BinanceUserStream(client, ws_url)
        stream._keep_alive_s = 0.01
        await stream.open(print, ends.put_nowait)
        reason = await asyncio.wait_for(ends.get(), 5)
        await stream.close()

    assert reason == "somebody has ended the listen key, and there is another"


@pytest.mark.parametrize("answer", [{}, {"listenKey": "listen"}, []])
async def test_a_key_that_is_kept_goes_on_whether_the_exchange_names_it_or_not(
    tmp_path: Path, answer: object
):
    kept: asyncio.Queue[str] = asyncio.Queue()

    async def issue(request: web.Request) -> web.Response:
        if request.method == "POST":
            return await issue_key(request)
        kept.put_nowait(request.method)
        return web.json_response(answer)

    ends: list[str] = []
    routes = [web.route("*", "/fapi/v1/listenKey", issue), ROUTES[1]]
    async with small_exchange(tmp_path, routes) as (client, ws_url):
        stream = BinanceUserStream(client, ws_url)
        stream._keep_alive_s = 0.01
        await stream.open(print, ends.append)
        async with asyncio.timeout(5):
            told = [await kept.get() for _ in range(3)]
        await stream.close()

    assert (told, ends) == (["PUT"] * 3, [])


async def test_a_question_that_hears_of_no_cancel_does_not_hold_up_the_end_of_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An HTTP client whose time for an answer ends just when it is canceled makes a failed request of both."""
    asked = asyncio.Event()
    async with small_exchange(tmp_path, ROUTES) as (client, ws_url):
        read = client.read

        async def hear_of_no_cancel(endpoint: Endpoint) -> object:
            if endpoint is not KEEP_LISTEN_KEY:
                return await read(endpoint)
            asked.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise NetworkError("no answer in time") from None
            return {}

        monkeypatch.setattr(client, "read", hear_of_no_cancel)
        stream = BinanceUserStream(client, ws_url)
        stream._keep_alive_s = 0.5
        await stream.open(print, print)
        await asked.wait()

        await asyncio.wait_for(stream.close(), 0.4)
