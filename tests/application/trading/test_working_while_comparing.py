"""What is asked of a session, and seen of it, while it asks its exchange."""

from collections.abc import Callable
from pathlib import Path

import pytest

from src.application.ports.broker import NetworkError
from src.application.trading.picture import SessionPicture
from src.application.trading.session_runner import SessionRunner
from src.bootstrap import paper
from src.domain.orders.news import PositionReport
from tests.application.trading.faults import WeakBroker
from tests.application.trading.sessions import begin, broker_of, calm, die, order, pass_time


class WatchedBooks(WeakBroker):
    """Does something whenever it is asked for positions, and then shows none for so many reads."""

    late_reads = 0
    away = False
    asked: Callable[[], object] = staticmethod(lambda: None)

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
    wanted, broker.away, broker.asked = loop.reconcile_wanted, False, lambda: None
    await runner.reconcile()

    assert (wanted, loop.reconcile_wanted) == ("a wish", "")
    await die(runner)
