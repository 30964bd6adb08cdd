"""Child processes that run a session and die where they are told, forked from a parent that has imported everything.

A child is killed by SIGKILL, sent by itself inside the failpoint: nothing of it runs afterwards, not even a handler.
"""

import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence

from src.application.ports.failpoints import install_hook
from src.application.trading.snapshot import SessionSnapshot
from src.bootstrap.application import PaperComposition
from src.domain.ledger.events import Event
from src.interfaces.cli.composition import Ended, SessionRequest
from tests.crash.places import Place
from tests.crash.scenarios import Scenario

Point = tuple[str, int]
"""A failpoint and which of its passages: (name, 1 for the first)."""


class Silence:
    """A screen that shows nothing."""

    view_interval_ms: int | None = None

    def on_started(self, snapshot: SessionSnapshot) -> None:
        """Nothing."""

    def on_events(self, at_ms: int, events: Sequence[Event]) -> None:
        """Nothing."""

    def on_view(self, snapshot: SessionSnapshot) -> None:
        """Nothing."""

    def on_minute(self, snapshot: SessionSnapshot) -> None:
        """Nothing."""


def killer(point: Point) -> Callable[[str], None]:
    """A hook that kills this process at a point."""
    name, ordinal = point
    passed = 0

    def hook(reached: str) -> None:
        nonlocal passed
        if reached == name:
            passed += 1
            if passed == ordinal:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def run_here(scenario: Scenario, place: Place) -> None:
    """Run the scenario's session in this process to its end."""
    application = PaperComposition().load({**scenario.flags, **place.settings()})
    request = SessionRequest(duration_ms=scenario.duration_ms, speed=None)
    result = application.run_session(request, Silence())
    if result.ended is not Ended.DURATION:
        raise AssertionError(f"the session ended with {result.ended}: {result.reason}")


def run_child(scenario: Scenario, place: Place, hook: Callable[[str], None] | None) -> int:
    """Run the session in a forked child; return its wait status (see os.WIFSIGNALED)."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            install_hook(hook)
            run_here(scenario, place)
            code = 0
        except BaseException:  # noqa: BLE001 - a child may only ever leave by _exit
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def reached_points(scenario: Scenario, place: Place, ordinal_max: int) -> list[Point]:
    """Every point that the scenario passes, up to an ordinal, in order of the first passage."""
    read_end, write_end = os.pipe()

    def report(name: str) -> None:
        os.write(write_end, f"{name}\n".encode())

    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        code = 1
        try:
            counted: Counter[str] = Counter()

            def count(name: str) -> None:
                counted[name] += 1
                if counted[name] <= ordinal_max:
                    report(name)

            install_hook(count)
            run_here(scenario, place)
            code = 0
        except BaseException:  # noqa: BLE001 - a child may only ever leave by _exit
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end) as stream:
        names = stream.read().split("\n")[:-1]
    if os.waitpid(pid, 0)[1] != 0:
        raise AssertionError(f"the scenario {scenario.name} fails without any crash")
    seen: Counter[str] = Counter()
    points = []
    for name in names:
        seen[name] += 1
        points.append((name, seen[name]))
    return points
