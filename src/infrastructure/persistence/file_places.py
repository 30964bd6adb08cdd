"""Whether files that are open still are the ones at their paths.

A file that was removed or replaced goes on taking writes, which nobody will ever read: for whoever trades by it that is
a commit that failed.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from time import monotonic_ns
from typing import Final

from src.application.ports.store import StoreMoved

PAUSE_NS: Final = 50_000_000
"""So long a look is not repeated (wall time): a session without a pace asks thousands of times a second."""


class FilePlaces:
    """Remembers which files lie at some paths now, right after they were opened."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files = {str(path): _identity(str(path)) for path in paths}
        self._due_ns = 0

    def check(self) -> None:
        """Raise :class:`StoreMoved` when one of them is not where it was; none is looked at again at once."""
        now_ns = monotonic_ns()
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + PAUSE_NS
        for path, known in self._files.items():
            if _identity(path) != known:
                raise StoreMoved(
                    f"{os.path.basename(path)} was removed or replaced while the session wrote to it: put the data "
                    "folder back as it was, or restore a backup"
                )


def _identity(path: str) -> tuple[int, int] | None:
    """Device and number of the file at a path; None when there is none, or nobody may look."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
