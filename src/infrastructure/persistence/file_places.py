"""Whether files that are open still are the ones at their paths.

A file that was removed or replaced goes on taking writes, which nobody will ever read: for whoever trades by it that is
a commit that failed.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from src.application.ports.store import StoreMoved


class FilePlaces:
    """Remembers which files lie at some paths now, right after they were opened."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files = {path: _identity(path) for path in paths}

    def check(self) -> None:
        """Raise :class:`StoreMoved` when one of them is not where it was."""
        for path, known in self._files.items():
            if _identity(path) != known:
                raise StoreMoved(
                    f"{path.name} was removed or replaced while the session wrote to it: put the data folder back as "
                    "it was, or restore a backup"
                )


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and number of the file at a path; None when there is none, or nobody may look."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
