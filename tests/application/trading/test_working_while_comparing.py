"""What is asked of a session, and seen of it, while it asks its exchange."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import NetworkError
from src.application.ports.store import StoreError
from src.application.trading.picture import SessionPicture
from src.application.trading.session_runner import SessionRunner
from src.application.trading.waiting import work_during
from src.bootstrap import paper
from src.domain.orders.news import FillReport, PositionReport
from tests.application.trading.faults import WeakBroker
from tests.application.trading.sessions import begin, broker_of, calm, die, order, pass_time


class WatchedBooks(WeakBroker):
    """Does something whenever it is asked for positions, and then shows none for so many reads."""

    late_reads = 0
    away = False
    asked: Callable[[], object] = staticmethod(lambda: None)
    trades_hang = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.since_ids: list[int] = []

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        self.since_ids.append(from_id)
        if self.trades_hang:
            self.trades_hang = False
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                # So does an HTTP client whose time for the answer is over just then: nobody sees that it was cancelled.
                task = asyncio.current_task()
                assert task is not None, "somebody asks"
                task.uncancel()
                raise NetworkError("no answer in time") from None
        return await super().trades(symbol, from_id)

    async def positions(self) -> list[PositionReport]:
        self.asked()
        if self.away:
            raise NetworkError("away")
        self.late_reads -= 1
        return [] if self.late_reads >= 0 else await super().positions()


@pytest.fixture(autouse=True)
def watched_books(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "PaperBroker", WatchedBooks)


async def holding(folder: Path) -> tuple[SessionRunner, WatchedBooks]:
    runner = await begin(calm(folder))
    order(runner)
    await pass_time(runner.loop, 2_000)
    return runner, broker_of(runner.parts, WatchedBooks)


async def test_a_session_is_in_step_when_its_comparison_is_over_not_when_it_begins(tmp_path: Path):
    runner, broker = await holding(tmp_path)
    picture, seen = SessionPicture(runner), list[bool]()
    broker.asked = lambda: seen.append(picture.take().synced)
    before = picture.take().synced

    await runner.reconcile()

    assert (before, seen, picture.take().synced) == (True, [False], True)
    await die(runner)


@pytest.mark.parametrize("at_read", [1, 2])
async def test_what_is_asked_for_during_any_read_of_a_comparison_is_wanted_after_it(
    at_read: int, tmp_path: Path
):
    runner, broker = await holding(tmp_path)
    loop, reads = runner.loop, list[int]()

    def ask() -> None:
        reads.append(1)
        if len(reads) == at_read:
            loop.reconcile_wanted = "a wish"

    broker.late_reads, broker.asked = 1, ask
    await runner.reconcile()
    wanted, broker.asked = loop.reconcile_wanted, lambda: None
    await runner.reconcile()

    assert (len(reads), wanted, loop.reconcile_wanted) == (2, "a wish", "")
    await die(runner)


async def test_what_was_asked_for_during_a_comparison_that_failed_is_wanted_once(tmp_path: Path):
    runner, broker = await holding(tmp_path)
    loop = runner.loop

    def ask_and_go_away() -> None:
        loop.reconcile_wanted = "a wish"
        broker.asked = go_away

    def go_away() -> None:
        broker.away = True

    broker.late_reads, broker.asked = 1, ask_and_go_away
    await runner.reconcile()
    assert not runner.synchrony.is_comparing
    wanted, broker.away, broker.asked = loop.reconcile_wanted, False, lambda: None
    await runner.reconcile()

    assert (wanted, loop.reconcile_wanted) == ("a wish", "")
    await die(runner)


async def test_a_question_for_trades_that_does_not_let_itself_be_cancelled_holds_up_no_session(
    tmp_path: Path,
):
    runner, broker = await holding(tmp_path)
    loop = runner.loop
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "cut")
    broker.trades_hang = True

    async with asyncio.timeout(2):
        await runner.reconcile()

    assert not broker.trades_hang
    assert not loop.stream_lost
    assert loop.desk.suspension == ""
    asked = len(broker.since_ids)
    for _ in range(10):
        await pass_time(loop, 2_000)
        await asyncio.sleep(0)
    assert len(broker.since_ids) == asked
    await die(runner)


async def test_a_question_is_given_up_when_the_session_cannot_go_on(tmp_path: Path):
    runner, _ = await holding(tmp_path)
    fate: list[str] = []

    async def question() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            fate.append("given up")
            raise

    def fail() -> None:
        raise StoreError("the disk is full")

    runner.loop.inputs.post(fail)
    with pytest.raises(StoreError):
        await work_during(runner.loop, question())
    await asyncio.sleep(0)

    assert fate == ["given up"]
    await die(runner)
