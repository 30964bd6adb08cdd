"""``python -m tests.acceptance``: everything that the product was accepted for; names of parts run those alone.

Prints a line for each part and every violation; the exit code is the verdict. Recorded market data are used where
there are any.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.endurance import EARLY, Endurance, endure, lines
from src.domain.money import use_money_context
from tests.acceptance.bars import PROMISED_S, a_month
from tests.acceptance.events import ACTS, everything_happens
from tests.acceptance.kills import kill_and_judge
from tests.crash.places import places
from tests.support.recordings import BARS, recorded_files, recordings_folder

EVENT_SEEDS: Final = 24
COST_TRIPS: Final = 10_000
"""After so many round trips an order may cost at most :data:`GROWTH_MAX` of what it cost after the first hundred."""
GROWTH_MAX: Final = 1.10
WINDOW: Final = 500
SPREAD_BYTES_MAX: Final = 10_000_000
"""Resident memory stays within ± 5 MB."""


def main() -> int:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=f"of {', '.join(PARTS)} (default: all)"
    )
    parser.add_argument("--kills", type=int, default=20, help="kills of each session (default 20)")
    parser.add_argument("--trips", type=int, default=20_000, help="round trips of endurance (default 20000)")
    parser.add_argument("--seed", type=int, default=1, help="draws the moments of the kills (default 1)")
    options = parser.parse_args()
    use_money_context()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="steadyhand-acceptance-") as folder:
        for name in options.parts or PARTS:
            for sentence in PARTS[name](Path(folder) / name, options):
                failures += 1
                print(f"{name}: {sentence}", flush=True)
    print(f"{'FAILED' if failures else 'ok'}: {failures} violations")
    return 1 if failures else 0


def _kills(kind: str) -> Callable[[Path, argparse.Namespace], Iterator[str]]:
    def part(folder: Path, options: argparse.Namespace) -> Iterator[str]:
        recordings = recorded_files(recordings_folder())
        folder.mkdir()
        with places(kind, folder) as made:
            result = kill_and_judge(made.new("session"), recordings, options.kills, options.seed)
        market = f"{len(recordings)} recordings" if recordings else "the synthetic market"
        print(
            f"{kind}: {result.kills} kills of one session on {market}, {result.fills} fills, "
            f"{result.seconds:.0f} s",
            flush=True,
        )
        yield from result.found

    return part


def _events(folder: Path, _: argparse.Namespace) -> Iterator[str]:
    folder.mkdir()
    for seed in range(EVENT_SEEDS):
        for sentence in asyncio.run(everything_happens(folder / str(seed), seed)):
            yield f"seed {seed}: {sentence}"
    print(f"events: {', '.join(ACTS)} in {EVENT_SEEDS} orders", flush=True)


def _endurance(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    folder.mkdir()
    trips: int = options.trips
    result = endure(folder, trips, sorted({min(COST_TRIPS, trips), trips}), min(WINDOW, trips // 4))
    print(*lines(result), sep="\n", flush=True)
    yield from endurance_violations(result)


def _bars(folder: Path, _: argparse.Namespace) -> Iterator[str]:
    folder.mkdir()
    month = a_month(folder, next(iter(recorded_files(recordings_folder(), BARS)), None))
    print(
        f"bars: a month in {month.wall_s:.1f} s, {month.busy_s:.1f} s of the processor (promised: {PROMISED_S:.0f} s)",
        flush=True,
    )
    yield from month.violations


def endurance_violations(result: Endurance) -> list[str]:
    """What of the promises about a long session does not hold; the first comparison is the promised one."""
    age, compared = next(iter(result.comparisons.items()))
    growth, spread = compared.growth, result.memory_spread(EARLY)
    found = []
    if growth > GROWTH_MAX:
        found.append(f"an order after {age:,} round trips costs {growth:.2f} times as much as after {EARLY}")
    if spread > SPREAD_BYTES_MAX:
        found.append(f"resident memory varied by {spread / 1e6:.1f} MB")
    return found


PARTS: Final[dict[str, Callable[[Path, argparse.Namespace], Iterator[str]]]] = {
    "events": _events,
    "bars": _bars,
    "endurance": _endurance,
    "sqlite": _kills("sqlite"),
    "postgres": _kills("postgres"),
}


if __name__ == "__main__":
    sys.exit(main())
