"""Seeds on every core, each core in a folder of its own, in RAM if there is any."""

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

Verdict = TypeVar("Verdict")

RAM: Final = Path("/dev/shm")
CHUNK_MAX: Final = 10
"""Seeds handed to a process at a time: few enough that none works on alone for long at the end."""


def each_seed(
    run: Callable[[int, Path], Verdict],
    seeds: range,
    folder: Path | None = None,
    *,
    prepare: Callable[[], None] | None = None,
) -> Iterator[Verdict]:
    """What ``run(seed, folder)`` says of each seed, in their order; ``folder`` None is a temporary one.

    ``prepare`` is called once in each of the processes that run them.
    """
    workers = min(os.cpu_count() or 1, len(seeds))
    with ExitStack() as opened:
        if folder is None:
            ram = RAM if RAM.is_dir() else None
            folder = Path(
                opened.enter_context(tempfile.TemporaryDirectory(prefix="steadyhand-sim-", dir=ram))
            )
        pool = opened.enter_context(ProcessPoolExecutor(workers, initializer=_begin, initargs=(prepare,)))
        chunk = min(CHUNK_MAX, -(-len(seeds) // workers))
        yield from pool.map(partial(_in_own_folder, run, folder), seeds, chunksize=chunk)


def _begin(prepare: Callable[[], None] | None) -> None:
    # What was loaded before is shared with the parent and lives as long: no collection is to look through it.
    gc.freeze()
    if prepare is not None:
        prepare()


def _in_own_folder(run: Callable[[int, Path], Verdict], folder: Path, seed: int) -> Verdict:
    return run(seed, folder / str(os.getpid()))
