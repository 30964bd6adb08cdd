"""Strategies of a running session from the command line, and sessions on files of bars."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Steadyhand
from tests.infrastructure.market_data.bar_files import lines, rows, write

OWN = """
from src.application.strategies import SmaCrossParameters, SmaCrossStrategy

class Mine(SmaCrossStrategy):
    def __init__(self, fast=3, slow=10, symbol=None):
        super().__init__(SmaCrossParameters(fast, slow), symbol, "mine")

    def for_symbol(self, symbol):
        return type(self)(self._parameters.fast, self._parameters.slow, symbol)
"""


def test_what_is_changed_while_a_session_runs_is_kept_by_the_next_process(
    steadyhand: Steadyhand, tmp_path: Path
):
    own = f"{write(tmp_path / 'mine.py', OWN)}:Mine:fast=2,slow=5"
    running = steadyhand.start_session("--duration", "none", "--strategies", "sma_cross", "--speed", "5")
    enabled = steadyhand("strategies", "enable", own, "--json")
    changed = steadyhand("strategies", "set", "sma_cross", "fast=4", "slow=9", "--json")
    running.kill()
    running.wait()
    silent = steadyhand("strategies", "running")

    steadyhand.start_session("--duration", "none", "--speed", "5")
    kept = steadyhand("strategies", "running", "--json")
    disabled = steadyhand("strategies", "disable", own)
    wrong = steadyhand("strategies", "disable", "macd_momentum")

    ids = [[line["strategy_id"] for line in ran.document["running"]] for ran in (enabled, changed, kept)]
    assert ids == [["sma_cross", own], ["sma_cross:fast=4,slow=9", own], ["sma_cross:fast=4,slow=9", own]]
    assert silent.code == 3
    assert disabled.code == 0 and "mine.py" not in disabled.out
    assert wrong.code == 2 and "no strategy is macd_momentum" in wrong.err


def test_bars_are_traded_to_their_end(steadyhand: Steadyhand, tmp_path: Path):
    files = [
        write(tmp_path / "BTCUSDT-1m.csv.gz", lines(rows(1, 300))),
        write(tmp_path / "ethusdt-1m.zip", lines(rows(2, 300, price=30_000))),
    ]

    ran = steadyhand(
        "start-session", "--bars", *map(str, files), "--speed", "max", "--strategies", "bollinger", "--json"
    )

    end = ran.documents[-1]
    assert (ran.code, end["ended"], end["status"]) == (0, "end_of_data", "STOPPED")
    assert end["orders_sent"] > 0


def test_lines_that_are_no_bars_are_counted_at_the_end(steadyhand: Steadyhand, tmp_path: Path):
    bars = lines(rows(1, 30)) + "never,1,1,1,1,1\n" + lines(rows(2, 1, start_ms=1_640_995_200_000), header="")

    ran = steadyhand(
        "start-session", "--bars", str(write(tmp_path / "BTCUSDT.csv", bars)), "--speed", "max", "--json"
    )

    assert ran.code == 0
    assert (
        "2 lines were passed over: 1 no time, 1 not later than the bar before" in ran.documents[-1]["notes"]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bars", "{bars}", "--timeframe", "1s"], "choose --timeframe 1m"),
        (["--bars", "{bars}", "--replay", "{frames}"], "one kind"),
        (["--bars", "nowhere.csv"], "--bars nowhere.csv does not exist"),
        (["--strategies", "nowhere.py:Mine"], "nowhere.py cannot be read"),
    ],
)
def test_what_cannot_be_traded_on_is_said_in_one_line(
    steadyhand: Steadyhand, tmp_path: Path, arguments: list[str], said: str
):
    bars = write(tmp_path / "BTCUSDT-1m.csv", lines(rows(1, 30)))
    frames = write(tmp_path / "frames.ws", '1640995200000000000 {"e":"trade","s":"BTCUSDT"}\n')

    ran = steadyhand("start-session", *(each.format(bars=bars, frames=frames) for each in arguments))

    assert ran.code != 0 and said in ran.err
    assert ran.err.count("\n") == 1
