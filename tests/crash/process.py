"""Child processes that run a session and die where they are told, forked from a parent that has imported everything.

A child is killed by SIGKILL, sent by itself inside the failpoint: nothing of it runs afterwards, not even a handler.
A point may name what was decided last as well (``store.before_commit | OrderIntended``), so that the commit of each
kind of decision has crash points of its own, however late in a session it comes.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

from src.application.ports.failpoints import install_hook
from src.application.ports.kill_switch import KillLevel
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import EndCause, SessionRunner
from src.application.trading.snapshot import SessionSnapshot
from src.bootstrap.application import PaperApplication, PaperComposition
from src.domain.ledger.events import Event, RawReceived
from src.infrastructure.persistence import sqlite_store
from src.interfaces.cli.composition import Ended, SessionRequest
from tests.crash.acts import schedule
from tests.crash.places import Place
from tests.crash.scenarios import Scenario

Point = tuple[str, int]
"""A failpoint, with or without what was decided last, and which of its passages: (name, 1 for the first)."""

Hook = Callable[[str], None]

AFTER: Final = " | "
CHECKPOINT_AFTER: Final = 10
"""Commits between checkpoints in a child: the product's 150 would come too late for a short session."""
LAST_MS: Final = 1_000
"""How long a session goes on at least that is resumed at its very end."""

_decided = ["nothing"]


class Silence:
    """A screen that shows nothing."""

    view_interval_ms: int | None = None

    def on_started(self, snapshot: SessionSnapshot) -> None:
        """Nothing."""

    def on_restart(self, reason: str) -> None:
        """Nothing."""

    def on_events(self, at_ms: int, events: Sequence[Event]) -> None:
        """Nothing."""

    def on_view(self, snapshot: SessionSnapshot) -> None:
        """Nothing."""

    def on_minute(self, at_ms: int, why_not: str) -> None:
        """Nothing."""


def labelled(name: str) -> str:
    """The failpoint together with what was decided last."""
    return f"{name}{AFTER}{_decided[0]}"


def is_at(point: str, reached: str) -> bool:
    """Whether the failpoint that was reached is the one meant."""
    return (labelled(reached) if AFTER in point else reached) == point


def die() -> None:
    """The end of this process, at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def killer(point: Point) -> Hook:
    """A hook that kills this process at a point."""
    name, ordinal = point
    passed = 0

    def hook(reached: str) -> None:
        nonlocal passed
        if is_at(name, reached):
            passed += 1
            if passed == ordinal:
                die()

    return hook


def run_here(scenario: Scenario, place: Place) -> None:
    """Run the scenario's session in this process to its end."""
    sqlite_store.CHECKPOINT_AFTER = CHECKPOINT_AFTER
    application = PaperComposition().load({**scenario.flags, **place.settings()})
    _note_decisions(application)
    if scenario.emergency_ms is not None:
        with closing(application.open_session(SessionRequest(speed=None))) as parts:
            asyncio.run(_abandon(scenario, parts, scenario.emergency_ms))
        _close_around_it(application)
    if scenario.script:
        with closing(application.open_session(SessionRequest(speed=None))) as parts:
            asyncio.run(_run_script(scenario, parts))
        return
    request = SessionRequest(duration_ms=scenario.duration_ms, speed=None)
    result = application.run_session(request, Silence())
    # One that was killed while it stopped only goes on stopping.
    if result.ended not in (Ended.DURATION, Ended.STOP):
        raise AssertionError(f"the session ended with {result.ended}: {result.reason}")


def _note_decisions(application: PaperApplication) -> None:
    """Remember the kind of each decision that is staged for a commit: that of its first event."""
    open_session = application.open_session

    def opened(request: SessionRequest) -> SessionParts:
        parts = open_session(request)
        stage = parts.store.stage

        def noted(at_ms: int, events: Sequence[Event]) -> None:
            kinds = [type(event).__name__ for event in events if not isinstance(event, RawReceived)]
            _decided[0] = kinds[0] if kinds else RawReceived.__name__
            stage(at_ms, events)

        vars(parts.store)["stage"] = noted
        return parts

    vars(application)["open_session"] = opened


