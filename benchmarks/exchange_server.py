"""`python -m benchmarks.exchange_server`: the local exchange in a process of its own, as fast as a lean client can ask.

Orders: signed POSTs over keep-alive connections, each waiting for its answer, every answer durable on this disk.
Frames: bookTicker of one symbol to four connections, from a synthetic market without a pace.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.processes import ROOT
from src.infrastructure.simulated_exchange.server.signing import HmacVerifier, hmac_signature

CONNECTIONS: Final = 32
LISTENERS: Final = 4
ORDER: Final = "symbol=BTCUSDT&type=MARKET&quantity=0.001&newOrderRespType=RESULT"
SIDES: Final = ("BUY", "SELL")
_LISTENING: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[int, str, str]]:
    """A running server: its port, an API key and its secret."""
    command = [sys.executable, "-m", "src.interfaces.cli", "testnet", "--port", "0", "--no-limits"]
    command += ["--data-dir", str(folder), "--symbols", "BTCUSDT", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None, "it was asked for"
        for line in process.stdout:
            if found := _LISTENING.search(line):
                key = json.loads((folder / "keys.json").read_text())[0]
                yield int(found[1]), key["key"], key["secret"]
                return
        raise RuntimeError("the server did not start")
    finally:
        process.terminate()
        process.wait(10)


async def _trade(port: int, key: str, secret: str, until_s: float, latencies: list[float]) -> None:
    """One connection: an order, its answer, the next order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while time.monotonic() < until_s:
        number += 1
        query = f"{ORDER}&side={SIDES[number % 2]}&timestamp={time.time_ns() // 1_000_000}"
        head = f"POST /fapi/v1/order?{query}&signature={hmac_signature(secret, query)} HTTP/1.1\r\n"
        started_s = time.perf_counter()
        writer.write(f"{head}Host: x\r\nX-MBX-APIKEY: {key}\r\nContent-Length: 0\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", answer)[1]))  # type: ignore[index]  # ours has one
        latencies.append(time.perf_counter() - started_s)
        assert answer.startswith(b"HTTP/1.1 200"), body
    writer.close()


async def orders(port: int, key: str, secret: str, seconds: float) -> list[float]:
    """Latencies (s) of all orders of so many seconds."""
    assert HmacVerifier(secret), "the secret is one"
    await asyncio.sleep(1.0)  # The first prices have to be there.
    latencies: list[float] = []
    until_s = time.monotonic() + seconds
    await asyncio.gather(*(_trade(port, key, secret, until_s, latencies) for _ in range(CONNECTIONS)))
    return sorted(latencies)


async def _listen(port: int, until_s: float, counts: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    writer.write(
        b"GET /public/ws/btcusdt@bookTicker HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    count, rest = 0, b""
    while time.monotonic() < until_s:
        block = rest + await reader.read(1 << 20)
        count += block.count(b'"bookTicker"')
        rest = block[-11:]  # Shorter than what is counted, so nothing counts twice.
    counts.append(count)
    writer.close()


async def frames(port: int, seconds: float) -> list[int]:
    """How many frames each listener got in so many seconds."""
    counts: list[int] = []
    until_s = time.monotonic() + seconds
    await asyncio.gather(*(_listen(port, until_s, counts) for _ in range(LISTENERS)))
    return counts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exchange_server", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--dir", type=Path, default=ROOT / "data" / "bench")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=options.dir) as folder:
        with server(Path(folder)) as (port, key, secret):
            found = asyncio.run(orders(port, key, secret, options.seconds))
        rate = len(found) / options.seconds
        p50, p99 = found[len(found) // 2] * 1e3, found[len(found) * 99 // 100] * 1e3
        print(
            f"orders: {rate:,.0f}/s over {CONNECTIONS} connections, answered in {p50:.1f} ms p50, {p99:.1f} ms p99"
        )
    with (
        TemporaryDirectory(dir=options.dir) as folder,
        server(Path(folder), "--speed", "max") as (port, _, _),
    ):
        counts = asyncio.run(frames(port, options.seconds))
        each = sum(counts) / len(counts) / options.seconds
        print(
            f"bookTicker: {each:,.0f}/s to each of {LISTENERS} connections, {each * LISTENERS:,.0f}/s in all"
        )


if __name__ == "__main__":
    main()
