"""Kill a session at every failpoint it reaches, start it again, and hold both files against the invariants."""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from src.infrastructure.persistence.read_models import SqliteReadModels
from tests.crash.process import Point, killer, reached_points, run_child
from tests.crash.scenarios import Scenario
from tests.support.invariants import Books, violations


def crash_everywhere(
    scenarios: Sequence[Scenario], folder: Path, ordinal_max: int
) -> Iterator[tuple[Scenario, Point, list[str]]]:
    """Yield each crash with what it violated; an empty list is a pass."""
    for scenario in scenarios:
        points = reached_points(scenario, folder / "count", ordinal_max)
        shutil.rmtree(folder / "count")
        for point in points:
            data_dir = folder / "crash"
            shutil.rmtree(data_dir, ignore_errors=True)
            yield scenario, point, crash_at(scenario, point, data_dir)


def crash_at(scenario: Scenario, point: Point, data_dir: Path) -> list[str]:
    """Kill the session at the point, resume it to its end, and return what is wrong then."""
    status = run_child(scenario, data_dir, killer(point))
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        return [f"the process was not killed at {point}: status {status}"]
    before = session_ids(data_dir)
    status = run_child(scenario, data_dir, None)
    if status != 0:
        return [f"the session did not resume after {point}: status {status}"]
    found = [f"session {name} was replaced" for name in before if name not in session_ids(data_dir)[:1]]
    return found + check(data_dir)


def session_ids(data_dir: Path) -> list[str]:
    """The ids of the sessions in a data folder, newest first; empty before the first was stored."""
    database = data_dir / "steadyhand.db"
    if not database.exists() or not database.stat().st_size:
        return []
    reads = SqliteReadModels(database)
    try:
        return [session.id for row in reads.accounts() for session in reads.sessions(row.account_id)]
    finally:
        reads.close()


def check(data_dir: Path) -> list[str]:
    """What is wrong in a data folder at rest, for every account in it."""
    database = data_dir / "steadyhand.db"
    reads = SqliteReadModels(database)
    try:
        accounts = [row.account_id for row in reads.accounts()]
    finally:
        reads.close()
    found = []
    for account_id in accounts:
        books = Books(database, account_id, data_dir / "paper" / f"{account_id[:8]}.db")
        found += violations(books)
        if not books.fills:
            found.append("the session traded nothing, so nothing was tested")
    return found
