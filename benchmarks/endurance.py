"""Whether a session that has traded for long pays more for an order than a young one, in time or in memory.

A paper session makes round trips, one after the other: an entry at the market, its stop and target, an exit. When it
has made as many as are asked about, a young session beside it takes turns with it: of every entry of the two the
decision and its commit are timed. So whatever the machine does meanwhile falls on both, and what remains is age.
Nothing is synced: what may grow is work, not the disk.
"""

import asyncio
import gc
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Final

import psutil  # type: ignore[import-untyped]  # it has no types

from benchmarks.samples import Samples
from benchmarks.trading import PaperTrader
from src.application.ports.failpoints import install_hook
from src.bootstrap.memory import settle_memory
from src.domain.money import use_money_context

EARLY: Final = 100
"""After so many round trips a session is young, but warm."""
MEMORY_EVERY: Final = 500


@dataclass(slots=True)
class Comparison:
    """What entries cost, ns (decision and commit), in turns: of an old session and of a young one."""

    old: Samples = field(default_factory=lambda: Samples("of the old session"))
    young: Samples = field(default_factory=lambda: Samples("of the young session"))

    @property
    def growth(self) -> float:
        """The median cost of the old session's orders over that of the young one's."""
        return self.old.p50 / self.young.p50


@dataclass(slots=True)
class Endurance:
    """The comparisons, by how many round trips the old session had made, and its resident bytes now and then."""

    comparisons: dict[int, Comparison] = field(default_factory=dict)
    resident: list[tuple[int, int]] = field(default_factory=list)
    round_trips: int = 0

    def memory_spread(self, after: int) -> int:
        """How far apart the resident bytes were, from so many round trips on."""
        seen = [resident for trips, resident in self.resident if trips >= after]
        return max(seen) - min(seen)


def endure(folder: Path, trips: int, ages: Sequence[int], window: int) -> Endurance:
    """Trade so many round trips in ``folder``, which has to be empty.

    At each of ``ages`` (round trips, none more than ``trips``) the last ``window`` entries are compared with those of a
    session that had made :data:`EARLY` before.
    """
    use_money_context()
    result = Endurance()
    try:
        asyncio.run(_run(folder, trips, ages, window, result))
    finally:
        install_hook(None)
    return result


async def _run(folder: Path, trips: int, ages: Sequence[int], window: int, result: Endurance) -> None:
    marks = dict[str, int]()
    install_hook(lambda name: marks.__setitem__(name, perf_counter_ns()))
    async with AsyncExitStack() as opened:
        # All are there from the beginning, so that what a young one takes is not seen as what the old one gained.
        old = PaperTrader(folder / "old", marks)
        young = {age: PaperTrader(folder / f"young beside {age}", marks) for age in ages}
        for session in (old, *young.values()):
            await session.open(opened)
        settle_memory()
        for session in young.values():
            for number in range(EARLY):
                await _round_trip(session, number)
        for number in range(trips):
            age = next((age for age in ages if age - window <= number < age), None)
            if age is None:
                await _round_trip(old, number)
            else:
                await _take_turns(old, young[age], number, result.comparisons.setdefault(age, Comparison()))
            if number % MEMORY_EVERY == MEMORY_EVERY - 1:
                gc.collect()
                result.resident.append((number + 1, psutil.Process().memory_info().rss))
        result.round_trips = old.runner.session.total_trades


async def _take_turns(old: PaperTrader, young: PaperTrader, number: int, result: Comparison) -> None:
    """A round trip of each; each is the first of every other pair."""
    pair = ((old, result.old), (young, result.young))
    for session, costs in pair if number % 2 else pair[::-1]:
        costs.add(await _round_trip(session, number))


async def _round_trip(session: PaperTrader, number: int) -> int:
    """Enter and leave; return what the entry cost, ns."""
    entry = await session.enter(number)
    await session.leave()
    return entry.decided_ns + entry.committed_ns


def lines(result: Endurance) -> Sequence[str]:
    """What was measured, for people."""
    mb = [resident / 1e6 for _, resident in result.resident]
    return (
        *(
            f"after {age:,} round trips decide and commit {each.old.p50 / 1_000:,.0f} µs, in turns with "
            f"{each.young.p50 / 1_000:,.0f} µs of a session of {EARLY}: {each.growth:.3f} times as much"
            for age, each in result.comparisons.items()
        ),
        f"resident {', '.join(f'{each:.1f}' for each in mb)} MB",
    )
