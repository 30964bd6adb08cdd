"""The local exchange as a process: its market opened, its server running, until a signal ends it."""

import asyncio
import signal
from pathlib import Path

from src.bootstrap.markets import open_market
from src.bootstrap.settings import load_settings
from src.infrastructure.market_data.source import SourceError
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.server.app import ExchangeServer, ServerConfig
from src.infrastructure.simulated_exchange.server.fault_rules import FaultSchedule, read_schedule
from src.infrastructure.simulated_exchange.server.limits import Limits
from src.interfaces.cli.composition import ConfigurationError
from src.interfaces.cli.testnet import TestnetRequest


def serve_testnet(request: TestnetRequest) -> None:
    """Serve until SIGINT or SIGTERM; ConfigurationError, in one line, for whatever keeps it from going on."""
    try:
        asyncio.run(_serve(server_config(load_settings({}).settings.data_folder, request)))
    except (SourceError, ExchangeFailure) as error:
        raise ConfigurationError(str(error)) from error
    except OSError as error:
        if error.filename is not None:
            raise
        raise ConfigurationError(
            f"port {request.port} cannot be had ({error.strerror}): choose another with --port"
        ) from error


def server_config(data_dir: Path, request: TestnetRequest) -> ServerConfig:
    """The server that a request asks for; ValueError for a fault schedule that cannot be read."""
    faults = FaultSchedule() if request.faults is None else read_schedule(request.faults.read_bytes())
    return ServerConfig(
        data_dir=request.data_dir or data_dir / "testnet",
        open_market=lambda: open_market(request.replay, request.symbols, request.seed),
        port=request.port,
        speed=request.speed,
        loops=request.loop,
        admin=request.admin,
        strict_routes=request.strict_routes,
        limits=Limits() if request.limits else Limits(None, None, None),
        faults=faults,
    )


async def _serve(config: ServerConfig) -> None:
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    async with ExchangeServer(config) as server:
        _say_where(server, config)
        ended = asyncio.create_task(stop.wait())
        failed = asyncio.create_task(server.wait_for_failure())
        await asyncio.wait((ended, failed), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if failed.done():
            raise failed.result()
        failed.cancel()


def _say_where(server: ExchangeServer, config: ServerConfig) -> None:
    symbols = ", ".join(server.services.market.views)
    print(f"local exchange for {symbols}")
    print(f"  REST        {server.url}")
    print(f"  streams     ws://{server.address}/{{public,market,private}}/…")
    print(f"  ws trading  ws://{server.address}/ws-fapi/v1")
    key = next(iter(server.services.keys)).key
    print(f"  API key     {key} (its secret is in {config.data_dir / 'keys.json'})", flush=True)
