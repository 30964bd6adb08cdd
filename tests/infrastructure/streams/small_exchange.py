"""An exchange of a few lines, and a client of it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_transport import BinanceTransport
from src.infrastructure.brokers.venue_clock import VenueClock
from src.infrastructure.brokers.weight_budget import WeightBudget


@asynccontextmanager
async def small_exchange(
    folder: Path, routes: Iterable[web.RouteDef]
) -> AsyncIterator[tuple[BinanceClient, str]]:
    """A client of what serves ``routes`` on this machine, and the root of its streams."""
    app = web.Application()
    app.router.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    budget = WeightBudget(folder / "weight")
    client = BinanceClient(f"http://{host}", "a-key", "a-secret", BinanceTransport(), budget, VenueClock())
    try:
        yield client, f"ws://{host}"
    finally:
        await client.close()
        budget.close()
        await runner.cleanup()
