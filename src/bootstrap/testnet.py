"""The local exchange as a process: its market opened, its server running, until a signal ends it."""

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from src.bootstrap.markets import DEFAULT_SYMBOLS, open_market
from src.bootstrap.settings import Settings, load_settings
from src.domain.market.symbols import canonical_symbol
from src.infrastructure.brokers.binance_places import MAINNET, place_at
from src.infrastructure.market_data.source import SourceError
from src.infrastructure.monitoring.logging import log_to_terminal
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.server.app import ExchangeServer, ServerConfig
from src.infrastructure.simulated_exchange.server.fault_rules import FaultSchedule, read_schedule
from src.infrastructure.simulated_exchange.server.limits import Limits
from src.infrastructure.simulated_exchange.server.live_feed import LiveSource
from src.infrastructure.simulated_exchange.server.past import TIMEFRAMES
from src.interfaces.cli.composition import ConfigurationError
from src.interfaces.cli.testnet import TestnetRequest

if TYPE_CHECKING:
    from src.infrastructure.streams.binance_public_market import BinancePublicMarket


def serve_testnet(request: TestnetRequest) -> None:
    """Serve until SIGINT or SIGTERM; ConfigurationError, in one line, for whatever keeps it from going on."""
    flags = {} if request.market_url is None else {"market_url": request.market_url}
    settings = load_settings(flags).settings
    log_to_terminal(settings.log_level)
    try:
        asyncio.run(_serve(settings, request))
    except (SourceError, ExchangeFailure) as error:
        raise ConfigurationError(str(error)) from error
    except OSError as error:
        if error.filename is not None:
            raise
        raise ConfigurationError(
            f"port {request.port} cannot be had ({error.strerror}): choose another with --port"
        ) from error


def server_config(data_dir: Path, request: TestnetRequest, live: LiveSource | None = None) -> ServerConfig:
    """The server that a request asks for; ValueError for a fault schedule that cannot be read.

    ``live`` is the market to follow where the request is for one.
    """
    faults = FaultSchedule() if request.faults is None else read_schedule(request.faults.read_bytes())
    return ServerConfig(
        data_dir=request.data_dir or data_dir / "testnet",
        market=live or (lambda: open_market(request.replay, request.symbols, request.seed)),
        port=request.port,
        speed=request.speed,
        loops=request.loop,
        admin=request.admin,
        strict_routes=request.strict_routes,
        limits=Limits() if request.limits else Limits(None, None, None),
        faults=faults,
    )


def public_market(settings: Settings, request: TestnetRequest) -> "BinancePublicMarket":
    """The market that a request for a live one means; nothing is connected yet."""
    from src.infrastructure.streams.binance_public_market import BinancePublicMarket  # loads ccxt

    place = MAINNET if settings.market_url is None else place_at(settings.market_url)
    symbols = [canonical_symbol(symbol) for symbol in request.symbols or DEFAULT_SYMBOLS]
    weight_file = settings.data_folder / "run" / f"weight-{place.host}"
    return BinancePublicMarket(place, list(dict.fromkeys(symbols)), weight_file, candles=TIMEFRAMES)


async def _serve(settings: Settings, request: TestnetRequest) -> None:
    async with contextlib.AsyncExitStack() as opened:
        live = None
        if request.live:
            live = public_market(settings, request)
            opened.push_async_callback(live.close)
            await live.open()
        stop = asyncio.Event()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
        config = server_config(settings.data_folder, request, live)
        server = await opened.enter_async_context(ExchangeServer(config))
        _say_where(server, config, live)
        ended = asyncio.create_task(stop.wait())
        failed = asyncio.create_task(server.wait_for_failure())
        await asyncio.wait((ended, failed), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if failed.done():
            raise failed.result()
        failed.cancel()


def _say_where(server: ExchangeServer, config: ServerConfig, live: LiveSource | None) -> None:
    symbols = ", ".join(server.services.market.views)
    market = "" if live is None else f", whose market is that of {live.name}"
    print(f"local exchange for {symbols}{market}")
    print(f"  REST        {server.url}")
    print(f"  streams     ws://{server.address}/{{public,market,private}}/…")
    print(f"  ws trading  ws://{server.address}/ws-fapi/v1")
    key = next(iter(server.services.keys)).key
    print(f"  API key     {key} (its secret is in {config.data_dir / 'keys.json'})", flush=True)
