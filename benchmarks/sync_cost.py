"""What waiting for the disk costs an order: two sessions take turns, one synced before it sends, one never.

Both make the same round trips with the same files around them; of every entry the commit is timed. After each pair
the synced commit's bytes are written and synced plainly, in the same folder. So whatever the machine does beside it
falls on all three.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from benchmarks.disk import PlainLog
from benchmarks.samples import Samples
from benchmarks.trading import PaperTrader
from src.application.ports.failpoints import install_hook
from src.bootstrap.memory import settle_memory
from src.domain.money import use_money_context

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


async def _measure(folder: Path, orders: int) -> SyncCost:
    result, marks = SyncCost(), dict[str, int]()
    install_hook(lambda name: marks.__setitem__(name, perf_counter_ns()))
    reference = PlainLog(folder / "reference.log")
    async with AsyncExitStack() as opened:
        opened.callback(reference.close)
        synced, unsynced = (PaperTrader(folder / each, marks, each) for each in (SYNCED, UNSYNCED))
        for session in (synced, unsynced):
            await session.open(opened)
        settle_memory()
        for number in range(WARM_UP + orders):
            # Each of the two is the first of every other pair.
            spent = {}
            for session in (synced, unsynced) if number % 2 else (unsynced, synced):
                session.log.grown_by()
                spent[session] = (await session.enter(number)).committed_ns
            written = reference.write(synced.log.grown_by())
            if number >= WARM_UP:
                result.synced.add(spent[synced])
                result.unsynced.add(spent[unsynced])
                result.reference.add(written)
            for session in (synced, unsynced):
                await session.leave()
    return result
