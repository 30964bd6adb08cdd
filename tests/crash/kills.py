"""``kill -9`` at random moments of one session, each followed by a start that resumes it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.crash.places import Place
from tests.crash.points import check, session_ids

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30.0


def kill_at_random(place: Place, kills: int, seed: int, speed: str = "10") -> list[str]:
    """Start, kill and resume one session; stop it in good order at last; return what is wrong then.

    Where the database is on a server, every second kill is the server's, which then recovers as after a power
    failure, while the session ends, or has already started itself again; its own kill follows.
    """
    rng = random.Random(seed)
    found: list[str] = []
    session: list[str] = []
    for number in range(kills):
        process = start(place, speed, duration="1d")
        wait_until_running(process)
        time.sleep(rng.uniform(0.0, 1.0))
        if place.server is not None and number % 2:
            place.server.kill()
            place.server.start()
            time.sleep(rng.uniform(0.0, 2.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        ids = session_ids(place)
        if session and ids[:1] != session[:1]:
            found.append(f"kill {number}: session {ids[:1]} instead of {session[:1]}")
        session = session or ids
    process = start(place, "max", duration="20s")
    output, _ = process.communicate(timeout=120)
    if process.returncode != 0:
        found.append(f"the last start ended with {process.returncode}: {output[-300:]}")
    if session_ids(place)[:1] != session[:1]:
        found.append("the last start did not resume the session")
    return found + check(place)


def start(place: Place, speed: str, duration: str, *, auto_restart: bool = True) -> "subprocess.Popen[str]":
    """Start the program on the place's session; its lines are in the process's stdout."""
    command = [
        sys.executable, "-m", "src.interfaces.cli", "start-session", "--timeframe", "1s", "--speed", speed,
        "--strategies", "sma_cross:fast=2,slow=4", "--stop-loss", "0.0005", "--take-profit", "0.001",
        "--duration", duration, "--symbols", "BTCUSDT",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "STEADYHAND_DATA_DIR": str(place.data_dir),
        **({"DATABASE_URL": place.url} if place.url else {}),
        "STEADYHAND_ENTRIES_PER_MINUTE_MAX": "1000",
        "STEADYHAND_ORDERS_PER_MINUTE_MAX": "10000",
        "AUTO_RESTART": str(auto_restart).lower(),
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_until_running(process: "subprocess.Popen[str]") -> None:
    """Read its lines until it says RUNNING; the moments before are covered by the crash points."""
    assert process.stdout is not None, "the output is a pipe"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if "RUNNING" in line:
            return
        if not line:
            break
    process.kill()
    raise AssertionError("the session did not get to RUNNING")
