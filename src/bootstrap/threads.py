"""How many threads the libraries below may start: none that nobody gives work to.

NumPy, which the indicators need, brings a library of linear algebra that starts a thread for each core when it is
loaded, and each looks for work for 60 ms of its core's time. Nothing here is linear algebra.
"""

import os
from typing import Final

ALGEBRA_THREADS: Final = "OPENBLAS_NUM_THREADS"


def start_no_idle_threads() -> None:
    """Let the process stay one thread when NumPy is loaded; what a person has set in the environment counts."""
    os.environ.setdefault(ALGEBRA_THREADS, "1")
