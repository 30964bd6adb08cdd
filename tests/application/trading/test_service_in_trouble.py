"""What callers of the service hear when something goes wrong: an answer, always, and never a false one."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from src.application.ports.store import StoreError
from src.application.trading.requests import OrderRequest
from src.application.trading.restarts import Restarts
from src.application.trading.services.live_trading_service import LiveTradingService, NoSession
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import ContradictingOptions
from src.application.trading.winding_up import StillOpen
from src.bootstrap import paper
from src.domain.ledger.events import SessionMoved
from src.domain.sessions.session import SessionTrigger, TradingSessionStatus
from src.domain.shared.errors import IllegalTransition
from src.infrastructure.monitoring.kill_switch import FileKillSwitch
from src.infrastructure.persistence.file_places import FilePlaces
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.application.trading.faults import DeafBroker, died_beside_an_entry
from tests.application.trading.sessions import begin, calm, die, events_of, parts_of
from tests.simulation.market import SYMBOL
from tests.support.faulty_driver import FaultyDriver, sqlite_error

PACE = 20.0


def a_service(parts: SessionParts) -> LiveTradingService:
    return LiveTradingService(lambda request: parts)


async def begun(parts: SessionParts) -> LiveTradingService:
    """A running session whose market has quotes."""
    service = a_service(parts)
    await service.start_session()
    await quoted(service)
    return service


async def quoted(service: LiveTradingService) -> None:
    async with asyncio.timeout(5):
        while service.snapshot().markets[0].trouble is not None:
            await asyncio.sleep(0.01)


async def test_a_step_the_session_cannot_take_is_refused_and_harms_nothing(tmp_path: Path):
    service = await begun(parts_of(calm(tmp_path, speed=PACE)))
    await service.pause_session()

    with pytest.raises(IllegalTransition):
        async with asyncio.timeout(5):
            await service.pause_session()

    await service.resume_session()
    assert service.is_running()
    await service.stop_session()


async def test_an_order_held_back_by_the_kill_switch_is_no_success(tmp_path: Path):
    service = await begun(parts_of(calm(tmp_path, speed=PACE)))
    FileKillSwitch(tmp_path / "HALT").engage("a test")

    result = await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.01"))

    assert not result.success
    assert "kill switch" in result.error
    await service.stop_session()


async def test_after_the_market_is_over_a_command_is_refused_at_once(tmp_path: Path):
    service = await begun(parts_of(calm(tmp_path, speed=PACE), seconds=1))
    async with asyncio.timeout(5):
        while service.is_running():
            await asyncio.sleep(0.01)

    with pytest.raises(NoSession, match="market is over"):
        async with asyncio.timeout(1):
            await service.halt("a test")

    await service.stop_session()


async def test_when_the_disk_fails_whoever_waits_hears_of_it(tmp_path: Path):
    drivers: list[FaultyDriver] = []
    parts = parts_of(config := calm(tmp_path, speed=PACE))
    await parts.store.close()

    def connect(path: Path, synchronous: str) -> FaultyDriver:
        drivers.append(FaultyDriver(path, synchronous))
        return drivers[-1]

    parts.store = SqliteStore(config.database, synchronous="OFF", connect=connect)
    service = await begun(parts)
    drivers[-1].arm(1, sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full"))

    with pytest.raises(NoSession, match="disk"):
        async with asyncio.timeout(5):
            await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.01"))

    assert not service.is_running()
    with pytest.raises(StoreError):
        await service.stop_session()


async def test_a_start_that_fails_leaves_the_account_to_the_next(tmp_path: Path):
    await die(await begin(calm(tmp_path)))

    with pytest.raises(ContradictingOptions):
        await a_service(parts_of(calm(tmp_path, leverage=7))).start_session()

    service = await begun(parts_of(calm(tmp_path, speed=PACE)))
    assert service.is_running()
    await service.stop_session()


async def test_a_service_runs_one_session_at_a_time(tmp_path: Path):
    service = await begun(parts_of(calm(tmp_path, speed=PACE)))

    with pytest.raises(ValueError, match="runs already"):
        await service.start_session()

    assert service.is_running()
    await service.stop_session()


async def test_who_gives_up_waiting_for_a_stop_does_not_end_the_session_halfway(tmp_path: Path):
    service = await begun(parts_of(config := calm(tmp_path, speed=PACE)))
    await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.01"))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await service.stop_session(flatten=True)

    async with asyncio.timeout(5):
        session = await service.stop_session()
    assert session.status is TradingSessionStatus.STOPPED
    assert events_of(config, SessionMoved)[-1] == SessionMoved(
        session.id, SessionTrigger.CLEANED_UP, "asked for"
    )


async def test_to_stop_a_session_whose_run_was_given_up_is_refused(tmp_path: Path):
    service = await begun(parts_of(calm(tmp_path, speed=PACE)))
    assert service._task is not None
    service._task.cancel()

    for _ in range(2):
        with pytest.raises(NoSession, match="given up"):
            await service.stop_session()


async def test_to_stop_twice_is_harmless(tmp_path: Path):
    service = await begun(parts_of(calm(tmp_path, speed=PACE)))
    first = await service.stop_session()

    second = await service.stop_session()
    await service.close()

    assert second is first


async def failing_service(folder: Path, waited: list[float]) -> tuple[LiveTradingService, FaultyDriver]:
    """A running session that may start itself again, and the disk of its first run."""
    drivers: list[FaultyDriver] = []

    def connect(path: Path, synchronous: str) -> FaultyDriver:
        drivers.append(FaultyDriver(path, synchronous))
        return drivers[-1]

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    restarts = Restarts(lambda: 0.0, sleep)
    config = calm(folder, speed=PACE)
    first = parts_of(config)
    await first.store.close()
    first.store = SqliteStore(config.database, synchronous="OFF", connect=connect)
    made = [first]

    def assemble(request: object) -> SessionParts:
        parts = made.pop() if made else parts_of(config)
        parts.restarts = restarts
        return parts

    service = LiveTradingService(assemble)
    await service.start_session()
    await quoted(service)
    return service, drivers[-1]


async def test_a_session_that_failed_starts_itself_again_and_goes_on(tmp_path: Path):
    waited: list[float] = []
    service, disk = await failing_service(tmp_path, waited)
    session_id = service.snapshot().session_id
    disk.arm(1, sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full"))

    with pytest.raises(NoSession, match="disk"):
        await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.01"))
    async with asyncio.timeout(5):
        while not service.is_running():
            await asyncio.sleep(0.01)
    await quoted(service)
    result = await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.02"))

    assert waited == [1.0]
    assert service.snapshot().session_id == session_id and service.snapshot().resumed
    assert result.success
    await service.stop_session()


async def test_a_stop_that_leaves_an_entry_open_raises_and_stays_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", DeafBroker)
    config = calm(tmp_path, speed=200.0)
    left = await died_beside_an_entry(replace(config, speed=None))
    service = await begun(parts := parts_of(config))
    parts.broker.deaf = True  # type: ignore[attr-defined]  # this test's broker

    with pytest.raises(StillOpen, match=left.client_order_id):
        await service.stop_session()

    assert not service.is_running()
    with pytest.raises(StillOpen, match=left.client_order_id):
        await service.stop_session()
    again = a_service(parts_of(config))
    session = await again.start_session()
    assert session.status == "STOPPING"
    assert (await again.stop_session()).status == "STOPPED"


async def test_a_session_that_fails_while_it_stops_stays_for_the_next_start(tmp_path: Path):
    waited: list[float] = []
    service, disk = await failing_service(tmp_path, waited)
    disk.arm(1, sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full"))

    with pytest.raises(StoreError, match="disk"):
        await service.stop_session()

    assert waited == [] and not service.is_running()
    again = await begun(parts_of(calm(tmp_path, speed=PACE)))
    assert again.snapshot().resumed
    await again.stop_session()


async def test_a_session_whose_database_is_gone_does_not_begin_anew_in_another(tmp_path: Path):
    waited: list[float] = []
    config = calm(tmp_path, speed=PACE)
    parts = parts_of(config)
    parts.check_files = FilePlaces([config.database]).check

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    parts.restarts = Restarts(lambda: 0.0, sleep)
    service = await begun(parts)
    for path in tmp_path.glob(f"{config.database.name}*"):
        path.unlink()

    with pytest.raises(NoSession, match="removed or replaced"):
        async with asyncio.timeout(5):
            while True:
                await service.get_session_stats()
                await service.pause_session()
                await service.resume_session()

    assert waited == [] and not service.is_running()
    assert not config.database.exists()
