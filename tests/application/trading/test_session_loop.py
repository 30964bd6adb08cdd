"""The order of things in the loop: first durable, then sent, then told; and what happens when it cannot be durable."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import UserEvent
from src.application.ports.failpoints import install_hook
from src.application.ports.store import StoreError
from src.application.trading.session_loop import COMMITTED_TOPIC
from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import RaiseAlarm, RequestCancel, Tick
from src.domain.ledger import events as e
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, Purpose
from src.infrastructure.brokers.paper_broker import PaperBroker
from src.infrastructure.monitoring.kill_switch import FileKillSwitch
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.application.trading.sessions import (
    begin,
    calm,
    die,
    events_of,
    order,
    parts_of,
    pass_time,
    resting,
)
from tests.simulation.market import SYMBOL
from tests.support.faulty_driver import FaultyDriver, sqlite_error

FULL = sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full")


class Watched:
    """A session whose failpoints, sent requests and published events are written down in one list."""

    def __init__(self, runner: SessionRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runner = runner
        self.is_alive = True
        self.seen: list[str] = []
        broker, bus = runner.parts.broker, runner.parts.bus
        self._watch(
            monkeypatch, broker, "submit", lambda ticket, attempt: f"submit {attempt.client_order_id}"
        )
        self._watch(monkeypatch, broker, "cancel", lambda symbol, name, conditional: f"cancel {name}")
        self._watch(monkeypatch, bus, "publish", lambda topic, event: f"publish {topic}")
        install_hook(self._failpoint)

    async def die(self) -> None:
        """End the process, if it has not ended yet."""
        if self.is_alive:
            self.is_alive = False
            await die(self.runner)

    def _failpoint(self, name: str) -> None:
        if name == "store.after_commit":
            self.seen.append("committed")

    def _watch(self, patch: pytest.MonkeyPatch, on: Any, name: str, line: Callable[..., str]) -> None:
        real = getattr(on, name)

        def call(*args: Any) -> Any:
            self.seen.append(line(*args))
            return real(*args)

        patch.setattr(on, name, call)


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    runner = await begin(calm(tmp_path))
    watched = Watched(runner, monkeypatch)
    yield watched
    install_hook(None)
    await watched.die()


async def test_a_request_leaves_after_its_record_is_durable_and_is_told_after_it_left(watched: Watched):
    placed = order(watched.runner)
    assert watched.seen == []

    await watched.runner.loop.flush()

    assert watched.seen == [
        "committed",
        f"submit {placed.id}",
        "publish session.committed",
        "publish order.intended",
    ]


async def test_what_one_commit_holds_is_told_with_the_moments_at_which_it_was_decided(watched: Watched):
    loop = watched.runner.loop
    told: list[tuple[int, int]] = []
    loop.bus.subscribe(COMMITTED_TOPIC, lambda batch: told.append((batch[0], len(batch[1]))))
    moments = []
    for _ in range(2):
        moments.append(loop.inputs.now_ms())
        loop.decide(Tick(mark_equity=True))
        loop.decide(Tick(mark_equity=True))
        while loop.inputs.now_ms() == moments[-1]:
            loop.inputs.pump(loop, 1)

    await loop.flush()
    await loop.inputs.breathe()

    assert moments[0] < moments[1]
    assert told == [(moment, 2) for moment in moments]


async def test_requests_leave_in_the_order_they_were_decided(watched: Watched):
    first, second = resting(watched.runner), resting(watched.runner, "0.020")
    watched.runner.loop.decide(RequestCancel(first.id, "a test"))

    await watched.runner.loop.flush()

    sent = [line for line in watched.seen if line.startswith(("submit", "cancel"))]
    assert sent == [f"submit {first.id}", f"submit {second.id}", f"cancel {first.id}"]
    assert watched.seen.count("committed") == 1


async def test_a_request_leaves_even_when_a_comparison_is_wanted_already(watched: Watched):
    watched.runner.loop.reconcile_wanted = "timer"
    placed = order(watched.runner)

    await watched.runner.loop.flush()

    assert f"submit {placed.id}" in watched.seen
    assert watched.runner.loop.reconcile_wanted == "timer"


async def test_what_leads_to_no_effect_shares_the_commit_of_its_batch(watched: Watched):
    loop = watched.runner.loop
    for _ in range(3):
        loop.on_user_event(UserEvent(1, '{"e":"TRADE_LITE"}'))
    assert not loop.pending

    await loop.flush()

    assert watched.seen.count("committed") == 1
    assert watched.seen.count("publish raw.received") == 3


async def test_nothing_decided_writes_nothing(watched: Watched):
    watched.runner.loop.decide(Tick())

    await watched.runner.loop.flush()

    assert watched.seen == []


async def test_a_command_is_answered_when_what_it_decided_is_durable_and_sent(watched: Watched):
    runner = watched.runner
    asked = asyncio.ensure_future(runner.loop.ask(lambda: resting(runner).id))
    asked.add_done_callback(lambda _: watched.seen.append("answered"))
    await asyncio.sleep(0)
    assert not asked.done()

    await pass_time(runner.loop, 10)
    name = await asked
    await asyncio.sleep(0)

    steps = [line for line in watched.seen if line in ("committed", f"submit {name}", "answered")]
    assert steps[:3] == ["committed", f"submit {name}", "answered"]


async def test_a_command_that_fails_is_answered_with_its_error(watched: Watched):
    def fail() -> None:
        raise ValueError("not so")

    asked = asyncio.ensure_future(watched.runner.loop.ask(fail))
    await asyncio.sleep(0)
    await pass_time(watched.runner.loop, 10)

    with pytest.raises(ValueError, match="not so"):
        await asked


@pytest.mark.parametrize("slip", [TypeError, AttributeError, ArithmeticError])
async def test_what_nobody_foresaw_is_its_callers_when_it_decided_nothing(
    watched: Watched, slip: type[Exception]
):
    def stumble() -> None:
        raise slip("a slip")

    asked = asyncio.ensure_future(watched.runner.loop.ask(stumble))
    await asyncio.sleep(0)
    await pass_time(watched.runner.loop, 10)

    with pytest.raises(slip, match="a slip"):
        await asked


async def test_what_nobody_foresaw_ends_the_session_when_it_had_decided_something(watched: Watched):
    def stumble() -> None:
        resting(watched.runner)
        raise TypeError("a slip")

    asked = asyncio.ensure_future(watched.runner.loop.ask(stumble))
    await asyncio.sleep(0)

    with pytest.raises(TypeError, match="a slip"):
        await pass_time(watched.runner.loop, 10)
    assert not asked.done() and "committed" not in watched.seen
    asked.cancel()


async def test_what_the_journal_cannot_hold_ends_the_session_and_is_not_its_callers_alone(watched: Watched):
    loop = watched.runner.loop
    unwritable: Any = b"no text"
    asked = asyncio.ensure_future(loop.ask(lambda: loop.decide(RaiseAlarm("test", unwritable))))
    await asyncio.sleep(0)

    with pytest.raises(TypeError):
        await pass_time(loop, 10)
    assert not asked.done()
    asked.cancel()


async def test_the_kill_switch_stops_openings_at_the_wire_and_lets_exits_pass(
    watched: Watched, tmp_path: Path
):
    runner = watched.runner
    order(runner)
    await pass_time(runner.loop, 2_000)
    position = runner.loop.ledger.position(SYMBOL)
    assert not position.is_flat
    watched.seen.clear()
    FileKillSwitch(tmp_path / "HALT").engage("a test")

    held = order(runner, "0.005")
    leaving = order(runner, "0.010", side=position.side.opposite, purpose=Purpose.EXIT, reduce_only=True)
    await runner.loop.flush()

    assert [line for line in watched.seen if line.startswith("submit")] == [f"submit {leaving.id}"]
    assert held.attempt_state is AttemptState.DEAD
    assert "kill switch" in held.reason
    assert not runner.loop.ledger.symbol(SYMBOL).pending_buy


# --- what cannot be durable ---------------------------------------------------------------------------------


@pytest.fixture
async def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A watched session, and the driver of its store."""
    drivers: list[FaultyDriver] = []

    def connect(path: Path, synchronous: str) -> FaultyDriver:
        drivers.append(FaultyDriver(path, synchronous))
        return drivers[-1]

    parts = parts_of(config := calm(tmp_path))
    await parts.store.close()
    parts.store = SqliteStore(config.database, synchronous="OFF", connect=connect)
    runner = SessionRunner(parts)
    await runner.start()
    await pass_time(runner.loop, 2_000)
    watched = Watched(runner, monkeypatch)
    yield watched, drivers[-1]
    install_hook(None)
    await watched.die()


