"""The work of ``make crash``, divided among processes: each has a folder, and a database server, of its own."""

import multiprocessing
import random
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final, TypeVar

from src.domain.money import use_money_context
from tests.crash.places import Places, places
from tests.crash.points import Pair, Tested, Verdict, crash, crash_twice, lose_power
from tests.crash.power import Loss, TornCheckpoint
from tests.crash.process import Point, reached_points
from tests.crash.scenarios import Scenario

SECONDS_PER_FIRST: Final = 4
"""How many second crashes share the first one: it need not be run again for each."""

T = TypeVar("T")
Job = Callable[[Places], Iterator[Tested]]


@dataclass(frozen=True, slots=True)
class Reached:
    """Every point that the scenarios reach without a crash."""

    points: list[tuple[Scenario, Point]]

    @classmethod
    def by(cls, scenarios: Sequence[Scenario], made: Places, ordinal_max: int) -> "Reached":
        """Run each scenario once and note where it comes by."""
        found: list[tuple[Scenario, Point]] = []
        for scenario in scenarios:
            place = made.new("count")
            found += [(scenario, point) for point in reached_points(scenario, place, ordinal_max)]
            place.remove()
        return cls(found)

    @property
    def distinct(self) -> int:
        """Points of different name or ordinal, whatever the scenario."""
        return len({point for _, point in self.points})

    @property
    def failpoints(self) -> int:
        """Names in the program's text."""
        return len({point[0].split(" | ")[0] for _, point in self.points})


def singles(reached: Reached, limit: int | None, seed: int) -> list[Job]:
    """A kill at every point, or at ``limit`` of them drawn by seed."""
    return [_single(scenario, point) for scenario, point in _drawn(reached.points, limit, seed)]


def pairs(reached: Reached, count: int, seed: int) -> list[Job]:
    """``count`` pairs: first points drawn by seed, and second ones in the recovery from each."""
    firsts = _drawn(reached.points, None, seed)
    jobs: list[Job] = []
    while count > 0:
        for scenario, point in firsts[: -(-count // SECONDS_PER_FIRST)]:
            seconds = min(SECONDS_PER_FIRST, count)
            jobs.append(_pair(Pair(scenario, point, seconds, seed=seed + len(jobs))))
            count -= seconds
    return jobs


def power_failures(reached: Reached, kind: str, limit: int | None, seed: int) -> list[Job]:
    """Power lost inside commits of both files, in every way; and inside checkpoints.

    Where the session is stored on a server, only the exchange has a file; the server's own failure is among the kills.
    """
    owners = (
        ("store.after_commit", "exchange.after_commit") if kind == "sqlite" else ("exchange.after_commit",)
    )
    commits = [
        (scenario, point, loss)
        for scenario, point in reached.points
        if point[0].startswith(owners)
        for loss in Loss
    ]
    torn = [
        _torn(scenario, point[1])
        for scenario, point in reached.points
        if point[0].startswith("store.checkpoint") and kind == "sqlite"
    ]
    return (torn + [_loss(*drawn) for drawn in _drawn(commits, limit, seed)])[:limit]


def _drawn(everything: Sequence[T], limit: int | None, seed: int) -> list[T]:
    shuffled = random.Random(seed).sample(list(everything), len(everything))
    return shuffled[:limit]


def _single(scenario: Scenario, point: Point) -> Job:
    def job(made: Places) -> Iterator[Tested]:
        place = made.new("crash")
        yield Tested("single", scenario.name, (point,), crash(scenario, point, place))
        place.remove()

    return job


def _pair(pair: Pair) -> Job:
    return lambda made: crash_twice(pair, made)


def _loss(scenario: Scenario, point: Point, loss: Loss) -> Job:
    def job(made: Places) -> Iterator[Tested]:
        place = made.new("power")
        verdict = lose_power(scenario, point, loss, place)
        yield Tested("power failure", scenario.name, (point,), verdict, loss.value)
        place.remove()

    return job


def _torn(scenario: Scenario, ordinal: int) -> Job:
    def job(made: Places) -> Iterator[Tested]:
        place = made.new("checkpoint")
        point = ("store.checkpoint", ordinal)
        verdict = crash(scenario, point, place, TornCheckpoint(ordinal, place.data_dir))
        yield Tested("power failure", scenario.name, (point,), verdict, "a torn checkpoint")
        place.remove()

    return job


def run(
    jobs: Sequence[Job], kind: str, folder: Path, workers: int, deadline: float | None
) -> Iterator[Tested]:
    """Do the jobs on so many processes until they are done or the deadline (monotonic seconds) has passed."""
    context = multiprocessing.get_context("fork")
    queue: Queue[Tested | None] = context.Queue()
    processes = [
        context.Process(target=_work, args=(jobs[n::workers], kind, folder / str(n), deadline, queue))
        for n in range(workers)
    ]
    for process in processes:
        process.start()
    running = workers
    while running:
        tested = queue.get()
        if tested is None:
            running -= 1
        else:
            yield tested
    for process in processes:
        process.join()


def _work(
    jobs: Sequence[Job], kind: str, folder: Path, deadline: float | None, queue: "Queue[Tested | None]"
) -> None:
    use_money_context()
    folder.mkdir()
    try:
        with places(kind, folder) as made:
            for job in jobs:
                if deadline is not None and time.monotonic() > deadline:
                    break
                for tested in job(made):
                    queue.put(tested)
    except Exception:  # noqa: BLE001 - a broken worker is a failure of the run, and says why
        queue.put(Tested("worker", "", (), Verdict([traceback.format_exc()])))
    finally:
        queue.put(None)
