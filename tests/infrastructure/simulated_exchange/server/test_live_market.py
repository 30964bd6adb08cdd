"""A local exchange whose market is another exchange's, as it happens: here a second local one stands for Binance."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from src.infrastructure.brokers.binance_places import Place, local_place
from src.infrastructure.market_data.frames import MarketFrame
from src.infrastructure.market_data.source import SourceError
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.server import app
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.past import TIMEFRAMES
from src.infrastructure.streams.binance_public_market import BinancePublicMarket
from tests.support.engine_builders import BTC, Frames
from tests.support.exchange_server import Client, served
from tests.support.venue_on_sockets import SilentMarket

ORDER = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.010"}
HALTED = -4140
PATIENCE_S = 10.0
TICK_S = 0.01


@pytest.fixture(autouse=True)
def both_tick_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told once in a second is told five times."""
    monkeypatch.setattr(app, "TICK_S", TICK_S)


class Source:
    """The exchange that is followed: its market is made by hand."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.server = client.server
        self._frames = Frames(start_ms=client.server.services.venue.clock.now_ms())

    def quote(self, bid: str, ask: str) -> None:
        self._happen(self._frames.mark(bid))
        self._happen(self._frames.ticker(bid, ask))

    def _happen(self, frame: MarketFrame) -> None:
        services = self.server.services
        services.venue.writing().on_frame(frame)
        services.market.take(frame)


class Steady:
    """A clock that nobody sets, but that a test moves on."""

    def __init__(self) -> None:
        self.ahead_s = 0

    def __call__(self) -> int:
        return time.monotonic_ns() + self.ahead_s * 1_000_000_000


@asynccontextmanager
async def a_source(folder: Path, port: int = 0) -> AsyncIterator[Source]:
    async with served(folder / "source", open_market=SilentMarket, port=port) as client:
        source = Source(client)
        source.quote("76000.00", "76000.10")
        yield source


@asynccontextmanager
async def following(folder: Path, place: Place, steady: Steady | None = None) -> AsyncIterator[Client]:
    """An exchange that follows another one."""
    market = BinancePublicMarket(place, [BTC], folder / "weight", candles=TIMEFRAMES, first_news_s=3.0)
    try:
        await market.open()
        clock = ServerClock(steady_ns=steady or time.monotonic_ns)
        async with served(folder / "follower", open_market=market, clock=clock) as client:
            yield client
    finally:
        await market.close()


async def until(client: Client, *, is_known: bool) -> dict[str, Any]:
    """Wait until the market is known, or not; return what the admin API says of it then."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            state: dict[str, Any] = await client.admin("GET", "market")
            status = client.server.services.venue.engine.symbol_status(BTC)
            if state["symbols"][BTC]["is_known"] is is_known and (status == "TRADING") is is_known:
                return state
            await asyncio.sleep(0.01)


async def until_asked(client: Client, price: str) -> None:
    """Wait until this is the best ask that the exchange knows."""
    async with asyncio.timeout(PATIENCE_S):
        ticker: dict[str, Any] = {}
        while ticker.get("askPrice") != price:
            await asyncio.sleep(0.01)
            _, ticker = await client.call("GET", "/fapi/v1/ticker/bookTicker", symbol=BTC)


async def price_of_a_fill(client: Client) -> float:
    status, order = await client.signed("POST", "/fapi/v1/order", **ORDER)
    assert status == 200, order
    trades = (await client.signed("GET", "/fapi/v1/userTrades", symbol=BTC))[1]
    assert trades[-1]["orderId"] == order["orderId"]
    return float(trades[-1]["price"])


async def test_an_order_fills_at_the_price_of_the_market_that_is_followed(tmp_path: Path):
    async with a_source(tmp_path) as source, following(tmp_path, local_place(source.server.url)) as client:
        state = await until(client, is_known=True)
        first = await price_of_a_fill(client)
        source.quote("75000.00", "75000.10")
        await until_asked(client, "75000.10")
        second = await price_of_a_fill(client)

    assert (first, second) == (76000.10, 75000.10)
    assert state["kind"] == "live"
    assert state["source"] == source.server.url
    assert state["connections"] == {"public": "open", "market": "open"}


async def test_while_the_book_is_old_nothing_is_taken_but_orders_can_be_canceled(tmp_path: Path):
    steady = Steady()
    async with (
        a_source(tmp_path) as source,
        following(tmp_path, local_place(source.server.url), steady) as client,
    ):
        await until(client, is_known=True)
        resting = ORDER | {
            "type": "LIMIT",
            "price": "75990.00",
            "timeInForce": "GTC",
            "newClientOrderId": "r",
        }
        assert (await client.signed("POST", "/fapi/v1/order", **resting))[0] == 200

        steady.ahead_s = 60
        await until(client, is_known=False)
        refusal = await client.signed("POST", "/fapi/v1/order", **ORDER)
        listed = (await client.call("GET", "/fapi/v1/exchangeInfo"))[1]["symbols"][0]["status"]
        canceled = await client.signed("DELETE", "/fapi/v1/order", symbol=BTC, origClientOrderId="r")
        source.quote("74000.00", "74000.10")
        await until(client, is_known=True)
        price = await price_of_a_fill(client)

    assert (refusal[0], refusal[1]["code"]) == (400, HALTED)
    assert listed == "TRADING_HALT"
    assert canceled[1]["status"] == "CANCELED"
    assert price == 74000.10