async def calls_of_a_commit(runner: SessionRunner, driver: FaultyDriver) -> int:
    driver.arm(0, FULL)
    resting(runner)
    await runner.loop.flush()
    return len(driver.calls)


async def test_when_a_commit_fails_nothing_is_sent_or_told(failing: tuple[Watched, FaultyDriver]):
    watched, driver = failing
    last = await calls_of_a_commit(watched.runner, driver)
    watched.seen.clear()
    order(watched.runner)
    driver.arm(last, FULL)

    with pytest.raises(StoreError, match="disk is full"):
        await watched.runner.loop.flush()

    assert watched.seen == []


async def test_after_a_failed_commit_there_is_no_second_try(failing: tuple[Watched, FaultyDriver]):
    watched, driver = failing
    order(watched.runner)
    driver.arm(1, FULL)
    with pytest.raises(StoreError):
        await watched.runner.loop.flush()

    watched.runner.loop.pending = True
    with pytest.raises(StoreError):
        await watched.runner.loop.flush()

    assert watched.seen == []


async def test_a_failed_commit_ends_the_run_and_the_next_start_knows_nothing_of_it(
    failing: tuple[Watched, FaultyDriver], tmp_path: Path
):
    watched, driver = failing
    before = len(events_of(calm(tmp_path)))
    lost = order(watched.runner)
    driver.arm(1, FULL)

    with pytest.raises(StoreError):
        await watched.runner.run()

    assert not watched.runner.finished
    assert len(events_of(calm(tmp_path))) == before
    await watched.die()
    second = await begin(calm(tmp_path))
    assert lost.id not in second.loop.ledger.orders
    assert second.loop.ledger.position(SYMBOL).is_flat
    await die(second)


