"""``python -m tests.crash``: every crash point of every scenario; with ``--slice`` a bounded part of them.

Prints one line per scenario and every violation; the exit code is the verdict.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from src.domain.money import use_money_context
from tests.crash.kills import kill_at_random
from tests.crash.places import KINDS, Place, Places, places
from tests.crash.points import crash_everywhere
from tests.crash.scenarios import SCENARIOS, Scenario


def main() -> int:
    """Run the suite."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--slice", action="store_true", help="first passages of one scenario, and five kills")
    parser.add_argument("--ordinals", type=int, default=3, help="passages of each failpoint (default 3)")
    parser.add_argument("--kills", type=int, default=20, help="kills at random moments (default 20)")
    parser.add_argument("--database", choices=KINDS, default=KINDS[0], help="where sessions are stored")
    arguments = parser.parse_args()
    scenarios = SCENARIOS[:1] if arguments.slice else SCENARIOS
    ordinals = 1 if arguments.slice else arguments.ordinals
    kills = 5 if arguments.slice else arguments.kills
    use_money_context()
    failures = 0
    with (
        tempfile.TemporaryDirectory(prefix="steadyhand-crash-") as folder,
        places(arguments.database, Path(folder)) as made,
    ):
        failures += _points(scenarios, made, ordinals)
        failures += _kills(made.new("kills"), kills)
    print(f"{'FAILED' if failures else 'ok'}: {failures} violations")
    return 1 if failures else 0


def _points(scenarios: Sequence[Scenario], made: Places, ordinals: int) -> int:
    started = time.monotonic()
    crashes: Counter[str] = Counter()
    names: set[str] = set()
    failures = 0
    for scenario, point, found in crash_everywhere(scenarios, made, ordinals):
        crashes[scenario.name] += 1
        names.add(point[0])
        for sentence in found:
            failures += 1
            print(f"{scenario.name} at {point[0]} #{point[1]}: {sentence}", flush=True)
    for name, count in crashes.items():
        print(f"{name}: killed at {count} points")
    print(
        f"{sum(crashes.values())} crash points, {len(names)} failpoints, {time.monotonic() - started:.0f} s"
    )
    return failures


def _kills(place: Place, kills: int) -> int:
    started = time.monotonic()
    found = kill_at_random(place, kills, seed=1)
    for sentence in found:
        print(f"random kills: {sentence}", flush=True)
    print(f"{kills} kills at random moments of one session, {time.monotonic() - started:.0f} s")
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
