"""Kill a session at every failpoint it reaches, start it again, and hold both books against the invariants."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing

from src.infrastructure.persistence.schema import SchemaState
from tests.crash.places import Place, Places
from tests.crash.process import Point, killer, reached_points, run_child
from tests.crash.scenarios import Scenario
from tests.support.invariants import Books, violations


def crash_everywhere(
    scenarios: Sequence[Scenario], places: Places, ordinal_max: int
) -> Iterator[tuple[Scenario, Point, list[str]]]:
    """Yield each crash with what it violated; an empty list is a pass."""
    for scenario in scenarios:
        place = places.new("count")
        points = reached_points(scenario, place, ordinal_max)
        place.remove()
        for point in points:
            place = places.new("crash")
            yield scenario, point, crash_at(scenario, point, place)
            place.remove()


def crash_at(scenario: Scenario, point: Point, place: Place) -> list[str]:
    """Kill the session at the point, resume it to its end, and return what is wrong then."""
    status = run_child(scenario, place, killer(point))
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        return [f"the process was not killed at {point}: status {status}"]
    before = session_ids(place)
    status = run_child(scenario, place, None)
    if status != 0:
        return [f"the session did not resume after {point}: status {status}"]
    found = [f"session {name} was replaced" for name in before if name not in session_ids(place)[:1]]
    return found + check(place)


def session_ids(place: Place) -> list[str]:
    """The ids of the sessions in a place, newest first; empty before the first was stored."""
    if place.database.state() is SchemaState.EMPTY:
        return []
    with closing(place.database.reads()) as reads:
        return [session.id for row in reads.accounts() for session in reads.sessions(row.account_id)]


def check(place: Place) -> list[str]:
    """What is wrong in a place at rest, for every account in it."""
    with closing(place.database.reads()) as reads:
        accounts = [row.account_id for row in reads.accounts()]
    found = []
    for account_id in accounts:
        books = Books(place.database, account_id, place.data_dir / "paper" / f"{account_id[:8]}.db")
        found += violations(books)
        if not books.fills:
            found.append("the session traded nothing, so nothing was tested")
    return found