async def test_the_market_goes_on_when_its_source_was_away_and_begins_anew(tmp_path: Path):
    steady = Steady()
    async with AsyncExitStack() as first:
        source = await first.enter_async_context(a_source(tmp_path / "one"))
        async with following(tmp_path, local_place(source.server.url), steady) as client:
            await until(client, is_known=True)
            before = await price_of_a_fill(client)
            for price in range(76001, 76030):
                source.quote(f"{price}.00", f"{price}.10")
            await until_asked(client, "76029.10")

            await first.aclose()
            steady.ahead_s = 60
            away = await until(client, is_known=False)
            refusal = await client.signed("POST", "/fapi/v1/order", **ORDER)
            async with a_source(tmp_path / "two", source.server.port) as again:
                again.quote("70000.00", "70000.10")
                back = await until(client, is_known=True)
                after = await price_of_a_fill(client)

    assert (before, after) == (76000.10, 70000.10)
    assert refusal[1]["code"] == HALTED
    assert "open" not in away["connections"].values()
    assert back["connections"] == {"public": "open", "market": "open"}


async def test_messages_that_are_no_frames_are_counted_and_change_nothing(tmp_path: Path):
    async with a_source(tmp_path) as source, following(tmp_path, local_place(source.server.url)) as client:
        await until(client, is_known=True)
        for nonsense in (
            "[]",
            "null",
            '{"e":"bookTicker","u":"x"}',
            '{"e":"bookTicker","s":"BTCUSDT","b":"-1"}',
        ):
            source.server.hub.publish("btcusdt@bookTicker", nonsense)
        source.server.hub.flush()
        async with asyncio.timeout(PATIENCE_S):
            while (await client.admin("GET", "market"))["bad_messages"] < 4:
                await asyncio.sleep(0.01)
        price = await price_of_a_fill(client)

    assert price == 76000.10


async def test_an_old_mark_price_is_not_told_as_the_one_of_now(tmp_path: Path):
    steady = Steady()
    async with (
        a_source(tmp_path) as source,
        following(tmp_path, local_place(source.server.url), steady) as client,
    ):
        await until(client, is_known=True)
        url = f"{client.server.url}/market/ws/btcusdt@markPrice@1s"
        async with client.session.ws_connect(url) as socket:
            fresh = await socket.receive_json(timeout=3)
            source.server.services.market.views[BTC].mark = None
            steady.ahead_s = 60
            await until(client, is_known=False)
            with pytest.raises(TimeoutError):
                await socket.receive_json(timeout=40 * TICK_S)

    assert fresh["p"] == "76000.00"


async def test_candles_of_before_are_those_of_the_source(tmp_path: Path):
    async with (
        served(tmp_path / "source", speed=1.0) as source,
        following(tmp_path, local_place(source.server.url)) as client,
    ):
        for interval in ("1m", "1h", "1d"):
            asked = {"symbol": BTC, "interval": interval, "limit": 50}
            theirs, ours = [
                (await each.call("GET", "/fapi/v1/klines", **asked))[1] for each in (source, client)
            ]
            closed = {row[0]: row[1:5] for row in theirs[:-1]}
            same = [row[1:5] == closed[row[0]] for row in ours if row[0] in closed]
            assert len(same) > 40
            assert all(same)


async def test_positions_outlast_the_server_and_belong_to_the_market_they_were_opened_in(tmp_path: Path):
    async with a_source(tmp_path) as source, a_source(tmp_path / "other") as other:
        place = local_place(source.server.url)
        async with following(tmp_path, place) as client:
            await until(client, is_known=True)
            await price_of_a_fill(client)
        async with following(tmp_path, place) as client:
            held = (await client.signed("GET", "/fapi/v3/positionRisk"))[1]
        with pytest.raises(ExchangeFailure, match="use another data folder"):
            async with following(tmp_path, local_place(other.server.url)):
                pass
        with pytest.raises(ExchangeFailure, match="use another data folder"):
            async with served(tmp_path / "follower"):
                pass

    assert [(row["symbol"], float(row["positionAmt"])) for row in held] == [(BTC, 0.01)]


async def refused_to_open(folder: Path, place: Place, *symbols: str) -> str:
    market = BinancePublicMarket(place, symbols or [BTC], folder / "weight", first_news_s=0.3)
    try:
        with pytest.raises(SourceError) as no:
            await market.open()
    finally:
        await market.close()
    return str(no.value)


async def test_what_keeps_a_market_from_being_followed_is_said_in_one_line(tmp_path: Path):
    nowhere = "http://127.0.0.1:1"
    async with a_source(tmp_path) as source:
        url = source.server.url
        unreachable = await refused_to_open(tmp_path, local_place(nowhere))
        unlisted = await refused_to_open(tmp_path, local_place(url), BTC, "ETHUSDT")
        mute = await refused_to_open(tmp_path, Place(url, "ws://127.0.0.1:1", None))
        other = await refused_to_open(tmp_path, local_place(f"{url}/nothing"))
        await source.client.admin("POST", "limits", weight=2, forget=True)
        too_many = await refused_to_open(tmp_path, local_place(url))

    assert unreachable.startswith(f"{nowhere} does not answer (GET time")
    assert unlisted.startswith(f"ETHUSDT cannot be traded at {url}")
    assert mute.startswith("the streams at ws://127.0.0.1:1 send nothing (")
    assert other.startswith(f"{url}/nothing does not answer")
    assert too_many.startswith(f"{url} may not be asked at present")
    assert not any("\n" in line for line in (unreachable, unlisted, mute, other, too_many))
