"""``python -m tests.simulation [SEEDS]``: that many histories, each with a crash or two, on every core.

Prints each violation with the seed that replays it (``--seed N``), and figures at the end; the exit code is the
verdict. ``--network N`` plays N histories of the whole program with its adapters instead (tests/simulation/network);
``--pairs S`` runs every pair of crash points, the second inside recovery, for S seconds at most.
"""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.disk import use_one_thread
from tests.simulation.network.__main__ import main as run_network
from tests.simulation.pairs import main as run_pairs
from tests.simulation.pool import each_seed
from tests.simulation.seeds import Verdict, run_seed


def main() -> int:
    """Run the seeds."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", nargs="?", type=int, default=20_000, help="how many seeds (default 20000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--seed", type=int, help="one seed only, with its files kept when something is wrong")
    parser.add_argument(
        "--network", type=int, metavar="SEEDS", help="the whole program over a simulated network"
    )
    parser.add_argument(
        "--pairs",
        type=float,
        metavar="SECONDS",
        help="every pair of crash points, the second inside recovery",
    )
    arguments = parser.parse_args()
    if arguments.pairs is not None:
        return run_pairs(arguments.pairs)
    if arguments.network is not None:
        return run_network(["--first", str(arguments.first), str(arguments.network)])
    first, count = (arguments.seed, 1) if arguments.seed is not None else (arguments.first, arguments.seeds)
    started = time.monotonic()
    verdicts: list[Verdict] = []
    for verdict in each_seed(run_seed, range(first, first + count), prepare=use_one_thread):
        verdicts.append(verdict)
        for sentence in verdict.violations:
            print(f"seed {verdict.seed} (killed at {', '.join(verdict.crashes)}): {sentence}", flush=True)
    return _report(verdicts, time.monotonic() - started)


def _report(verdicts: list[Verdict], seconds: float) -> int:
    crashes = Counter(where for verdict in verdicts for where in verdict.crashes)
    orders = sorted(verdict.orders for verdict in verdicts)
    failed = sum(1 for verdict in verdicts if verdict.violations)
    print(
        f"{len(verdicts)} seeds in {seconds:.1f} s, {len(verdicts) / seconds:.0f} a second; "
        f"{sum(crashes.values())} crashes at {len(crashes)} kinds of points; "
        f"orders a seed: fewest {orders[0]}, median {orders[len(orders) // 2]}; "
        f"{len({verdict.head for verdict in verdicts})} distinct histories"
    )
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
