"""Changes to the files of a history, as a bug, a bad disk or a person could make them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def query(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Rows of a statement."""
    with closing(sqlite3.connect(path)) as file:
        return file.execute(statement).fetchall()


def change(path: Path, statement: str, *values: object) -> None:
    """Change rows, exactly one of them."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute(statement, values).rowcount == 1
        file.commit()
