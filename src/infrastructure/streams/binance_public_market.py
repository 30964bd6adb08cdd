"""The market of an exchange as anybody may watch it: public streams and reads, no key, no order.

It is for those who need another exchange's market as it is now, the local exchange above all. Bad messages are counted
and passed over, a lost connection is made again for ever; what that means for what is known is in the news themselves
(a gap, and the age of what was stated) and for their reader to judge.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from src.application.ports.broker import BrokerError, RateLimitError
from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_places import Place
from src.infrastructure.brokers.binance_reads import BinanceReads
from src.infrastructure.brokers.binance_transport import BinanceTransport
from src.infrastructure.brokers.venue_clock import VenueClock
from src.infrastructure.brokers.weight_budget import WeightBudget
from src.infrastructure.market_data.frames import BookGap, News
from src.infrastructure.market_data.instruments import shipped_instrument
from src.infrastructure.market_data.source import SourceError
from src.infrastructure.streams.binance_market_stream import BinanceMarketStream
from src.infrastructure.streams.ending import end_tasks
from src.infrastructure.time.machine import HERE

FIRST_NEWS_S: Final = 15.0
CLOCK_S: Final = 600.0
_UNREADABLE: Final = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)

Answer = TypeVar("Answer")


class BinancePublicMarket:
    """The news of some symbols, between :meth:`open` and :meth:`close`; one reader, in the loop that opened it.

    ``weight_file`` is shared by all processes of the host; ``candles`` are the timeframes, with how many of each, that
    :meth:`history` can tell; ``first_news_s`` is how long the first message of the streams is waited for.
    """

    def __init__(
        self,
        place: Place,
        symbols: Sequence[str],
        weight_file: Path,
        *,
        candles: Sequence[tuple[str, int]] = (),
        first_news_s: float = FIRST_NEWS_S,
    ) -> None:
        self._place = place
        self._symbols = tuple(symbols)
        self._candles = candles
        self._first_news_s = first_news_s
        self._clock = VenueClock(HERE.steady_ns, HERE.wall_ns)
        self._budget = WeightBudget(weight_file, now_ms=HERE.wall_ms)
        self._client = BinanceClient(
            place.rest_url, "", "", BinanceTransport(), self._budget, self._clock, place.spot_url
        )
        self._reads = BinanceReads(self._client, self._clock)
        self._stream = BinanceMarketStream(
            self._client,
            place.ws_url,
            self._symbols,
            self._hear,
            HERE.uniform,
            on_gap=lambda symbol: self._hear(BookGap(symbol)),
        )
        self._instruments: dict[str, Instrument] = {}
        self._history: dict[tuple[str, str], list[Candle]] = {}
        self._heard: list[News] = []
        self._has_news = asyncio.Event()
        self._upkeep: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read what is asked once, and wait for the first news.

        Raises SourceError, in one line, when the exchange does not answer, does not list a symbol, or sends nothing.
        """
        await self._answered(self._reads.set_clock())
        listed = {one.symbol: one for one in await self._answered(self._reads.instruments())}
        missing = [symbol for symbol in self._symbols if symbol not in listed]
        if missing:
            raise SourceError(f"{', '.join(missing)} cannot be traded at {self.name}: choose other --symbols")
        self._instruments = {symbol: shipped_instrument(symbol) or listed[symbol] for symbol in self._symbols}
        for symbol in self._symbols:
            for timeframe, count in self._candles:
                read = self._reads.candles(symbol, timeframe, count)
                self._history[symbol, timeframe] = await self._answered(read)
        await self._stream.open()
        try:
            await asyncio.wait_for(self._has_news.wait(), self._first_news_s)
        except TimeoutError:
            why = (
                ", ".join(f"{route}: {why}" for route, why in self._stream.links.items() if why)
                or "no message"
            )
            raise SourceError(
                f"the streams at {self._place.ws_url} send nothing ({why}): check the address"
            ) from None
        self._upkeep = asyncio.create_task(self._keep())

    async def _answered(self, read: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            return await read
        except RateLimitError as error:
            raise SourceError(
                f"{self.name} may not be asked at present ({error}): try again in a minute"
            ) from None
        except BrokerError as error:
            raise SourceError(
                f"{self.name} does not answer ({error}): check the network and the address"
            ) from None
        except _UNREADABLE as error:
            raise SourceError(
                f"{self.name} does not answer as Binance does ({type(error).__name__}): check the address"
            ) from None

    async def close(self) -> None:
        """End every connection, also those of an :meth:`open` that failed."""
        upkeep, self._upkeep = self._upkeep, None
        if upkeep is not None:
            await end_tasks([upkeep])
        await self._stream.close()
        await self._client.close()
        self._budget.close()

    @property
    def name(self) -> str:
        """The root of its REST API."""
        return self._place.rest_url

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The shipped table's instrument of every symbol, or the exchange's own for one that the table lacks."""
        return MappingProxyType(self._instruments)

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """The candles read at the start, the newest ``count``, oldest first."""
        return self._history.get((symbol, timeframe), [])[-count:]

    async def news(self) -> list[News]:
        """What has come since the last time, in order; waits until there is something."""
        await self._has_news.wait()
        self._has_news.clear()
        heard, self._heard = self._heard, []
        return heard

    def age_ms(self, event_ms: int) -> int:
        """How long ago a moment of the exchange's clock was; 0 for one that lies ahead."""
        return max(0, self._clock.now().now_ms - event_ms)

    def state(self) -> dict[str, Any]:
        """The connections by route ("open", or why not), and how much of what came was of no use."""
        return {
            "connections": {route: why or "open" for route, why in self._stream.links.items()},
            "bad_messages": self._stream.bad_messages,
            "resyncs": self._stream.resyncs,
        }

    def _hear(self, news: News) -> None:
        self._heard.append(news)
        self._has_news.set()

    async def _keep(self) -> None:
        """Look at the exchange's clock again now and then."""
        while True:
            await asyncio.sleep(CLOCK_S)
            try:
                await self._reads.server_time()
            except BrokerError:
                # What is known of its clock drifts by a tenth of a millisecond a second.
                continue
