"""A whole session with everything switched on, killed at random moments: hedge mode, isolated margin, five strategies.

It trades two symbols, on recorded frames where there are any, else on the synthetic market. After the last kill it is
brought to its end, and the two sides' files are held against the invariants.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.crash.kills import ROOT, wait_until_running
from tests.crash.places import Place
from tests.crash.points import check, session_ids

STRATEGIES: Final = (
    "sma_cross:fast=2,slow=4",
    "macd_momentum:fast=3,slow=6,signal=3",
    "rsi:period=3",
    "momentum:period=5,threshold=0.5",
    "bollinger:period=5,width=1",
)
SYMBOLS: Final = "BTCUSDT,ETHUSDT"
SPEED: Final = "10"
"""Session seconds per second until the last start."""
ALIVE_S: Final = 1.0
"""The longest time between RUNNING and the kill."""
LAST_START_S: Final = 150.0
"""How long the last start may take to the market's end."""


@dataclass(slots=True)
class Killed:
    """What became of it: violations, none for a pass, and how much was tested."""

    kills: int
    found: list[str] = field(default_factory=list)
    fills: int = 0
    seconds: float = 0.0


def kill_and_judge(place: Place, recordings: Sequence[Path], kills: int, seed: int) -> Killed:
    """Kill one session so many times, run it to its end, and judge both files."""
    draw = random.Random(seed)
    began = time.monotonic()
    result = Killed(kills)
    sessions: set[str] = set()
    for _ in range(kills):
        process = _start(place, recordings, SPEED)
        wait_until_running(process)
        time.sleep(draw.uniform(0.0, ALIVE_S))
        process.kill()
        process.wait()
        sessions.update(session_ids(place))
    process = _start(place, recordings, "max")
    output, _ = process.communicate(timeout=LAST_START_S)
    if process.returncode:
        result.found.append(f"the last start ended with {process.returncode}: {output[-300:]}")
    sessions.update(session_ids(place))
    if len(sessions) != 1:
        result.found.append(f"one session became {len(sessions)}")
    result.found += check(place)
    result.fills = _fills(place)
    result.seconds = time.monotonic() - began
    return result


def _fills(place: Place) -> int:
    reads = place.database.reads()
    try:
        return sum(len(reads.fills(row.account_id)) for row in reads.accounts())
    finally:
        reads.close()


def _start(place: Place, recordings: Sequence[Path], speed: str) -> "subprocess.Popen[str]":
    """Start the program on the place's session; its lines are in the process's stdout."""
    market = [part for path in recordings for part in ("--replay", str(path))] or ["--duration", "10m"]
    command = [
        sys.executable, "-m", "src.interfaces.cli", "start-session", "--timeframe", "1s", "--speed", speed,
        "--symbols", SYMBOLS, "--strategies", ",".join(STRATEGIES), "--hedge", "--margin-type", "isolated",
        "--stop-loss", "0.0005", "--take-profit", "0.001", "--funding-interval", "20s", *market,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "STEADYHAND_DATA_DIR": str(place.data_dir),
        **({"DATABASE_URL": place.url} if place.url else {}),
        "STEADYHAND_ENTRIES_PER_MINUTE_MAX": "1000",
        "STEADYHAND_ORDERS_PER_MINUTE_MAX": "10000",
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
