"""Where in an SQLite file a table begins, for tests that damage it there."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

PAGE: Final = 4096
"""Bytes; all our files have pages of this size."""


def root_offset(path: Path, name: str) -> int:
    """Where the first page of a table or index begins, once everything is in the file itself; ``name`` is a GLOB."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        ((root,),) = file.execute("SELECT rootpage FROM sqlite_master WHERE name GLOB ?", (name,))
    return int(root - 1) * PAGE


def overwrite_root(path: Path, name: str) -> None:
    """Damage the first page of a table or index beyond reading."""
    start = root_offset(path, name)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * PAGE)
