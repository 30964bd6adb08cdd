"""A process of the program has no threads that nobody gives work to."""

import os
import subprocess
import sys

from src.bootstrap.threads import ALGEBRA_THREADS
from tests.conftest import ROOT

COUNT = """
import os
from src.interfaces.cli.__main__ import _Program
_Program().load({})
import numpy
print(len(os.listdir("/proc/self/task")), os.environ["OPENBLAS_NUM_THREADS"])
"""


def threads(**environment: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if name != ALGEBRA_THREADS}
    run = subprocess.run(
        [sys.executable, "-c", COUNT],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.split()


def test_loading_the_indicators_starts_no_thread():
    assert threads() == ["1", "1"]


def test_a_number_of_threads_that_a_person_has_set_counts():
    assert threads(**{ALGEBRA_THREADS: "2"})[1] == "2"
