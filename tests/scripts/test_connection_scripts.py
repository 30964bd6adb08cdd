"""The scripts that try a connection, against the local exchange and against nobody."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.exchange_process import ROOT, exchange_process


def environment(folder: Path) -> dict[str, str]:
    for name in ("env", "config"):
        (folder / name).touch()
    blind = {"STEADYHAND_ENV_FILE": "env", "STEADYHAND_CONFIG": "config", "STEADYHAND_DATA_DIR": "data"}
    return {**os.environ, **{name: str(folder / value) for name, value in blind.items()}}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[str]:
    """The address of a local exchange."""
    with exchange_process(tmp_path / "exchange", environment=environment(tmp_path)) as (_, url):
        yield url


def run(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, f"scripts/{script}.py", *arguments], cwd=ROOT, env=environment(folder), text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def run_both(
    folder: Path, url: str, *of_streams: str
) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    """Both scripts side by side."""
    with ThreadPoolExecutor(1) as beside:
        heard = beside.submit(run, folder, "test_websocket_stream", "--url", url, *of_streams)
        return run(folder, "test_binance_connection", "--url", url), heard.result()


def test_an_exchange_that_answers_is_shown_step_by_step(exchange: str, tmp_path: Path):
    asked, heard = run_both(tmp_path, exchange, "--seconds", "1", "--symbols", "BTC/USDT")

    assert (asked.returncode, asked.stderr) == (0, "")
    assert "without a key" in asked.stdout and "instruments  ok" in asked.stdout
    assert (heard.returncode, heard.stderr) == (0, "")
    assert re.search(r"^BTCUSDT +BookTicker +[0-9.]+ a second$", heard.stdout, re.MULTILINE)


def test_an_exchange_that_does_not_answer_is_one_line(tmp_path: Path):
    asked, heard = run_both(tmp_path, "http://127.0.0.1:9", "--seconds", "0.2")

    assert (asked.returncode, asked.stderr.count("\n")) == (1, 1) and asked.stderr.startswith("error: ")
    assert heard.returncode == 1
    assert heard.stderr.splitlines()[-1].startswith("error: nothing was heard of BTCUSDT, ETHUSDT")


def test_a_wrong_setting_is_said_before_anybody_is_asked(tmp_path: Path):
    (tmp_path / "env").write_text("STOP_LOSS_PCT=much\n")

    asked = run(tmp_path, "test_binance_connection")

    assert asked.returncode == 4 and "STOP_LOSS_PCT" in asked.stderr
