"""The command that serves the local exchange: what it asks for, and what it refuses."""

import asyncio
from pathlib import Path

import pytest

from src.bootstrap.settings import load_settings
from src.bootstrap.testnet import public_market, server_config
from src.infrastructure.brokers.binance_places import DEMO, MAINNET, place_at
from src.interfaces.cli.testnet import TestnetRequest
from tests.interfaces.cli.conftest import Run
from tests.support.fake_composition import FakeApplication


def test_a_local_exchange_is_asked_for_with_what_stood_on_the_command_line(
    run: Run, app: FakeApplication, tmp_path: Path
):
    recording = tmp_path / "frames.jsonl"
    recording.touch()

    run(
        "testnet",
        "--port",
        "0",
        "--replay",
        str(recording),
        "--speed",
        "10",
        "--loop",
        "--admin",
        "--no-limits",
    )

    assert app.asked == [
        ("testnet", TestnetRequest(0, replay=(recording,), speed=10.0, loop=True, admin=True, limits=False))
    ]


def test_symbols_may_stand_in_one_argument_or_in_several(run: Run, app: FakeApplication):
    run("testnet", "--symbols", "BTCUSDT,ETHUSDT", "SOLUSDT", "--speed", "max")

    _, request = app.asked[0]
    assert (request.symbols, request.speed) == (("BTCUSDT", "ETHUSDT", "SOLUSDT"), None)


def test_a_market_that_is_not_there_is_refused(run: Run, app: FakeApplication):
    result = run("testnet", "--market", "real")

    assert result.code == 4
    assert result.err.startswith("error: --market real")
    assert not app.asked


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_that_cannot_be_is_refused_in_one_line(run: Run, app: FakeApplication, port: str):
    result = run("testnet", "--port", port)

    assert (result.code, result.err) == (
        4,
        f"error: --port {port} is no port: choose one from 1 to 65535, or 0 for any\n",
    )
    assert not app.asked


def test_a_live_market_is_asked_for_with_its_address(run: Run, app: FakeApplication):
    run("testnet", "--market", "live", "--market-url", "http://127.0.0.1:1", "--symbols", "BTCUSDT")

    _, request = app.asked[0]
    assert (request.live, request.market_url, request.symbols) == (True, "http://127.0.0.1:1", ("BTCUSDT",))


@pytest.mark.parametrize(
    "flags",
    [
        ("--market", "live", "--loop"),
        ("--market", "live", "--speed", "10"),
        ("--market", "live", "--speed", "max"),
        ("--market-url", "http://127.0.0.1:1"),
    ],
)
def test_flags_that_make_no_sense_with_a_market_are_refused(
    run: Run, app: FakeApplication, flags: tuple[str, ...]
):
    result = run("testnet", *flags)

    assert result.code == 4
    assert "--market live" in result.err or "live market" in result.err
    assert not app.asked


def test_the_server_is_made_from_what_was_asked(tmp_path: Path):
    schedule = tmp_path / "faults.json"
    schedule.write_text('{"seed": 3, "rules": [{"operation": "order.*", "fault": "drop_answer"}]}')

    config = server_config(tmp_path, TestnetRequest(0, symbols=("BTCUSDT",), faults=schedule, limits=False))

    assert config.data_dir == tmp_path / "testnet"
    assert config.faults.seed == 3
    assert config.limits.weight is None
    assert callable(config.market)
    assert list(config.market().instruments) == ["BTCUSDT"]


def test_a_live_market_is_binances_own_unless_the_settings_say_another(tmp_path: Path):
    def named(**settings: str) -> str:
        loaded = load_settings(settings, {"STEADYHAND_DATA_DIR": str(tmp_path)}, tmp_path).settings
        return public_market(loaded, TestnetRequest(0, live=True)).name

    async def names() -> tuple[str, str]:
        return named(), named(market_url="http://127.0.0.1:18080")

    assert asyncio.run(names()) == ("https://fapi.binance.com", "http://127.0.0.1:18080")


def test_the_streams_of_binances_places_are_found_by_the_address_of_their_rest_api():
    assert place_at("https://demo-fapi.binance.com/") is DEMO
    assert place_at("https://fapi.binance.com") is MAINNET
    assert place_at("http://127.0.0.1:18080").ws_url == "ws://127.0.0.1:18080"
