"""``python -m tests.matrix [PATTERN]``: run the fault matrix, or what of it matches, and say what it covers.

``--slice N --seed S`` runs N cells drawn by the seed, ``--part 1/2`` one half of all; ``--list`` only counts, and
says why the others are not applicable. A cell is repeated by its name: ``… tests.matrix modify/duplicate/entry``.
"""

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from multiprocessing import get_context
from pathlib import Path

from src.infrastructure.persistence.schema import create_sqlite
from tests.matrix.cell import Verdict, run_cell
from tests.matrix.report import coverage, figures
from tests.matrix.table import Cell, cells

RAM: Path = Path("/dev/shm")


def be_quiet() -> None:
    """A connection that is broken on purpose is no news, neither the server's nor the session's."""
    for name in ("aiohttp.server", "asyncio", "websockets", "steadyhand"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class Runner:
    """Runs cells in this process, each in the same folder."""

    def __init__(self, folder: Path, template: Path) -> None:
        self._folder = folder
        self._template = template

    def __call__(self, cell: Cell) -> Verdict:
        """The verdict on one cell."""
        return run_cell(cell, self._folder / f"cell-{os.getpid()}", self._template)


def main() -> int:
    """Run what was asked for; the exit code is the verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("pattern", nargs="?", default="*", help="operation/fault/phase, with * and ?")
    parser.add_argument("--slice", type=int, help="so many cells, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="1/1", help="one part of all, as 1/2")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--list", action="store_true", help="count cells, run none")
    parser.add_argument("--markdown", action="store_true", help="print the figures as rows of a table")
    options = parser.parse_args()
    every = list(cells())
    if options.list:
        print(coverage(every))
        return 0
    chosen = choose(every, options.pattern, options.slice, options.seed, options.part)
    begun = time.monotonic()
    verdicts = run(chosen, options.jobs, options.seconds)
    print(figures(every, verdicts, time.monotonic() - begun, markdown=options.markdown))
    return 1 if any(verdict.trouble for verdict in verdicts) else 0


def choose(every: Sequence[Cell], pattern: str, count: int | None, seed: int, part: str) -> list[Cell]:
    """The applicable cells that were asked for, in an order drawn by the seed."""
    chosen = [cell for cell in every if not cell.reason and fnmatchcase(cell.name, pattern)]
    random.Random(seed).shuffle(chosen)
    number, of = map(int, part.split("/"))
    return chosen[number - 1 :: of][:count]


def run(chosen: Sequence[Cell], jobs: int, seconds: float) -> list[Verdict]:
    """Run cells in so many processes, for so long at most, and print each that failed at once."""
    verdicts = []
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="matrix-", dir=RAM if RAM.is_dir() else None) as name:
        folder = Path(name)
        template = folder / "template.db"
        create_sqlite(template)
        with get_context("fork").Pool(jobs, be_quiet) as pool:
            for verdict in pool.imap_unordered(Runner(folder, template), chosen, chunksize=4):
                verdicts.append(verdict)
                if verdict.trouble:
                    print(f"{verdict.cell}: {'; '.join(verdict.trouble[:3])}", flush=True)
                if time.monotonic() > until:
                    break
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
