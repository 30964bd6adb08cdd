"""How long the command line takes to say anything."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from benchmarks.samples import Samples

ROOT: Final = Path(__file__).resolve().parents[1]
COMMAND: Final = "src.interfaces.cli"


def help_time(runs: int) -> Samples | None:
    """Wall time of ``--help``, ns; None while there is no command line."""
    if find_spec(f"{COMMAND}.__main__") is None:
        return None
    samples = Samples("--help")
    for _ in range(runs):
        before = perf_counter_ns()
        subprocess.run(
            [sys.executable, "-m", COMMAND, "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        samples.add(perf_counter_ns() - before)
    return samples
