"""Backups at random moments of a session that trades, each restored into a folder of its own and resumed there."""

import random
import time
from pathlib import Path

from src.bootstrap.backups import back_up, restore
from tests.crash.kills import start, wait_until_running
from tests.crash.places import Place
from tests.crash.points import check, session_ids
from tests.crash.process import run_child
from tests.crash.scenarios import Scenario

RESTORED = Scenario("restored", 10_000, {"entries_per_minute_max": "1000", "orders_per_minute_max": "10000"})
"""Resumed with the options that it was started with, which the database knows."""
FIRST_TRADES_S = 2.0
PAUSE_S = 0.3


def back_up_under_load(folder: Path, count: int, seed: int, speed: str = "20") -> list[str]:
    """Back a running session up ``count`` times, kill it, restore and resume every backup; what is wrong then.

    Session and paper exchange are copied while both are written. A restored session has to agree with its exchange
    to the last digit, and be the same session.
    """
    rng = random.Random(seed)
    place = Place(folder / "data")
    process = start(place, speed, duration="1d")
    try:
        wait_until_running(process)
        # There is something to lose.
        time.sleep(FIRST_TRADES_S)
        backups = []
        for number in range(count):
            time.sleep(rng.uniform(0.0, PAUSE_S))
            target = folder / f"{number}.tar.gz"
            backups.append(back_up(place.data_dir / "steadyhand.db", place.data_dir, target).file)
    finally:
        process.kill()
        process.wait()
    (session,) = session_ids(place)
    found: list[str] = []
    for number, backup in enumerate(backups):
        other = Place(folder / f"restored-{number}")
        restore(backup, other.data_dir / "steadyhand.db", other.data_dir)
        found += [f"backup {number}: {sentence}" for sentence in _resumed(other, session)]
        other.remove()
    return found


def _resumed(place: Place, session: str) -> list[str]:
    status = run_child(RESTORED, place, None)
    if status != 0:
        return [f"the restored session did not resume: status {status}"]
    found = [] if session_ids(place) == [session] else ["another session was resumed"]
    return found + check(place)
