"""The process around a session: commands of other processes, one line for each that cannot be, and the end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.failpoints import install_hook
from src.application.ports.store import StoreUnavailable
from src.application.trading.by_hand import adjusting_ticket, send_by_hand
from src.application.trading.snapshot import SessionSnapshot
from src.bootstrap import paper
from src.bootstrap.session_process import SessionProcess
from src.domain.decisions.news import RequestCancel
from src.domain.ledger.events import Event, RecoveryFinished, SessionOpened
from src.domain.market.sides import PositionSide
from src.domain.orders.types import Purpose
from src.infrastructure.messaging.control_path import control_path
from src.infrastructure.messaging.control_protocol import ErrorKind
from src.infrastructure.messaging.control_socket import ControlClient
from src.interfaces.cli.composition import Ended, SessionObserver, SessionRequest, SessionResult
from src.interfaces.cli.errors import explain
from tests.application.trading.faults import DeafBroker, OtherBooksBroker, died_beside_an_entry
from tests.application.trading.sessions import begin, calm, die, events_of, parts_of, pass_time
from tests.crash.process import Silence
from tests.simulation.market import SYMBOL


class BrokenScreen(Silence):
    """It has no picture to show."""

    view_interval_ms = 10

    def on_view(self, snapshot: SessionSnapshot) -> None:
        raise ValueError("the screen is broken")


class Running:
    """A session process in this process, reached through its socket as from another."""

    def __init__(self, folder: Path, speed: float = 20.0, observer: SessionObserver | None = None) -> None:
        self.parts = parts_of(calm(folder, speed=speed))
        self.client = ControlClient(control_path(folder, self.parts.account.account_id))
        process = SessionProcess(self.parts, SessionRequest(), observer or Silence(), folder)
        self.task: asyncio.Task[SessionResult] = asyncio.create_task(process.run())

    async def close(self) -> None:
        await self.parts.store.close()
        self.parts.close()

    async def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self.client.request, command, arguments, 5_000)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(tmp_path)
    async with asyncio.timeout(5):
        while not await asyncio.to_thread(running.client.is_alive):
            await asyncio.sleep(0.01)
    yield running
    if not running.task.done():
        await running.ask("stop", flatten=False)
        await running.task
    await running.close()


async def test_a_command_answers_with_the_session_as_it_is_then(running: Running):
    async def shown(command: str, **arguments: Any) -> tuple[str, str]:
        picture = (await running.ask(command, **arguments))["result"]
        return picture["status"], picture["trading_state"]

    assert await shown("pause") == ("PAUSED", "ACTIVE")
    assert await shown("resume") == ("RUNNING", "ACTIVE")
    assert await shown("halt", reason="a test") == ("RUNNING", "HALTED")
    assert await shown("rearm") == ("RUNNING", "ACTIVE")


async def test_a_step_that_cannot_be_is_refused_in_one_line_and_the_session_goes_on(running: Running):
    await running.ask("pause")

    refused = await running.ask("pause")

    assert refused["error"] == "pause is not possible: the session is PAUSED"
    assert (await running.ask("resume"))["result"]["status"] == "RUNNING"


async def test_the_cancel_of_an_order_nobody_knows_is_not_found(running: Running):
    refused = await running.ask("cancel", client_order_id="nobody")

    assert refused["error"] == "no open order nobody"
    assert refused["kind"] == ErrorKind.NOT_FOUND.value


async def test_a_stop_by_command_ends_the_process_with_its_reason(running: Running):
    await running.ask("stop", flatten=True)

    async with asyncio.timeout(10):
        result = await running.task

    assert result.ended is Ended.STOP
    assert result.reason == "asked for"
    assert result.snapshot.status == "STOPPED"
    assert not await asyncio.to_thread(running.client.is_alive)


@pytest.fixture
def nohup() -> Iterator[None]:
    """What `nohup` does before it starts a program."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def terminal() -> Iterator[None]:
    """A program that was not started by `nohup`, whatever has started the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("nohup")
async def test_a_session_that_was_started_by_nohup_outlives_its_terminal(running: Running):
    os.kill(os.getpid(), signal.SIGHUP)

    await running.ask("stop", flatten=False)

    assert (await running.task).ended is Ended.STOP


@pytest.mark.usefixtures("terminal")
async def test_a_terminal_that_goes_away_stops_its_session(running: Running):
    os.kill(os.getpid(), signal.SIGHUP)

    assert (await running.task).ended is Ended.SIGNAL


async def test_an_entry_that_could_not_be_ended_is_an_error_and_leaves_the_session_to_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", DeafBroker)
    left = await died_beside_an_entry(calm(tmp_path))
    running = Running(tmp_path, speed=200.0)
    running.parts.broker.deaf = True  # type: ignore[attr-defined]  # this test's broker

    async with asyncio.timeout(20):
        result = await running.task
    await running.close()

    assert result.ended is Ended.ERROR
    assert f"the session is not stopped: {left.client_order_id} (BTCUSDT)" in result.reason
    assert "start-session goes on stopping" in result.reason
    assert result.snapshot.status == "STOPPING"
    assert not any("not compared" in note for note in result.notes)


async def test_a_screen_that_fails_does_not_spoil_the_session_nor_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    running = Running(tmp_path, speed=200.0, observer=BrokenScreen())
    async with asyncio.timeout(20):
        result = await running.task
    await running.close()

    assert result.ended is Ended.END_OF_DATA
    assert result.snapshot.status == "STOPPED"
    assert not control_path(tmp_path, running.parts.account.account_id).exists()
    assert "the screen is broken" in caplog.text


@pytest.mark.parametrize("in_its_place", ["of the socket", "of its folder"])
async def test_a_session_whose_control_socket_cannot_be_made_is_not_opened(tmp_path: Path, in_its_place: str):
    running = Running(tmp_path)
    path = control_path(tmp_path, running.parts.account.account_id)
    if in_its_place == "of the socket":
        path.mkdir(parents=True)
    else:
        path.parent.write_text("mine")

    with pytest.raises(OSError) as refused:
        await running.task
    await running.close()

    assert explain(refused.value)[0].endswith(": move away what is in its place")
    assert not any(isinstance(event, SessionOpened) for event in events_of(calm(tmp_path)))


async def test_a_start_that_fails_leaves_no_socket_behind(tmp_path: Path):
    def fail(reached: str) -> None:
        if reached == "session.opened":
            raise StoreUnavailable("the disk is gone")

    running = Running(tmp_path)
    install_hook(fail)
    try:
        with pytest.raises(StoreUnavailable):
            await running.task
    finally:
        install_hook(None)
    await running.close()

    assert list((tmp_path / "run").iterdir()) == []


async def test_a_market_that_ends_ends_the_process(tmp_path: Path):
    running = Running(tmp_path, speed=200.0)
    async with asyncio.timeout(20):
        result = await running.task
    await running.close()

    assert result.ended is Ended.END_OF_DATA
    assert result.session_ms >= 60_000


class FirstPicture(Silence):
    """It keeps what it was started with."""

    def __init__(self) -> None:
        self.alarms: list[tuple[str, ...]] = []

    def on_started(self, snapshot: SessionSnapshot) -> None:
        self.alarms.append(snapshot.alarms)


async def test_what_was_alarming_while_the_session_started_stands_in_its_first_picture(tmp_path: Path):
    runner = await begin(calm(tmp_path, speed=20.0))
    ticket = adjusting_ticket(runner, SYMBOL, Decimal("0.004"), PositionSide.BOTH)
    assert ticket is not None
    send_by_hand(runner, ticket)
    await pass_time(runner.loop, 500)
    (stop,) = (o for o in runner.loop.ledger.orders.values() if o.ticket.purpose is Purpose.PROTECTIVE_STOP)
    runner.loop.decide(RequestCancel(stop.attempt.client_order_id, "asked for"))
    await pass_time(runner.loop, 500)
    await die(runner)

    screen = FirstPicture()
    running = Running(tmp_path, observer=screen)
    async with asyncio.timeout(5):
        while not screen.alarms:
            await asyncio.sleep(0.01)
    await running.ask("stop", flatten=False)
    await running.task
    await running.close()

    assert screen.alarms == [
        (f"{SYMBOL}: the position in {SYMBOL} is still without a stop because somebody wanted it so",)
    ]


class Told(Silence):
    """It keeps what it was told of, in order."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_started(self, snapshot: SessionSnapshot) -> None:
        self.heard.append("started")

    def on_events(self, at_ms: int, events: Sequence[Event]) -> None:
        self.heard += [event for event in events if isinstance(event, RecoveryFinished)]


async def test_what_the_comparison_of_a_start_has_found_is_told_after_the_first_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", OtherBooksBroker)
    monkeypatch.setattr(OtherBooksBroker, "extra_money", Decimal(1))
    running = Running(tmp_path, observer=(screen := Told()))
    async with asyncio.timeout(5):
        while len(screen.heard) < 2:
            await asyncio.sleep(0.01)
    await running.ask("stop", flatten=False)
    await running.task
    await running.close()

    started, found = screen.heard[:2]
    assert started == "started"
    assert isinstance(found, RecoveryFinished) and (found.cause, found.differences) == ("start", 1)
