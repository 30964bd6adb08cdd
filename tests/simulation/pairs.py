"""Every pair of crash points: a process dies at one, and the next dies at another inside its recovery.

Which points a history passes, and which of them its recovery passes after a crash at each, is found by running it.
So the pairs that exist are known, each is run once, and the books are judged at the end. Further seeds are asked until
two in a row know no new pair, or until the time is up.
"""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from src.domain.money import use_money_context
from tests.simulation.disk import Files
from tests.simulation.pool import RAM
from tests.simulation.seeds import judge
from tests.simulation.world import CrashPlan, World

NOTHING_NEW_SEEDS: Final = 2


class Listener(CrashPlan):
    """Kills nobody; remembers the names of the points that were passed."""

    def __call__(self, name: str) -> None:
        """The hook."""
        self.names.append(name)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the pairs that begin with one point in one seed: violations by second point."""

    seed: int
    first: str
    seconds: dict[str, tuple[str, ...]]


@dataclass(slots=True)
class Coverage:
    """The pairs that were run so far, and what was violated."""

    pairs: set[tuple[str, str]] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    seeds: int = 0
    is_complete: bool = False

    def after(self, first: str) -> frozenset[str]:
        """The second points that were run after a first one."""
        return frozenset(second for one, second in self.pairs if one == first)

    def take(self, tried: Tried) -> int:
        """Note what was run; return how many pairs are new."""
        before = len(self.pairs)
        for second, violations in tried.seconds.items():
            self.pairs.add((tried.first, second))
            self.violations += [
                f"seed {tried.seed}, killed at {tried.first} and at {second}: {sentence}"
                for sentence in violations
            ]
        return len(self.pairs) - before


def points_of(seed: int, folder: Path) -> list[str]:
    """The points that an undisturbed history passes, in order."""
    listener = Listener(0)
    _world(seed, folder).process(listener, end=True)
    return listener.names


def try_first(seed: int, first: str, names: list[str], done: frozenset[str], folder: Path) -> Tried:
    """Kill a history at one of its points of this name, then its recovery at each point not yet done."""
    rng = random.Random(f"pairs:{seed}:{first}")
    folder /= str(os.getpid())
    world = _world(seed, folder)
    world.process(CrashPlan(rng.choice(_places(names, first))), end=False)
    saved, sent = folder / "saved", world.orders_sent
    shutil.rmtree(saved, ignore_errors=True)
    shutil.copytree(world.folder, saved)
    listener = Listener(0)
    world.process(listener, end=False, only_start=True)
    seconds: dict[str, tuple[str, ...]] = {}
    for second in sorted({*listener.names} - done):
        shutil.rmtree(world.folder)
        shutil.copytree(saved, world.folder)
        world.orders_sent = sent
        plan = CrashPlan(rng.choice(_places(listener.names, second)))
        world.process(plan, end=False)
        assert plan.where == second, "the same files recover the same way"
        world.process(None, end=True)
        seconds[second] = judge(world)[0]
    return Tried(seed, first, seconds)


def _places(names: list[str], name: str) -> list[int]:
    return [number for number, each in enumerate(names, 1) if each == name]


def _world(seed: int, folder: Path) -> World:
    use_money_context()
    return World(seed, folder / "pair", Files(folder / "template.db"))


def cover(seeds: Iterable[int], budget_s: float) -> Coverage:
    """Run pairs on every core until none is new or the time is up."""
    coverage, stale = Coverage(), 0
    give_up = time.monotonic() + budget_s
    ram = RAM if RAM.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="steadyhand-pairs-", dir=ram) as place,
        ProcessPoolExecutor() as pool,
    ):
        folder = Path(place)
        for seed in seeds:
            names = points_of(seed, folder / "points")
            tries = [
                pool.submit(try_first, seed, first, names, coverage.after(first), folder)
                for first in sorted(set(names))
            ]
            ended = wait(tries, max(0.0, give_up - time.monotonic()))
            new = sum(coverage.take(each.result()) for each in ended.done)
            if ended.not_done:
                _give_up(ended.not_done, coverage)
                return coverage
            coverage.seeds += 1
            stale = 0 if new else stale + 1
            if stale == NOTHING_NEW_SEEDS:
                coverage.is_complete = True
                return coverage
    return coverage


def _give_up(left: Iterable["Future[Tried]"], coverage: Coverage) -> None:
    """The time is up: what runs already is waited for, the rest is not begun."""
    for each in left:
        if not each.cancel():
            coverage.take(each.result())


def main(budget_s: float) -> int:
    """Cover, and print figures; the exit code is the verdict."""
    started = time.monotonic()
    coverage = cover(range(1_000), budget_s)
    for sentence in coverage.violations:
        print(sentence)
    firsts, seconds = ({pair[place] for pair in coverage.pairs} for place in (0, 1))
    state = (
        "every pair that these seeds know" if coverage.is_complete else "the time was up before all were run"
    )
    print(
        f"{len(coverage.pairs)} pairs of {len(firsts)} first and {len(seconds)} second points from "
        f"{coverage.seeds} seeds in {time.monotonic() - started:.1f} s ({state}); "
        f"{len(coverage.violations)} violations"
    )
    return 1 if coverage.violations else 0
