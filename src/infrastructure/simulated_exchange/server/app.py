"""The whole server: one port of the loopback interface for REST, streams, the WebSocket API and the admin API."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from aiohttp import web

from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import MarketFrame
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from src.infrastructure.simulated_exchange.server.admin import PREFIX, AdminApi
from src.infrastructure.simulated_exchange.server.amendments import Amendments
from src.infrastructure.simulated_exchange.server.archive import Archive
from src.infrastructure.simulated_exchange.server.callers import is_foreign
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.fault_rules import Faults, FaultSchedule
from src.infrastructure.simulated_exchange.server.feed import Feed, MarketFeed, Source
from src.infrastructure.simulated_exchange.server.gateway import Gateway
from src.infrastructure.simulated_exchange.server.http import RestApi
from src.infrastructure.simulated_exchange.server.hub import StreamHub
from src.infrastructure.simulated_exchange.server.keys import ApiKey, KeyRing
from src.infrastructure.simulated_exchange.server.limits import Limits
from src.infrastructure.simulated_exchange.server.live_feed import LiveFeed, LiveSource
from src.infrastructure.simulated_exchange.server.margin_changes import MarginChanges
from src.infrastructure.simulated_exchange.server.market import TICK_S, PublicMarket
from src.infrastructure.simulated_exchange.server.routing import entrance_of
from src.infrastructure.simulated_exchange.server.services import Services
from src.infrastructure.simulated_exchange.server.socket_api import PATH, SocketApi
from src.infrastructure.simulated_exchange.server.sockets import LIFE_S, StreamSockets
from src.infrastructure.simulated_exchange.server.symbol_view import SymbolView
from src.infrastructure.simulated_exchange.server.user_faults import UserFaults
from src.infrastructure.simulated_exchange.server.users import UserStreams, random_listen_key
from src.infrastructure.simulated_exchange.server.venue import Venue
from src.infrastructure.simulated_exchange.store import ExchangeStore

_LOG = logging.getLogger("steadyhand.testnet")

HOST: Final = "127.0.0.1"
FIRST_ACCOUNT: Final = 1
SETTLE_ASSET: Final = "USDT"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What a server is made from. ``port`` 0 takes a free one; ``data_dir`` holds the exchange's file and the keys.

    ``market`` opens a market whose frames are released at ``speed``, or is one that comes as it happens.
    ``capital`` is what a new first account gets, in USDT; ``keys`` are given to it beside those of earlier runs.
    ``strict_routes`` leaves paths without a category mute but for public streams. ``synchronous`` is SQLite's.
    """

    data_dir: Path
    market: Callable[[], Source] | LiveSource
    port: int = 0
    speed: float | None = 1.0
    loops: bool = False
    admin: bool = False
    strict_routes: bool = False
    capital: Decimal = Decimal(10_000)
    keys: tuple[ApiKey, ...] = ()
    limits: Limits = field(default_factory=Limits)
    faults: FaultSchedule = field(default_factory=FaultSchedule)
    rules: ExchangeRules = field(default_factory=ExchangeRules)
    clock: ServerClock = field(default_factory=ServerClock)
    stream_life_s: float = LIFE_S
    synchronous: str = "FULL"
    make_listen_key: Callable[[], str] = random_listen_key


