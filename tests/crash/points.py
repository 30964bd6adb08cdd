"""Kill a session at a point, start it again, kill it again while it recovers, and hold both books against the
invariants.
"""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from src.application.ports.store import StoreError
from src.domain.ledger.events import AttemptMoved
from src.domain.orders.transitions import AttemptTrigger
from src.domain.sessions.session import TradingSessionStatus
from src.infrastructure.persistence.schema import SchemaState
from tests.crash.places import Place, Places
from tests.crash.power import Loss, PowerFailure
from tests.crash.process import Hook, Point, killer, reached_points, resume_child, run_child, was_killed
from tests.crash.scenarios import Scenario
from tests.support.invariants import Books, violations

RECOVERED: Final = "recovery.concluded"


@dataclass(slots=True)
class Verdict:
    """What a crash came to: violations, none for a pass, and what was compared."""

    found: list[str]
    recovery_ms: float | None = None
    fills: int = 0
    alive: int = 0
    dead: int = 0


@dataclass(slots=True)
class Tested:
    """One crash, or a pair of them, and its verdict."""

    kind: str
    scenario: str
    where: tuple[Point, ...]
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A first crash, and how many second crashes inside its recovery are drawn by ``seed``."""

    scenario: Scenario
    first: Point
    seconds: int
    ordinal_max: int = 3
    seed: int = 1
    only: Point | None = field(default=None)


def crash_at(scenario: Scenario, point: Point, place: Place) -> list[str]:
    """Kill the session at the point, resume it to its end, and return what is wrong then."""
    return crash(scenario, point, place).found


def crash(scenario: Scenario, point: Point, place: Place, hook: Hook | None = None) -> Verdict:
    """The same with all it tells; ``hook`` may do more at the point than kill."""
    status = run_child(scenario, place, hook or killer(point))
    if not was_killed(status):
        return Verdict([f"the process was not killed at {point}: status {status}"])
    try:
        return resume(scenario, place)
    except StoreError as error:
        return Verdict([f"the database cannot be read: {error}"])


def lose_power(scenario: Scenario, point: Point, loss: Loss, place: Place) -> Verdict:
    """Stop the machine inside the commit at the point, resume, and judge."""
    return crash(scenario, point, place, PowerFailure(point, place.data_dir, loss))


def crash_twice(pair: Pair, places: Places) -> Iterator[Tested]:
    """Kill at the first point, then, each time from there, at some points of the recovery that follows."""
    scenario = pair.scenario
    base = places.new("first")
    try:
        status = run_child(scenario, base, killer(pair.first))
        if not was_killed(status):
            verdict = Verdict([f"the process was not killed at {pair.first}: status {status}"])
            yield Tested("pair", scenario.name, (pair.first,), verdict)
            return
        for second in _seconds(pair, base, places):
            place = places.copy(base, "second")
            yield Tested("pair", scenario.name, (pair.first, second), crash(scenario, second, place))
            place.remove()
    finally:
        base.remove()


def _seconds(pair: Pair, base: Place, places: Places) -> list[Point]:
    if pair.only is not None:
        return [pair.only]
    place = places.copy(base, "count")
    points = reached_points(pair.scenario, place, pair.ordinal_max, until=RECOVERED)
    place.remove()
    rng = random.Random(f"{pair.seed} {pair.scenario.name} {pair.first}")
    return rng.sample(points, min(pair.seconds, len(points)))


def resume(scenario: Scenario, place: Place) -> Verdict:
    """Start a killed session again, run it to its end, and judge both books."""
    before = unfinished_sessions(place)
    status, recovery_ms = resume_child(scenario, place)
    if status != 0:
        return Verdict([f"the session did not resume: status {status}"])
    after = session_ids(place)[:1]
    verdict = judge(place)
    verdict.recovery_ms = recovery_ms
    verdict.found += [f"session {name} was replaced" for name in before if name not in after]
    return verdict


def session_ids(place: Place) -> list[str]:
    """The ids of the sessions in a place, newest first; empty before the first was stored."""
    if place.database.state() is SchemaState.EMPTY:
        return []
    with closing(place.database.reads()) as reads:
        return [session.id for row in reads.accounts() for session in reads.sessions(row.account_id)]


def unfinished_sessions(place: Place) -> list[str]:
    """The ids of the sessions that a start has to resume: those that are not stopped."""
    if place.database.state() is SchemaState.EMPTY:
        return []
    with closing(place.database.reads()) as reads:
        return [
            row.session_id
            for row in reads.accounts()
            if row.session_id is not None and row.session_status != TradingSessionStatus.STOPPED.value
        ]


def check(place: Place) -> list[str]:
    """What is wrong in a place at rest, for every account in it."""
    return judge(place).found


def judge(place: Place) -> Verdict:
    """The same, and what was compared: fills, and attempts that were settled without an answer."""
    with closing(place.database.reads()) as reads:
        accounts = [row.account_id for row in reads.accounts()]
    verdict = Verdict([])
    for account_id in accounts:
        books = Books(place.database, account_id, place.data_dir / "paper" / f"{account_id[:8]}.db")
        verdict.found += violations(books)
        verdict.fills += len(books.fills)
        triggers = [event.trigger for _, event in books.events if isinstance(event, AttemptMoved)]
        verdict.alive += triggers.count(AttemptTrigger.FOUND)
        verdict.dead += triggers.count(AttemptTrigger.PROVEN_DEAD)
        if not books.fills:
            verdict.found.append("the session traded nothing, so nothing was tested")
    return verdict
