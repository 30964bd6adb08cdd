"""Audits of simulated worlds: equal at rest, and equal up to what is in flight whenever a process has died."""

import random
from pathlib import Path

import pytest

from src.domain.money import use_money_context
from tests.infrastructure.audit.conftest import Files
from tests.simulation.disk import Files as DatabaseFiles
from tests.simulation.seeds import FAILPOINTS
from tests.simulation.world import CrashPlan, World, read_accounts


def a_world(seed: int, folder: Path) -> World:
    use_money_context()
    return World(seed, folder / "world", DatabaseFiles(folder / "template.db"))


@pytest.mark.parametrize("seed", range(8))
def test_books_are_equal_after_every_death_and_at_the_end(seed: int, tmp_path: Path):
    world, rng = a_world(seed, tmp_path), random.Random(f"audit:{seed}")
    files = Files(world.folder)

    for _ in range(3):
        world.process(CrashPlan(rng.randrange(1, FAILPOINTS // 2)), end=False)
        if read_accounts(files.database):
            assert files.audit().differences == ()
    world.process(None, end=True)
    report = files.audit()

    assert report.differences == ()
    assert report.in_flight == 0
    assert report.trades >= 3