async def _run_script(scenario: Scenario, parts: SessionParts) -> None:
    runner = SessionRunner(parts)
    try:
        await runner.start()
        schedule(runner, scenario.script)
        left_ms = runner.session.started_ms + scenario.duration_ms - parts.inputs.now_ms()
        parts.inputs.after(
            max(left_ms, LAST_MS),
            lambda: runner.request_stop(EndCause.DURATION, flatten=scenario.flattens),
        )
        await runner.run()
    finally:
        await parts.store.close()


async def _abandon(scenario: Scenario, parts: SessionParts, at_ms: int) -> None:
    """Run until a moment of session time, and let everything lie where it is."""
    runner = SessionRunner(parts)
    over = False

    def leave() -> None:
        nonlocal over
        over = runner.loop.pending = True

    try:
        await runner.start()
        left_ms = runner.session.started_ms + at_ms - parts.inputs.now_ms()
        if left_ms > 0:
            schedule(runner, tuple(act for act in scenario.script if act.at_ms < at_ms))
            parts.inputs.after(left_ms, leave)
            while not over and await runner.loop.turn():
                if runner.loop.reconcile_wanted:
                    await runner.reconcile()
    finally:
        await parts.store.close()


def _close_around_it(application: PaperApplication) -> None:
    """What the command does, for the one account that there is."""
    application.engage_kill_switch("by script", KillLevel.HARD)
    (account,) = application.emergency_accounts()
    report = application.close_in_emergency(account.account_id, "by script", lambda line: None)
    assert report.is_flat, report


def run_child(scenario: Scenario, place: Place, hook: Hook | None) -> int:
    """Run the session in a forked child; return its wait status (see os.WIFSIGNALED)."""
    return in_child(lambda: run_here(scenario, place), hook)


def in_child(run: Callable[[], None], hook: Hook | None) -> int:
    """Run anything in a forked child with a hook at its failpoints; return its wait status."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            install_hook(hook)
            run()
            code = 0
        except BaseException:  # noqa: BLE001 - a child may only ever leave by _exit
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def was_killed(status: int) -> bool:
    """Whether a child ended as it was meant to, by SIGKILL."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def resume_child(scenario: Scenario, place: Place) -> tuple[int, float | None]:
    """Run the session to its end; its wait status, and how long the first recovery took from the fork on, ms."""
    started_ns = time.monotonic_ns()
    with tempfile.TemporaryFile() as told:

        def hook(name: str) -> None:
            nonlocal started_ns
            if name == "recovery.concluded" and started_ns:
                os.write(told.fileno(), str((time.monotonic_ns() - started_ns) / 1e6).encode())
                started_ns = 0

        status = run_child(scenario, place, hook)
        told.seek(0)
        text = told.read()
    return status, float(text) if text else None


def reached_points(
    scenario: Scenario, place: Place, ordinal_max: int, *, until: str | None = None
) -> list[Point]:
    """Every point that the scenario passes, with what was decided last, up to an ordinal, in order.

    ``until`` is a failpoint at which the child is killed: what comes after is of no interest.
    """
    counted: Counter[str] = Counter()
    with tempfile.TemporaryFile() as told:

        def count(name: str) -> None:
            label = labelled(name)
            counted[label] += 1
            if counted[label] <= ordinal_max:
                os.write(told.fileno(), f"{counted[label]} {label}\n".encode())
            if name == until:
                die()

        status = run_child(scenario, place, count)
        told.seek(0)
        lines = told.read().decode().splitlines()
    if status != 0 and not (until is not None and was_killed(status)):
        raise AssertionError(f"the scenario {scenario.name} fails without any crash")
    points = (line.split(" ", 1) for line in lines)
    return [(label, int(ordinal)) for ordinal, label in points]
