"""The lines of ``doctor``, and the versions that a report of a fault should name."""

import platform
import tomllib
from pathlib import Path

from src.interfaces.cli.composition import Check, Health

_PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
_MARKS = {Health.OK: "ok", Health.WARNING: "WARN", Health.FAILED: "FAIL"}


def print_check(check: Check) -> None:
    """One check in one line, as soon as it is done."""
    fix = f"; {check.fix}" if check.fix else ""
    print(f"{_MARKS[check.health]:<5} {check.name:<18} {check.detail}{fix}", flush=True)


def versions() -> dict[str, str]:
    """The program's own version, Python's and SQLite's."""
    import sqlite3

    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    return {
        "steadyhand": project["version"],
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
