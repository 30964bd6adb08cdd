"""Binance USDⓈ-M futures: the Broker port over signed REST requests and the user stream.

A stream that ends is never repaired silently: its end is an input of the session, upon which recovery opens the next
one and asks for what was missed.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from src.application.ports.broker import BrokerSink, Consistency, UserEvent
from src.application.ports.failpoints import failpoint
from src.domain.orders.news import IncomeReport, OrderNews, WalletMoved
from src.infrastructure.brokers.binance_answers import FORGETS_MS
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_events import WalletNotice, read_event
from src.infrastructure.brokers.binance_library import BinanceLibrary
from src.infrastructure.brokers.binance_places import DEMO, MAINNET, Place
from src.infrastructure.brokers.binance_sending import Post
from src.infrastructure.brokers.binance_transport import BinanceTransport
from src.infrastructure.brokers.venue_clock import VenueClock
from src.infrastructure.brokers.weight_budget import WeightBudget
from src.infrastructure.market_data.frames import MarketEvent
from src.infrastructure.streams.binance_market_stream import BinanceMarketStream
from src.infrastructure.streams.binance_user_stream import BinanceUserStream
from src.infrastructure.time.machine import HERE, Machine

PESSIMISTIC: Final = Consistency(
    read_your_writes=False,
    arrival_margin_ms=5_000,
    quiescence_ms=45 * 60_000,
    others_wait_ms=60_000,
    forgets_ms=FORGETS_MS,
)
"""What Binance itself can be held to: nothing is promised about when a read shows what was accepted."""
CLOSE_WAIT_S: Final = 2.0


def _at_once(action: Callable[[], None]) -> None:
    """Deliver without an inbox: for callers that have none."""
    action()


class BinanceFuturesBroker(BinanceLibrary):
    """Implements the Broker port for one key; ``testnet`` is Binance's demo venue unless a ``place`` is named.

    ``post`` puts an action into the session's inbox. With ``symbols``, their market streams are opened and closed with
    the user stream; every frame is handed to ``on_frame``, ``on_gap`` hears of a symbol whose book is not known until
    its next snapshot, and ``on_trades`` whether trades are heard from now on. ``on_time`` hears the exchange's time,
    ms, as often as it is told. ``weight_file`` is shared by all processes of the host. ``margin_assets`` names, by
    symbol, what events leave out: in which asset a contract earns, if not in the account's.
    """

    def __init__(
        self,
        api_key: str,
        api_secret: str,
        testnet: bool = True,
        *,
        place: Place | None = None,
        post: Post = _at_once,
        symbols: tuple[str, ...] = (),
        on_frame: Callable[[MarketEvent], None] | None = None,
        on_gap: Callable[[str], None] = lambda symbol: None,
        on_trades: Callable[[bool], None] = lambda are_heard: None,
        on_time: Callable[[int], None] = lambda venue_ms: None,
        consistency: Consistency = PESSIMISTIC,
        weight_file: Path | None = None,
        weight_max: int | None = None,
        machine: Machine = HERE,
        margin_assets: Mapping[str, str] | None = None,
    ) -> None:
        self.place = place or (DEMO if testnet else MAINNET)
        self.api_key = api_key
        self._api_secret = api_secret
        self.testnet = testnet
        self._consistency = consistency
        self._margin_assets = margin_assets or {}
        path = weight_file or Path(gettempdir()) / f"steadyhand-weight-{self.place.host}"
        limits = {} if weight_max is None else {"weight_max": weight_max}
        self._budget = WeightBudget(path, now_ms=machine.wall_ms, **limits)
        clock = VenueClock(machine.steady_ns, machine.wall_ns, on_time)
        client = BinanceClient(
            self.place.rest_url,
            api_key,
            api_secret,
            BinanceTransport(),
            self._budget,
            clock,
            self.place.spot_url,
        )
        super().__init__(client, clock, post)
        self._stream = BinanceUserStream(client, self.place.ws_url)
        self._market: BinanceMarketStream | None = None
        if on_frame is not None:
            listening = partial(BinanceMarketStream, on_gap=on_gap, on_trades=on_trades)
            self._market = listening(client, self.place.ws_url, symbols, on_frame, machine.uniform)
        self._market_open = False
        self._closed = False
        self._epoch = 0

    def __repr__(self) -> str:
        """Where, and nothing about as whom."""
        return f"BinanceFuturesBroker({self.place.host})"

    @property
    def credentials(self) -> tuple[str, str]:
        """Key and secret, for whoever makes another connection for the same account."""
        return self.api_key, self._api_secret

    @property
    def consistency(self) -> Consistency:
        """What reads promise here."""
        return self._consistency

    async def open(self, sink: BrokerSink) -> int:
        """Open a new stream before the old one is let go; raises :class:`BrokerUnavailable` when it cannot be.

        Answers are delivered, and the market is heard of, whether it opens or not.
        """
        self._sink = sink
        if not self._clock.is_set:
            await self.set_clock()
        self._epoch = max(self._epoch + 1, self.venue_time().now_ms)
        if self._market is not None and not self._market_open:
            self._market_open = True
            await self._market.open()
        epoch = self._epoch
        await self._stream.open(
            on_event=lambda raw: self._deliver(partial(self._hear, epoch, raw)),
            on_lost=lambda reason: self._deliver(partial(sink.on_stream_lost, epoch, reason)),
        )
        return epoch

    async def close(self) -> None:
        """Stop delivering, wait for what is under way, close the connections. Orders stay as they are."""
        if self._closed:
            return
        self._closed = True
        self._sink = None
        if self._market is not None:
            await self._market.close()
        await self._stream.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_WAIT_S)
        await self._client.close()
        self._budget.close()

    def user_stream(self) -> BinanceUserStream:
        """A connection of its own to the account's news, for whoever listens beside a session."""
        return BinanceUserStream(self._client, self.place.ws_url)

    def interpret(self, event: UserEvent) -> tuple[OrderNews | IncomeReport | WalletMoved, ...]:
        """Say what a raw event means; ValueError when it cannot be read."""
        meaning = read_event(event.raw)
        if meaning is None:
            return ()
        if isinstance(meaning, WalletNotice):
            return (WalletMoved(meaning.reason, meaning.at_ms, meaning.balances),)
        asset = self._margin_assets.get(meaning.order.symbol)
        if asset is not None and meaning.fill is not None:
            meaning = replace(meaning, fill=replace(meaning.fill, margin_asset=asset))
        return (meaning,)

    def _hear(self, epoch: int, raw: str) -> None:
        if self._sink is not None:
            failpoint("broker.event")
            self._sink.on_user_event(UserEvent(epoch, raw))
