"""The command that serves the local exchange: what it asks for, and what it refuses."""

from pathlib import Path

from src.bootstrap.testnet import server_config
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


def test_the_server_is_made_from_what_was_asked(tmp_path: Path):
    schedule = tmp_path / "faults.json"
    schedule.write_text('{"seed": 3, "rules": [{"operation": "order.*", "fault": "drop_answer"}]}')

    config = server_config(tmp_path, TestnetRequest(0, symbols=("BTCUSDT",), faults=schedule, limits=False))

    assert config.data_dir == tmp_path / "testnet"
    assert config.faults.seed == 3
    assert config.limits.weight is None
    assert list(config.open_market().instruments) == ["BTCUSDT"]
