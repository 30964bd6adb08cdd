"""The Binance broker over real sockets, against the local exchange, whose market is made by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from src.application.ports.broker import Broker
from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.brokers.binance_futures_broker import BinanceFuturesBroker
from src.infrastructure.brokers.binance_places import local_place
from src.infrastructure.market_data.frames import MarketFrame
from src.infrastructure.market_data.source import OnFrame, SourceStatistics
from src.infrastructure.simulated_exchange.rules import HOUR_MS, ExchangeRules
from src.infrastructure.simulated_exchange.server.app import ExchangeServer
from tests.support.broker_venue import Heard
from tests.support.engine_builders import BTC, Frames, an_instrument
from tests.support.exchange_server import KEY, served

QUIET_S: Final = 0.03
PATIENCE_S: Final = 2.0


class SilentMarket:
    """A market that never says anything by itself. Implements MarketSource."""

    description = "silence"
    symbols: tuple[str, ...] = (BTC,)
    instruments: dict[str, Instrument]
    next_ns = None
    start_ns = 0

    def __init__(self) -> None:
        self.instruments = {BTC: an_instrument()}
        self.statistics = SourceStatistics()

    def next_frame(self, by_ns: int | None = None) -> MarketFrame | None:
        return None

    def cursor(self) -> str:
        return ""

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        return 0

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        return []

    def close(self) -> None:
        return


class SocketVenue:
    """The venue of the contract: a broker, its server, and a hand on the market."""

    def __init__(self, server: ExchangeServer, folder: Path, **broker: Any) -> None:
        self.server = server
        self.heard = Heard()
        self.binance = BinanceFuturesBroker(
            KEY.key,
            KEY.secret,
            place=local_place(server.url),
            weight_file=folder / "weight",
            weight_max=1_000_000,
            **broker,
        )
        self.broker: Broker = self.binance
        self._frames = Frames(start_ms=server.services.venue.clock.now_ms())

    async def settle(self) -> None:
        """Until nothing has arrived for a moment."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + PATIENCE_S
        before, since = -1, loop.time()
        while loop.time() < give_up and loop.time() - since < QUIET_S:
            await asyncio.sleep(0.002)
            if len(self.heard.order_of_arrival) != before:
                before, since = len(self.heard.order_of_arrival), loop.time()

    def quote(self, bid: str, ask: str) -> None:
        self._happen(self._frames.ticker(bid, ask))

    def trade(self, price: str, quantity: str) -> None:
        self._happen(self._frames.trade(price, quantity))

    def pay_funding(self) -> None:
        venue = self.server.services.venue
        venue.writing().advance_time((venue.clock.now_ms() // HOUR_MS + 1) * HOUR_MS)

    def _happen(self, frame: MarketFrame) -> None:
        services = self.server.services
        services.venue.writing().on_frame(frame)
        services.market.take(frame)


@asynccontextmanager
async def a_socket_venue(folder: Path, **options: Any) -> AsyncIterator[SocketVenue]:
    """A served exchange with a quote of 76000.00 / 76000.10, and an open broker; ``options`` are the server's."""
    broker = options.pop("broker", {})
    defaults = {"rules": ExchangeRules(funding_interval_ms=HOUR_MS), "open_market": SilentMarket}
    async with served(folder / "exchange", **(defaults | options)) as client:
        venue = SocketVenue(client.server, folder, **broker)
        venue.quote("76000.00", "76000.10")
        await venue.broker.open(venue.heard)
        try:
            yield venue
        finally:
            await venue.broker.close()
