"""Session time over restarts: it neither goes back nor stands still, whatever a clock or a market does."""

from pathlib import Path

import pytest

from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import RaiseAlarm
from src.domain.orders.news import Refused
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.types import Purpose
from src.infrastructure.time.inputs import PaperInputs
from tests.application.trading.sessions import begin, calm, die, order, parts_of, pass_time
from tests.simulation.market import SYMBOL

HOUR_MS = 3_600_000


@pytest.fixture
def a_market_that_goes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a real exchange's: no process can move it."""
    monkeypatch.setattr(PaperInputs, "begin_at", lambda inputs, last_ms: None)


async def an_hour_ahead(folder: Path) -> int:
    """A process whose clock was ahead and that died; when its last record was made."""
    runner = await begin(calm(folder))
    runner.loop._ahead_ms = HOUR_MS
    await note(runner)
    last_ms = runner.loop.ledger.account.last_ms
    await die(runner)
    return last_ms


async def note(runner: SessionRunner) -> None:
    """Record something."""
    runner.loop.decide(RaiseAlarm("x", "a record"))
    await runner.loop.flush()


@pytest.mark.usefixtures("a_market_that_goes_by_itself")
async def test_a_clock_that_was_set_back_lets_session_time_go_on_from_the_last_record(tmp_path: Path):
    last_ms = await an_hour_ahead(tmp_path)

    runner = await begin(calm(tmp_path))
    before_ms = runner.loop.now_ms()
    await pass_time(runner.loop, 5_000)
    await note(runner)

    age_ms = runner.loop.desk.age_ms(SYMBOL, runner.loop.now_ms())
    after_ms, recorded_ms = runner.loop.now_ms(), runner.loop.ledger.account.last_ms
    await die(runner)
    assert last_ms <= before_ms
    assert after_ms == recorded_ms == before_ms + 5_000
    assert age_ms is not None
    assert 0 <= age_ms < 5_000


@pytest.mark.usefixtures("a_market_that_goes_by_itself")
async def test_a_stop_that_was_refused_is_tried_again_after_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await an_hour_ahead(tmp_path)
    runner = await begin(calm(tmp_path))
    loop, submit, stops = runner.loop, runner.parts.broker.submit, []

    def refuse_the_first_stop(ticket: OrderTicket, attempt: Attempt) -> None:
        if ticket.purpose is Purpose.PROTECTIVE_STOP:
            stops.append(attempt.client_order_id)
        if stops == [attempt.client_order_id]:
            no = Refused(attempt.client_order_id, -1003, "Too many requests")
            loop.inputs.after(20, lambda: loop.on_submit_outcome(no))
        else:
            submit(ticket, attempt)

    monkeypatch.setattr(runner.parts.broker, "submit", refuse_the_first_stop)
    # Quotes are timed by the clock as it is: the market is as fresh as it was.
    order(runner)
    await pass_time(loop, 10_000)

    held = loop.ledger.position(SYMBOL).quantity
    await die(runner)
    assert held
    assert len(stops) == 2


async def test_a_market_goes_on_where_the_session_had_come_and_not_where_its_exchange_last_did_something(
    tmp_path: Path,
):
    first = await begin(calm(tmp_path))
    await pass_time(first.loop, 20_000)
    await note(first)
    seen, stopped_ms = first.loop.frames, first.loop.now_ms()
    prices = first.loop.desk.best_prices(SYMBOL)
    await die(first)

    second = SessionRunner(parts_of(calm(tmp_path)))
    await second.start()

    begun_ms, frames = second.loop.inputs.now_ms(), second.loop.frames
    again, venue_ms = second.loop.desk.best_prices(SYMBOL), second.parts.broker.venue_time().now_ms
    await die(second)
    assert seen > 20
    assert stopped_ms - 1_000 <= begun_ms == venue_ms <= stopped_ms
    assert (frames, again) == (0, prices)
