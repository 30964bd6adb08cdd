"""Try the REST API: the exchange's time, its instruments, and, with a key in the settings, balances and positions.

    python scripts/test_binance_connection.py [--url http://127.0.0.1:18080 | --live]

Places no order. Exit code 1, with one line, when something does not answer.
"""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.connections import chosen, step
from src.application.ports.broker import BrokerError
from src.infrastructure.brokers.binance_futures_broker import BinanceFuturesBroker
from src.interfaces.cli.composition import ConfigurationError


async def main() -> int:
    """Ask for one thing after the other; the exit code."""
    try:
        _, place, settings = chosen("Try the exchange's REST API.")
    except ConfigurationError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 4
    key, secret = settings.api_key.get_secret_value(), settings.api_secret.get_secret_value()
    broker = BinanceFuturesBroker(key, secret, place=place)
    print(f"{place.rest_url}, {'with' if key else 'without'} a key")
    try:
        clock = await step("time", broker.server_time())
        print(f"{'':<12} its clock is known to {clock.error_ms} ms")
        print(f"{'':<12} {len(await step('instruments', broker.instruments()))} instruments")
        if key:
            for balance in await step("balances", broker.balances()):
                print(f"{'':<12} {balance.wallet_balance:f} {balance.asset}")
            print(f"{'':<12} {len(await step('positions', broker.positions()))} open positions")
    except BrokerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        await broker.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
