"""``python -m tests.simulation.network [SEEDS]``: that many histories of the whole program, on every core.

Prints each violation with the seed that replays it (``--seed N``; with ``--folder`` its files are kept), and
figures at the end; the exit code is the verdict.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from tests.simulation.network.seeds import Outcome, run_network_seed
from tests.simulation.pool import each_seed

SECONDS_A_DAY = 86_400


def main(arguments: list[str] | None = None) -> int:
    """Run the seeds."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.network", description=__doc__)
    parser.add_argument("seeds", nargs="?", type=int, default=500, help="how many seeds (default 500)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--seed", type=int, help="one seed only")
    parser.add_argument("--folder", type=Path, help="where to keep the files of what went wrong")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    started = time.monotonic()
    outcomes: list[Outcome] = []
    for outcome in each_seed(run_network_seed, seeds, options.folder):
        outcomes.append(outcome)
        for sentence in outcome.violations:
            print(f"seed {outcome.seed} (digest {outcome.digest[:12]}): {sentence}", flush=True)
    return _report(outcomes, time.monotonic() - started)


def _report(outcomes: list[Outcome], seconds: float) -> int:
    events: Counter[str] = Counter()
    for outcome in outcomes:
        events.update(dict(outcome.events))
    virtual_s = sum(outcome.seconds for outcome in outcomes)
    failed = sum(1 for outcome in outcomes if outcome.violations)
    print(
        f"{len(outcomes)} seeds in {seconds:.1f} s, {len(outcomes) / seconds:.1f} a second; "
        f"{virtual_s / SECONDS_A_DAY:.2f} days of virtual time, {sum(o.callbacks for o in outcomes)} callbacks, "
        f"{sum(o.connections for o in outcomes)} connections, {sum(o.orders for o in outcomes)} orders, "
        f"{len({o.digest for o in outcomes})} distinct histories"
    )
    print(", ".join(f"{name} {count}" for name, count in sorted(events.items())))
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
