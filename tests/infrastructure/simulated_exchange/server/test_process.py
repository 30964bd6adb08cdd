"""The server as a process: killed at any moment, it has every order that it acknowledged."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from src.infrastructure.simulated_exchange.server.signing import hmac_signature
from tests.support.exchange_process import ROOT, exchange_process

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
pytestmark = pytest.mark.slow


async def place_until_it_dies(url: str, folder: Path, acknowledged: list[int]) -> None:
    key = json.loads((folder / "keys.json").read_text())[0]
    async with aiohttp.ClientSession(headers={"X-MBX-APIKEY": key["key"]}) as session:
        while True:
            query = urlencode(ORDER | {"timestamp": time.time_ns() // 1_000_000})
            signed = f"{query}&signature={hmac_signature(key['secret'], query)}"
            try:
                async with session.post(f"{url}/fapi/v1/order?{signed}") as answer:
                    document = await answer.json()
            except (aiohttp.ClientError, ConnectionError):
                return
            if "orderId" in document:
                acknowledged.append(document["orderId"])


async def test_a_killed_server_has_lost_no_order_that_it_acknowledged(tmp_path: Path):
    acknowledged: list[int] = []
    with exchange_process(tmp_path, "--no-limits", "--speed", "20") as (running, url):
        traders = [asyncio.create_task(place_until_it_dies(url, tmp_path, acknowledged)) for _ in range(8)]
        while len(acknowledged) < 60:
            await asyncio.sleep(0.02)
        running.kill()
        await asyncio.gather(*traders)

    with exchange_process(tmp_path, "--no-limits", "--admin") as (_, url):
        async with aiohttp.ClientSession() as session, session.get(f"{url}/admin/truth?account=1") as answer:
            known = {order["order_id"] for order in (await answer.json())["orders"]}

    assert len(acknowledged) >= 60
    assert set(acknowledged) <= known


def test_a_signal_ends_it_and_a_taken_port_is_said_in_one_line(tmp_path: Path):
    with exchange_process(tmp_path / "one") as (running, url):
        port = url.rpartition(":")[2]
        command = [sys.executable, "-m", "src.interfaces.cli", "testnet", "--port", port]
        second = subprocess.run(
            [*command, "--data-dir", str(tmp_path / "two")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
        running.send_signal(signal.SIGTERM)

        assert running.wait(10) == 0
        assert second.returncode == 4
        assert second.stderr.startswith(f"error: port {port} cannot be had")


def test_a_market_that_cannot_be_followed_is_said_in_one_line(tmp_path: Path):
    command = [sys.executable, "-m", "src.interfaces.cli", "testnet", "--port", "0", "--market", "live"]
    command += ["--market-url", "http://127.0.0.1:1", "--data-dir", str(tmp_path / "exchange")]
    folder = {"STEADYHAND_DATA_DIR": str(tmp_path)}
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | folder, capture_output=True, text=True, timeout=30
    )

    assert ended.returncode == 4
    assert ended.stderr.startswith("error: http://127.0.0.1:1 does not answer")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_one_process_follows_the_market_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STEADYHAND_DATA_DIR", str(tmp_path))
    with exchange_process(tmp_path / "source", "--no-limits") as (_, url):
        follow = ("--no-limits", "--admin", "--market", "live", "--market-url", url)
        with exchange_process(tmp_path / "follower", *follow) as (running, _):
            assert running.stdout is not None
            known = next(line for line in running.stdout if "market.known" in line)

    assert "is_known=True" in known