class ExchangeServer:
    """One running exchange. ``async with`` serves it; inside, :attr:`url` and :attr:`services` are there.

    Raises the source's error, ExchangeFailure or OSError when the market, the file or the port cannot be had.
    """

    services: Services
    faults: Faults
    hub: StreamHub
    sockets: StreamSockets

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._opened = contextlib.AsyncExitStack()
        self.port = config.port
        self.frames = 0

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Where REST is."""
        return f"http://{self.address}"

    async def __aenter__(self) -> "ExchangeServer":
        async with contextlib.AsyncExitStack() as opened:
            self._build(opened)
            runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.5)
            await runner.setup()
            opened.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, HOST, self._config.port)
            await site.start()
            self.port = runner.addresses[0][1]
            accidents = map(self._admin.befall, self._config.faults.accidents)
            for work in (self._feed.run(self._on_frame, self.hub.flush), self._tick_for_ever(), *accidents):
                task = asyncio.create_task(work)
                task.add_done_callback(self._note_end)
                opened.push_async_callback(_end, task)
            self._opened = opened.pop_all()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.sockets.cut_all()
        self.services.venue.flush()
        await self._opened.aclose()

    async def wait_for_failure(self) -> ExchangeFailure:
        """Wait until the exchange's file fails, or raise what ended the market: the server is of no use then."""
        return await asyncio.shield(self.services.venue.failed)

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        """Without its market or its clock the server is of no use."""
        failed = self.services.venue.failed
        if not task.cancelled() and (error := task.exception()) is not None and not failed.done():
            failed.set_exception(error)

    def _build(self, opened: contextlib.AsyncExitStack) -> None:
        config = self._config
        config.data_dir.mkdir(parents=True, exist_ok=True)
        clock = config.clock
        self._feed = feed = _feed_of(config)
        opened.callback(feed.close)
        store = ExchangeStore(config.data_dir / "exchange.db", synchronous=config.synchronous)
        opened.callback(store.close)
        engine = Engine(store, feed.instruments.values(), rules=config.rules, cursor=feed.cursor)
        self.hub = hub = StreamHub()
        self.faults = Faults(config.faults)
        instruments: tuple[Instrument, ...] = engine.instruments
        now_ms = clock.now_ms()
        views = [SymbolView(one, hub, feed.past(one.symbol, now_ms)) for one in instruments]
        market = PublicMarket(hub, views, config.rules.funding_interval_ms)
        users = UserStreams(hub, market.force_order, config.make_listen_key)
        venue = Venue(engine, clock, UserFaults(users, self.faults, clock.now_ms).deliver)
        keys = KeyRing(config.data_dir / "keys.json", config.keys)
        if not list(keys):
            keys.put(ApiKey(random_listen_key(), random_listen_key(), FIRST_ACCOUNT))
        self.services = Services(
            venue,
            market,
            users,
            keys,
            config.limits,
            Archive(store),
            config.rules.funding_interval_ms,
            Amendments(),
            MarginChanges(),
        )
        self.sockets = StreamSockets(
            hub, users, self.faults, clock.now_ms, strict=config.strict_routes, life_s=config.stream_life_s
        )
        gateway = Gateway(self.services)
        self._rest = RestApi(gateway, self.faults)
        self._socket_api = SocketApi(gateway, self.faults)
        self._admin = AdminApi(self.services, self.faults, self.sockets, feed.state)
        self._open_books(engine)

    def _open_books(self, engine: Engine) -> None:
        """Bring the market to its place, and open the first account in a new file."""
        market = self.services.market

        def warm(frame: MarketFrame) -> None:
            engine.warm(frame)
            market.warm(frame)

        if engine.committed_cursor:
            self._feed.catch_up(engine.committed_cursor, warm)
        if engine.account_id(FIRST_ACCOUNT) is None:
            # The deposit is an income of today, not of the beginning of time.
            engine.advance_time(self._config.clock.now_ms())
            engine.create_account(FIRST_ACCOUNT, f"account-{FIRST_ACCOUNT}")
            engine.deposit(FIRST_ACCOUNT, SETTLE_ASSET, self._config.capital)
            engine.take_events()
        for symbol in engine.mark_unknown(self._feed.unknown()):
            market.views[symbol].is_unknown = True

    def _on_frame(self, frame: MarketFrame) -> None:
        """The engine sees a frame before the public does."""
        self.frames += 1
        self.services.venue.writing().on_frame(frame)
        self.services.market.take(frame)

    def _look_at_market(self, now_ms: int) -> None:
        """Halt the symbols whose market is not known, let the others trade, and say what changed."""
        unknown = self._feed.unknown()
        engine = self.services.venue.engine
        for symbol in engine.mark_unknown(unknown):
            is_unknown = symbol in unknown
            market = self.services.market
            market.views[symbol].is_unknown = is_unknown
            market.contract_info(symbol, engine.symbol_status(symbol), now_ms)
            about = self._feed.state()["symbols"][symbol] | {"symbol": symbol}
            if is_unknown:
                _LOG.warning("market.unknown", extra=about)
            else:
                _LOG.info("market.known", extra=about)

    async def _tick_for_ever(self) -> None:
        """Everything periodic."""
        services = self.services
        while True:
            await asyncio.sleep(TICK_S)
            now_ms = services.venue.clock.now_ms()
            services.venue.writing()
            services.users.expire(now_ms)
            self._look_at_market(now_ms)
            services.market.tick(now_ms)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The one entrance of all requests."""
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        is_admin = self._config.admin and request.path.startswith(PREFIX)
        if (is_socket or is_admin) and is_foreign(request, HOST):
            return web.Response(
                status=403, text="This is for programs of this machine, not for pages of the web."
            )
        if is_socket:
            if request.path == PATH:
                return await self._socket_api.handle(request)
            entrance = entrance_of(request.path)
            if entrance is None:
                return web.Response(status=404)
            return await self.sockets.handle(request, entrance)
        if is_admin:
            return await self._admin.handle(request)
        return await self._rest.handle(request)


def _feed_of(config: ServerConfig) -> Feed:
    funding_ms = config.rules.funding_interval_ms
    if isinstance(config.market, LiveSource):
        return LiveFeed(config.market, config.clock, funding_interval_ms=funding_ms)
    return MarketFeed(
        config.market, config.clock, speed=config.speed, loops=config.loops, funding_interval_ms=funding_ms
    )


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
