"""One seed of the network's simulation: its history, and what became of it."""

import gc
import logging
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from src.domain.money import use_money_context
from src.infrastructure.persistence.schema import create_sqlite
from tests.simulation.network.faults import misfortune
from tests.simulation.network.world import History


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed; ``digest`` stands for every event of its history, ``events`` counts what befell it."""

    seed: int
    digest: str
    orders: int
    seconds: float
    callbacks: int
    connections: int
    events: tuple[tuple[str, int], ...]
    violations: tuple[str, ...]


def run_network_seed(seed: int, folder: Path) -> Outcome:
    """Run one seed in a folder of its own, which is removed when nothing is wrong."""
    use_money_context()
    folder.mkdir(parents=True, exist_ok=True)
    template = folder / "template.db"
    if not template.exists():
        create_sqlite(template)
    # A history leaves its objects in circles; they go all at once, after it.
    gc.disable()
    # The exchange's HTTP library tells at length of every connection that breaks while it answers.
    logging.disable(logging.CRITICAL)
    try:
        return _run(seed, folder / f"seed-{seed}", template)
    finally:
        _free()
        logging.disable(logging.NOTSET)
        gc.enable()


def _free() -> None:
    """Free what the dead held, without their complaints: who is killed closes nothing and ends nothing."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
    finally:
        sys.unraisablehook = before


def _run(seed: int, folder: Path, template: Path) -> Outcome:
    history = History(seed, folder, template, misfortune(seed))
    history.run()
    if not history.violations:
        shutil.rmtree(history.folder)
    return Outcome(
        seed,
        history.digest,
        history.orders,
        history.loop.time(),
        history.loop.callbacks,
        history.network.made,
        tuple(sorted(history.events.items())),
        tuple(history.violations),
    )
