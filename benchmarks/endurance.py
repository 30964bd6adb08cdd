"""Whether a session that has traded for long pays more for an order than a young one, in time or in memory.

A paper session makes round trips, one after the other: an entry at the market, its stop and target, an exit. Of every
entry the decision and its commit are timed; beside each stands the reference, json.loads of one quote, so that a
machine that became slow meanwhile is told from a program that did. Nothing is synced: what may grow is work, not the
disk.
"""

import asyncio
import gc
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Final

import psutil  # type: ignore[import-untyped]  # it has no types

from benchmarks.quotes import BURST_EVERY_MS, QuoteMarket, quote_messages
from benchmarks.samples import Samples
from benchmarks.trading import REST_MS, WAIT_MS, WITHOUT_END, approved, entry, leave, unthrottled
from src.application.ports.failpoints import install_hook
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.memory import settle_memory
from src.bootstrap.paper import PaperConfig, paper_parts
from src.domain.money import use_money_context
from src.infrastructure.persistence.schema import create_sqlite
from tests.application.trading.sessions import pass_time

EARLY: Final = 100
"""After so many round trips a session is young, but warm."""
MEMORY_EVERY: Final = 500


@dataclass(slots=True)
class Endurance:
    """What each entry cost, ns (decision and commit), the reference beside it, and resident bytes now and then."""

    cost: Samples = field(default_factory=lambda: Samples("decide and commit"))
    reference: Samples = field(default_factory=lambda: Samples("json.loads"))
    resident: list[tuple[int, int]] = field(default_factory=list)
    round_trips: int = 0

    def growth(self, window: int, at: int = 0) -> float:
        """The median cost of ``window`` orders up to the ``at``-th, or the last, over that of as many after the first.

        Both by the reference beside them.
        """
        end = at or len(self.cost.values)
        early, late = slice(EARLY, EARLY + window), slice(end - window, end)
        return self._relative(late) / self._relative(early)

    def _relative(self, part: slice) -> float:
        return self.cost.part(part.start, part.stop).p50 / self.reference.part(part.start, part.stop).p50

    def memory_spread(self, after: int) -> int:
        """How far apart the resident bytes were, from so many round trips on."""
        seen = [resident for trips, resident in self.resident if trips >= after]
        return max(seen) - min(seen)


def endure(folder: Path, trips: int) -> Endurance:
    """Trade so many round trips in ``folder``, which has to be empty."""
    use_money_context()
    result = Endurance()
    try:
        asyncio.run(_run(unthrottled(folder), trips, result))
    finally:
        install_hook(None)
    return result


async def _run(config: PaperConfig, trips: int, result: Endurance) -> None:
    create_sqlite(config.database)
    market = QuoteMarket(WITHOUT_END)
    parts = paper_parts(config, lambda _: market, "endurance", [])
    runner = SessionRunner(parts)
    try:
        await runner.start()
        await pass_time(runner.loop, BURST_EVERY_MS)
        settle_memory()
        trader = _Trader(runner, result)
        for number in range(trips):
            await trader.round_trip(number)
            await pass_time(runner.loop, REST_MS)
            if number % MEMORY_EVERY == MEMORY_EVERY - 1:
                gc.collect()
                result.resident.append((number + 1, psutil.Process().memory_info().rss))
        session = runner.session
        result.round_trips = session.total_trades
    finally:
        await parts.store.close()
        parts.close()


class _Trader:
    """Enters and leaves; the entry is timed."""

    def __init__(self, runner: SessionRunner, result: Endurance) -> None:
        self._runner = runner
        self._result = result
        self._message = next(quote_messages())
        self._marks: dict[str, int] = {}
        install_hook(self._on_failpoint)

    def _on_failpoint(self, name: str) -> None:
        self._marks[name] = perf_counter_ns()

    async def round_trip(self, number: int) -> None:
        """One entry, one exit."""
        await self._enter(number)
        await leave(self._runner)

    async def _enter(self, number: int) -> None:
        loop = self._runner.loop
        order = approved(self._runner, entry(self._runner, number))
        before = perf_counter_ns()
        loop.decide(order)
        decided = perf_counter_ns()
        await loop.flush()
        committed = self._marks["session.committed"]
        self._result.cost.add(committed - before)
        assert committed > decided, "the hook is the product's own"
        before = perf_counter_ns()
        json.loads(self._message)
        self._result.reference.add(perf_counter_ns() - before)
        await pass_time(loop, WAIT_MS)


def lines(result: Endurance, window: int) -> Sequence[str]:
    """What was measured, for people."""
    first, last = result.cost.part(EARLY, EARLY + window), result.cost
    last = last.part(len(last.values) - window, len(last.values))
    mb = [resident / 1e6 for _, resident in result.resident]
    return (
        f"{result.round_trips:,} round trips: decide and commit {first.p50 / 1_000:,.0f} µs after {EARLY}, "
        f"{last.p50 / 1_000:,.0f} µs at the end, {result.growth(window):.3f} times as much by the reference",
        f"resident {', '.join(f'{each:.1f}' for each in mb)} MB",
    )
