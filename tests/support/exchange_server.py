"""A local exchange for tests: served in the test's own loop, and a client as lean as can be."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import yarl

from src.domain.market.candle import Candle
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.market_data.synthetic import SyntheticMarket
from src.infrastructure.simulated_exchange.server.app import ExchangeServer, ServerConfig
from src.infrastructure.simulated_exchange.server.clock import ServerClock, wall_ms
from src.infrastructure.simulated_exchange.server.keys import ApiKey
from src.infrastructure.simulated_exchange.server.signing import hmac_signature

KEY = ApiKey("k" * 32, "s" * 32, account=1)


class MarketOfTests(SyntheticMarket):
    """Two symbols, always the same; their past, which a server reads as it starts, is worked out once for all tests."""

    def __init__(self) -> None:
        super().__init__(["BTCUSDT", "ETHUSDT"], seed=7)

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        return list(_past(symbol, timeframe, count))


@cache
def _past(symbol: str, timeframe: str, count: int) -> tuple[Candle, ...]:
    return tuple(SyntheticMarket.history(MarketOfTests(), symbol, timeframe, count))


class Client:
    """Signs and sends requests; answers are (status, document)."""

    def __init__(self, server: ExchangeServer, session: aiohttp.ClientSession, key: ApiKey = KEY) -> None:
        self.server = server
        self.session = session
        self.key = key
        self.headers: dict[str, str] = {}

    async def call(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        """An unsigned request, its parameters in the query."""
        return await self._send(method, path, urlencode(params))

    async def signed(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        """A signed one, stamped with the present unless a timestamp is given."""
        query = urlencode({"timestamp": time.time_ns() // 1_000_000, **params})
        return await self._send(method, path, f"{query}&signature={hmac_signature(self.key.secret, query)}")

    async def post_signed(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        """A signed one with its parameters in the body, which may be longer than an address."""
        body = urlencode({"timestamp": time.time_ns() // 1_000_000, **params})
        signed, headers = (
            f"{body}&signature={hmac_signature(self.key.secret, body)}",
            {"X-MBX-APIKEY": self.key.key},
        )
        url = f"{self.server.url}{path}"
        async with self.session.request(method, url, data=signed, headers=headers) as answer:
            return answer.status, await answer.json()

    async def admin(self, method: str, path: str, **body: Any) -> Any:
        """A request to the admin API, which has to succeed."""
        async with self.session.request(method, f"{self.server.url}/admin/{path}", json=body) as answer:
            document = await answer.json()
            assert answer.status == 200, document
            return document

    async def price(self, symbol: str = "BTCUSDT") -> float:
        """The best bid, once there is one."""
        for _ in range(500):
            status, ticker = await self.call("GET", "/fapi/v1/ticker/bookTicker", symbol=symbol)
            assert status == 200, ticker
            if "bidPrice" in ticker:
                return float(ticker["bidPrice"])
            await asyncio.sleep(0.01)
        raise AssertionError(f"{symbol} has no price")

    async def _send(self, method: str, path: str, query: str) -> tuple[int, Any]:
        headers = {"X-MBX-APIKEY": self.key.key}
        # As it is: the signature is that of these very characters.
        url = yarl.URL(f"{self.server.url}{path}?{query}", encoded=True)
        async with self.session.request(method, url, headers=headers, allow_redirects=False) as answer:
            self.headers = dict(answer.headers)
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text()


def standing_clock() -> ServerClock:
    """A clock that stands still: no minute, of which limits count the requests, ends while a test makes its own."""
    now_ms = wall_ms()
    return ServerClock(lambda: now_ms)


@asynccontextmanager
async def served(folder: Path, **options: Any) -> AsyncIterator[Client]:
    """A server in ``folder`` and its client; ``options`` are those of :class:`ServerConfig`."""
    market: Callable[[], MarketSource] = options.pop("open_market", MarketOfTests)
    given: dict[str, Any] = {"admin": True, "keys": (KEY,), "synchronous": "OFF", "speed": 10.0} | options
    config = ServerConfig(folder, market, **given)
    async with ExchangeServer(config) as server, aiohttp.ClientSession() as session:
        yield Client(server, session)
