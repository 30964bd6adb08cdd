"""Listen to the market streams for some seconds and count what comes, by symbol and kind.

    python scripts/test_websocket_stream.py [--symbols BTCUSDT] [--seconds 5] [--url http://127.0.0.1:18080 | --live]

Needs no key. Exit code 1, with one line, when a symbol stays silent.
"""

import asyncio
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.connections import chosen
from src.domain.market.symbols import canonical_symbol
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_transport import BinanceTransport
from src.infrastructure.brokers.venue_clock import VenueClock
from src.infrastructure.brokers.weight_budget import WeightBudget
from src.infrastructure.market_data.frames import MarketEvent
from src.infrastructure.streams.binance_market_stream import BinanceMarketStream
from src.interfaces.cli.composition import ConfigurationError


async def main() -> int:
    """Open, listen, close; the exit code."""
    try:
        arguments, place, settings = chosen("Try the exchange's market streams.")
        symbols = tuple(canonical_symbol(text) for text in arguments.symbols.split(","))
    except (ConfigurationError, ValueError) as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 4
    heard: Counter[tuple[str, str]] = Counter()

    def on_frame(event: MarketEvent) -> None:
        heard[(event.symbol, type(event).__name__)] += 1

    budget = WeightBudget(settings.data_folder / f"weight-{place.host}")
    client = BinanceClient(place.rest_url, "", "", BinanceTransport(), budget, VenueClock(), place.spot_url)
    stream = BinanceMarketStream(client, place.ws_url, symbols, on_frame)
    print(f"{place.ws_url}, {', '.join(symbols)}, {arguments.seconds:g} s")
    await stream.open()
    try:
        await asyncio.sleep(arguments.seconds)
    finally:
        await stream.close()
        await client.close()
        budget.close()
    for (symbol, kind), count in sorted(heard.items()):
        print(f"{symbol:<12} {kind:<16} {count / arguments.seconds:,.1f} a second")
    silent = [symbol for symbol in symbols if not any(name == symbol for name, _ in heard)]
    if silent:
        print(f"error: nothing was heard of {', '.join(silent)}: check the connection", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
