"""Connections of the market streams: one that falls silent is made anew, a gap is told, nonsense is only counted."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from src.domain.market.book import OverlayBook
from src.infrastructure.market_data.frames import BookTicker, DepthSnapshot, DepthUpdate, MarketEvent
from src.infrastructure.streams import book_of_a_stream
from src.infrastructure.streams.binance_market_stream import BinanceMarketStream
from tests.infrastructure.streams.small_exchange import small_exchange

SYMBOL = "BTCUSDT"
BOOK = {"lastUpdateId": 10, "E": 1, "T": 1, "bids": [["1", "1"]], "asks": [["2", "1"]]}


def an_update(previous: int, final: int) -> str:
    event = {"e": "depthUpdate", "E": 1, "T": 1, "s": SYMBOL, "U": previous + 1, "u": final, "pu": previous}
    return json.dumps({"stream": "btcusdt@depth@100ms", "data": event | {"b": [], "a": []}})


def a_quote(number: int) -> str:
    event = {
        "e": "bookTicker",
        "E": 1,
        "T": 1,
        "s": SYMBOL,
        "u": number,
        "b": "1",
        "B": "1",
        "a": "2",
        "A": "1",
    }
    return json.dumps({"stream": "btcusdt@bookTicker", "data": event})


class Speaker:
    """An exchange of a few lines: what its book answers, and what each new public connection is told.

    With ``newest`` set, its events never follow each other.
    """

    def __init__(self) -> None:
        self.books: list[Any] = []
        self.messages: list[str] = []
        self.later: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.connections: list[str] = []
        self.asked_s: list[float] = []
        self.newest: int | None = None

    @property
    def asked(self) -> int:
        return len(self.asked_s)

    async def depth(self, request: web.Request) -> web.Response:
        self.asked_s.append(asyncio.get_running_loop().time())
        if self.newest is not None:
            return web.json_response(BOOK | {"lastUpdateId": self.newest + 5})
        return web.json_response(self.books.pop(0) if len(self.books) > 1 else self.books[0])

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections.append(request.path)
        if request.path.startswith("/public"):
            for message in self.messages:
                await socket.send_str(message)
            await self.go_on.wait()
            for message in self.later:
                await socket.send_str(message)
            while self.newest is not None and not socket.closed:
                # Each event leaves a gap behind the one before, and behind a book of before it.
                self.newest += 10
                await socket.send_str(an_update(self.newest - 3, self.newest))
                with suppress(TimeoutError):
                    await socket.receive(timeout=0.005)
        async for _ in socket:
            pass
        return socket


class Listener:
    """A stream of one symbol, and everything it has told."""

    def __init__(self, stream_of: Any) -> None:
        self.frames: list[MarketEvent] = []
        self.fails = 0
        self.gaps: list[str] = []
        self.heard: list[bool] = []
        self.stream: BinanceMarketStream = stream_of(self)

    def hear(self, frame: MarketEvent) -> None:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("a listener failed")
        self.frames.append(frame)

    async def until(self, is_so: Any) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(speaker: Speaker, folder: Path, silence_s: float = 30.0) -> AsyncIterator[Listener]:
    routes = [web.get("/fapi/v1/depth", speaker.depth), web.get("/{route}/stream", speaker.stream)]
    async with small_exchange(folder, routes) as (client, ws_url):
        listener = Listener(
            lambda told: BinanceMarketStream(
                client,
                ws_url,
                [SYMBOL],
                told.hear,
                on_gap=told.gaps.append,
                on_trades=told.heard.append,
                silence_s=silence_s,
            )
        )
        await listener.stream.open()
        try:
            yield listener
        finally:
            await listener.stream.close()


@pytest.fixture
def speaker() -> Speaker:
    speaker = Speaker()
    speaker.books = [BOOK]
    return speaker


async def test_a_connection_that_stands_and_says_nothing_is_made_anew(
    speaker: Speaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "steadyhand.market")
    async with listening(speaker, tmp_path, silence_s=0.05) as listener:
        await listener.until(lambda: listener.stream.links.get("market"))
        lost = dict(listener.stream.links)
        await listener.until(lambda: speaker.connections.count("/market/stream") > 2)

    assert lost["market"] == "TimeoutError"
    told = [record.message for record in caplog.records if vars(record)["route"] == "market"]
    assert told[:3] == ["market.connection_lost", "market.connection_back", "market.connection_lost"]
    assert listener.heard[:4] == [True, False, True, False]


async def test_a_listener_that_fails_costs_a_connection_and_not_the_market(
    speaker: Speaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    speaker.messages = [a_quote(1)]

    async with listening(speaker, tmp_path) as listener:
        listener.fails = 1
        await listener.until(lambda: any(isinstance(one, BookTicker) for one in listener.frames))

    assert speaker.connections.count("/public/stream") == 2
    assert "a listener failed" in caplog.text


async def test_a_gap_is_told_before_the_book_that_ends_it(speaker: Speaker, tmp_path: Path):
    speaker.books = [BOOK, BOOK | {"lastUpdateId": 40}]
    speaker.messages, speaker.later = [an_update(5, 12), an_update(12, 15)], [an_update(30, 45)]
    speaker.go_on.clear()

    async with listening(speaker, tmp_path) as listener:
        await listener.until(lambda: any(isinstance(one, DepthUpdate) for one in listener.frames))
        speaker.go_on.set()
        await listener.until(lambda: sum(isinstance(one, DepthSnapshot) for one in listener.frames) == 2)

    told = [one.last_update_id for one in listener.frames if isinstance(one, DepthSnapshot)]
    assert told == [10, 40]
    assert listener.gaps == [SYMBOL, SYMBOL]
    assert isinstance(listener.frames[-1], DepthUpdate)
    assert listener.frames[-1].final_update_id == 45


async def test_the_book_is_asked_for_when_there_is_an_event_to_join_it_to(speaker: Speaker, tmp_path: Path):
    speaker.later = [an_update(5, 12)]
    speaker.go_on.clear()

    async with listening(speaker, tmp_path) as listener:
        await listener.until(lambda: "/public/stream" in speaker.connections)
        await asyncio.sleep(0.05)
        asked_before = speaker.asked
        speaker.go_on.set()
        await listener.until(lambda: listener.frames)

    assert asked_before == 0
    assert speaker.asked == 1


async def test_a_book_that_cannot_be_read_is_counted_and_asked_for_again(
    speaker: Speaker, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(book_of_a_stream, "RESYNC_S", 0.01)
    speaker.books = [[], {"lastUpdateId": 9}, BOOK | {"bids": 3}, BOOK]
    nonsense = ["{", '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate"}}']
    speaker.messages = [*nonsense, an_update(5, 12)]

    async with listening(speaker, tmp_path) as listener:
        await listener.until(lambda: listener.frames)

    assert isinstance(listener.frames[0], DepthSnapshot)
    assert listener.stream.bad_messages == 5
    assert [record.message for record in caplog.records] == ["market.bad_messages"]


async def test_a_book_that_shows_a_part_of_what_the_stream_has_yet_to_tell_is_joined(
    speaker: Speaker, tmp_path: Path
):
    speaker.books = [BOOK | {"lastUpdateId": 25}]
    speaker.messages, speaker.later = [an_update(10, 20)], [an_update(20, 30), an_update(30, 40)]
    speaker.go_on.clear()

    async with listening(speaker, tmp_path) as listener:
        await listener.until(lambda: listener.frames)
        speaker.go_on.set()
        await listener.until(lambda: len(listener.frames) == 3)

    book = OverlayBook(SYMBOL)
    snapshot, *events = listener.frames
    assert isinstance(snapshot, DepthSnapshot)
    assert book.apply_snapshot(snapshot.last_update_id, snapshot.bids, snapshot.asks)
    for event in events:
        assert isinstance(event, DepthUpdate)
        chain = event.first_update_id, event.final_update_id, event.previous_final_update_id
        assert book.apply_depth(*chain, event.bids, event.asks)
    assert book.is_whole and book.update_id == 40
    assert speaker.asked == 1
    assert listener.stream.resyncs == 0


async def test_a_book_whose_stream_has_a_gap_after_each_snapshot_is_asked_for_with_growing_pauses(
    speaker: Speaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(book_of_a_stream, "RESYNC_S", 0.05)
    speaker.newest = 10

    async with listening(speaker, tmp_path) as listener:
        await listener.until(lambda: speaker.asked == 4)

    pauses = [later - earlier for earlier, later in itertools.pairwise(speaker.asked_s)]
    assert listener.stream.resyncs >= 3
    assert pauses[0] >= 0.05
    assert pauses[1] >= 0.1
    assert pauses[2] >= 0.2
