"""One seed from beginning to end: run, crash, perhaps crash again, finish, and judge."""

import gc
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from src.domain.decisions.watch import UNPROTECTED
from src.domain.ledger.events import (
    DifferenceFound,
    OrderIntended,
    SymbolMoved,
    TermsChanged,
    TradingMoved,
)
from src.domain.money import use_money_context
from src.domain.sessions.trading_states import SymbolState
from tests.simulation.deeds import TRADER
from tests.simulation.disk import Disk, Files, Memory, memory_is_possible
from tests.simulation.world import ORDERS_MIN, CrashPlan, World
from tests.support.invariants import Books, violations

FAILPOINTS = 430
"""About as many as a history passes; a plan beyond its end kills the process there instead."""
FAILPOINTS_OF_RECOVERY = 60
SECOND_CRASHES = 0.3
ORDERS_IN_A_SECOND_MAX = 40
"""Twice what any of some thousand worlds has had."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a seed; ``crashes`` names where its processes died."""

    seed: int
    crashes: tuple[str, ...]
    orders: int
    head: str
    violations: tuple[str, ...]


def run_seed(seed: int, folder: Path) -> Verdict:
    """Run one seed in a folder of its own, which is removed when nothing is wrong."""
    use_money_context()
    # A history leaves a few thousand objects in circles; they go all at once, after it.
    gc.disable()
    try:
        return _run_seed(seed, folder)
    finally:
        gc.enable()


def _run_seed(seed: int, folder: Path) -> Verdict:
    if not memory_is_possible():
        return play(seed, folder / f"seed-{seed}", Files(folder / "template.db"))
    with _memory() as disk:
        verdict = play(seed, folder / f"seed-{seed}", disk)
        if verdict.violations:
            disk.save()
        return verdict


@cache
def _memory() -> Memory:
    """One for all histories of this process."""
    return Memory()


def play(seed: int, folder: Path, disk: Disk) -> Verdict:
    """Run one seed on a disk, in a folder that is removed when nothing is wrong."""
    rng = random.Random(f"crash:{seed}")
    world = World(seed, folder, disk)
    plans = [CrashPlan(rng.randrange(1, FAILPOINTS))]
    if rng.random() < SECOND_CRASHES:
        plans.append(CrashPlan(rng.randrange(1, FAILPOINTS_OF_RECOVERY)))
    for plan in plans:
        world.process(plan, end=False)
    world.process(None, end=True)
    found, head = judge(world)
    if not found:
        _remove(world.folder)
    return Verdict(
        seed, tuple(plan.where or "end of the market" for plan in plans), world.orders_sent, head, found
    )


def _remove(folder: Path) -> None:
    """Remove a folder of this process alone: nobody changes it meanwhile, which ``shutil.rmtree`` has to expect."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _remove(Path(entry))
            else:
                os.unlink(entry)
    folder.rmdir()


def judge(world: World) -> tuple[tuple[str, ...], str]:
    """What is violated in a world at rest, and the head of its journal."""
    books = Books(world.config.database, world.account_id, world.exchange_file)
    if len(books.accounts) != 1:
        return (f"{len(books.accounts)} accounts instead of one",), ""
    found = [*violations(books), *unprovoked(books), *storms(books)]
    if world.orders_sent < ORDERS_MIN:
        found.append(f"{world.orders_sent} orders were sent, {ORDERS_MIN} were wanted")
    return tuple(found), books.head


_PROVOKED: Final = frozenset({SymbolMoved, DifferenceFound, TermsChanged, TradingMoved})
"""What somebody has to have given a reason for; most events of a history are none of these."""


def unprovoked(books: Books) -> Iterator[str]:
    """Nobody else trades on this account, and its limits are wide: only the trader has a reason to restrict it.

    And an exchange that takes no stops, as some worlds' does.
    """
    for _, event in books.events:
        if type(event) not in _PROVOKED or (
            isinstance(event, SymbolMoved) and event.reason.startswith(UNPROTECTED)
        ):
            continue
        if isinstance(event, DifferenceFound):
            yield f"unprovoked: {event.subject} differs: ours {event.ours}, the exchange's {event.theirs}"
        elif isinstance(event, SymbolMoved) and event.state is SymbolState.CLOSED:
            yield f"unprovoked: {event.symbol} is closed: {event.reason}"
        elif isinstance(event, TermsChanged):
            yield f"unprovoked: somebody else amended {event.client_order_id}"
        elif isinstance(event, TradingMoved) and event.author != TRADER:
            yield f"unprovoked: {event.trigger.value} by {event.author}: {event.reason}"


def storms(books: Books) -> Iterator[str]:
    """No trader asks for so many orders in a second: a session that sends them answers refusals with orders."""
    sent = Counter(at_ms // 1_000 for at_ms, event in books.events if isinstance(event, OrderIntended))
    for second, orders in sent.items():
        if orders > ORDERS_IN_A_SECOND_MAX:
            yield f"storm: {orders} orders in the second {second}"
