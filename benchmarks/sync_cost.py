"""What waiting for the disk costs an order: two sessions take turns, one synced before it sends, one never.

Both make the same round trips with the same files around them; of every entry the commit is timed. After each pair
the synced commit's bytes are written and synced plainly, in the same folder. So whatever the machine does beside it
falls on all three.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from benchmarks.disk import PlainLog, WriteAheadLog
from benchmarks.meter import COMMITTED
from benchmarks.quotes import BURST_EVERY_MS, QuoteMarket
from benchmarks.samples import Samples
from benchmarks.trading import REST_MS, WAIT_MS, WITHOUT_END, approved, entry, leave, unthrottled
from src.application.ports.failpoints import install_hook
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.memory import settle_memory
from src.bootstrap.paper import paper_parts
from src.domain.money import use_money_context
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.application.trading.sessions import pass_time

WARM_UP: Final = 30
SYNCED, UNSYNCED = "FULL", "OFF"


@dataclass(slots=True)
class SyncCost:
    """Durations, ns: of commits that wait for the disk, of those that do not, of plain writes of the first's bytes."""

    synced: Samples = field(default_factory=lambda: Samples("commit, synchronous=FULL"))
    unsynced: Samples = field(default_factory=lambda: Samples("commit, synchronous=OFF"))
    reference: Samples = field(default_factory=lambda: Samples("write and sync"))

    @property
    def difference(self) -> Samples:
        """Pair by pair, how much longer the commit took that waits for the disk."""
        pairs = zip(self.synced.values, self.unsynced.values, strict=True)
        return Samples("sync of a commit", (synced - unsynced for synced, unsynced in pairs))


def sync_cost(folder: Path, orders: int) -> SyncCost:
    """Let both sessions place so many orders in ``folder``, in turns."""
    use_money_context()
    try:
        return asyncio.run(_measure(folder, orders))
    finally:
        install_hook(None)


class _Session:
    """One of the two: a paper session whose own store is opened with the wanted ``synchronous``."""

    def __init__(self, folder: Path, synchronous: str) -> None:
        folder.mkdir()
        self._synchronous = synchronous
        self._config = unthrottled(folder)

    async def open(self, opened: AsyncExitStack) -> None:
        """Bring the session to RUNNING."""
        config = self._config
        create_sqlite(config.database)
        parts = paper_parts(config, lambda _: QuoteMarket(WITHOUT_END), "sync cost", [])
        opened.callback(parts.close)
        await parts.store.close()
        parts.store = SqliteStore(config.database, synchronous=self._synchronous)
        self.log = WriteAheadLog(config.database)
        opened.callback(self.log.close)
        opened.push_async_callback(parts.store.close)
        self.runner = SessionRunner(parts)
        await self.runner.start()
        await pass_time(self.runner.loop, BURST_EVERY_MS)

    async def enter(self, number: int, marks: Mapping[str, int]) -> int:
        """Place an order; return how long its commit took, ns."""
        loop = self.runner.loop
        loop.decide(approved(self.runner, entry(self.runner, number)))
        before = perf_counter_ns()
        await loop.flush()
        return marks[COMMITTED] - before

    async def leave(self) -> None:
        """Close the position again, and let some time pass."""
        await pass_time(self.runner.loop, WAIT_MS)
        await leave(self.runner)
        await pass_time(self.runner.loop, REST_MS)


async def _measure(folder: Path, orders: int) -> SyncCost:
    result, marks = SyncCost(), dict[str, int]()
    install_hook(lambda name: marks.__setitem__(name, perf_counter_ns()))
    reference = PlainLog(folder / "reference.log")
    async with AsyncExitStack() as opened:
        opened.callback(reference.close)
        synced, unsynced = _Session(folder / SYNCED, SYNCED), _Session(folder / UNSYNCED, UNSYNCED)
        for session in (synced, unsynced):
            await session.open(opened)
        settle_memory()
        for number in range(WARM_UP + orders):
            # Each of the two is the first of every other pair.
            spent = {}
            for session in (synced, unsynced) if number % 2 else (unsynced, synced):
                session.log.grown_by()
                spent[session] = await session.enter(number, marks)
            written = reference.write(synced.log.grown_by())
            if number >= WARM_UP:
                result.synced.add(spent[synced])
                result.unsynced.add(spent[unsynced])
                result.reference.add(written)
            for session in (synced, unsynced):
                await session.leave()
    return result
