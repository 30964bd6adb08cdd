"""What the connection scripts share: where to go, and one line for each step."""

import argparse
import time
from collections.abc import Awaitable
from typing import TypeVar

from src.bootstrap.settings import Settings, load_settings
from src.infrastructure.brokers.binance_places import DEMO, MAINNET, Place, local_place

T = TypeVar("T")


def chosen(description: str) -> tuple[argparse.Namespace, Place, Settings]:
    """The arguments, the exchange they or the settings name, and the settings."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--url", help="an exchange at one address, like that of `steadyhand testnet`")
    parser.add_argument("--live", action="store_true", help="Binance itself instead of its demo venue")
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT", help="what to listen to")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to listen")
    arguments = parser.parse_args()
    settings = load_settings().settings
    url = arguments.url or (None if arguments.live else settings.testnet_url)
    return arguments, (local_place(url) if url else MAINNET if arguments.live else DEMO), settings


async def step(name: str, answer: Awaitable[T]) -> T:
    """Await an answer and say how long it took."""
    begun_ns = time.perf_counter_ns()
    result = await answer
    print(f"{name:<12} ok, {(time.perf_counter_ns() - begun_ns) / 1e6:.0f} ms")
    return result