# --- the user stream ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw", ["", "not json", '{"e":"ORDER_TRADE_UPDATE"}', '{"e":"ORDER_TRADE_UPDATE","o":7}']
)
async def test_an_event_that_cannot_be_read_is_kept_raw_and_asked_about(
    raw: str, watched: Watched, tmp_path: Path
):
    loop = watched.runner.loop

    loop.on_user_event(UserEvent(1, raw))
    await loop.flush()

    events = events_of(calm(tmp_path))
    assert e.RawReceived(1, raw) in events
    assert isinstance(events[-1], e.AlarmRaised)
    assert "could not be read" in loop.reconcile_wanted


async def test_a_lost_stream_is_recorded_and_asked_about(watched: Watched, tmp_path: Path):
    loop = watched.runner.loop

    loop.on_stream_lost(1, "the line went dead")
    await loop.flush()

    assert e.StreamLost(1, "the line went dead") in events_of(calm(tmp_path))
    assert loop.reconcile_wanted == "the line went dead"


async def test_late_news_of_a_settled_order_finds_it_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    raws: list[UserEvent] = []
    read = PaperBroker.interpret

    def keep(self: PaperBroker, event: UserEvent) -> Any:
        raws.append(event)
        return read(self, event)

    monkeypatch.setattr(PaperBroker, "interpret", keep)
    runner = await begin(config := calm(tmp_path))
    placed = order(runner)
    await pass_time(runner.loop, 3_000)
    ledger = runner.loop.ledger
    assert placed.id not in ledger.orders, "it is settled, and has left the working set"
    before = events_of(config)

    for event in list(raws):
        runner.loop.on_user_event(event)
    await runner.loop.flush()

    added = events_of(config)[len(before) :]
    assert {type(event) for event in added} == {e.RawReceived}
    stored = await runner.loop.store.find_order(placed.id)
    assert stored is not None
    assert stored.status is OrderStatus.FILLED
    assert stored.filled_quantity == placed.quantity
    await die(runner)
