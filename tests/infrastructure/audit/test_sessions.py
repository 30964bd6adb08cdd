"""Audits beside sessions that run: both sides of hedge mode, and an auditor in a process of its own."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.by_hand import adjusting_ticket, closing_ticket, send_by_hand
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.audit_watch import AUDIT_TOPIC, AuditWatch
from src.bootstrap.audits import keep_outcome, last_outcome
from src.domain.decisions.news import RaiseAlarm
from src.domain.ledger.events import AlarmRaised
from src.domain.market.sides import PositionSide
from src.infrastructure.audit.records import Report
from src.infrastructure.audit.request import AuditRequest
from src.infrastructure.messaging.event_bus import InProcessEventBus
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.interfaces.cli.audits import AuditDifference, AuditOutcome
from tests.application.trading.sessions import begin, calm, pass_time
from tests.infrastructure.audit.conftest import Files
from tests.infrastructure.audit.files import change
from tests.simulation.market import SYMBOL
from tests.simulation.world import read_accounts

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def request_of(files: Files) -> AuditRequest:
    account_id = read_accounts(files.database)[0].account_id
    return AuditRequest(account_id, str(files.database), file=files.exchange)


async def adjusted(runner: SessionRunner, target: str, side: PositionSide) -> None:
    ticket = adjusting_ticket(runner, SYMBOL, Decimal(target), side)
    assert ticket is not None
    send_by_hand(runner, ticket)
    await runner.loop.flush()
    await pass_time(runner.loop, 1_500)


async def test_a_running_session_in_hedge_mode_is_equal_with_both_sides_held_and_one_closed(tmp_path: Path):
    runner = await begin(calm(tmp_path, hedge_mode=True))
    files, reports = Files(tmp_path), list[Report]()

    for target, side in (("0.004", LONG), ("-0.003", SHORT), ("0.001", LONG), ("-0.007", SHORT)):
        await adjusted(runner, target, side)
        reports.append(files.audit())
    while runner.loop.ledger.position(SYMBOL, LONG).quantity:
        send_by_hand(runner, closing_ticket(runner, SYMBOL, "enough", LONG))
        await runner.loop.flush()
        await pass_time(runner.loop, 2_000)
    reports.append(files.audit())

    assert [report.differences for report in reports] == [()] * 5
    assert reports[-1].trades > reports[0].trades > 0


class Watched:
    """A watch over files with what it told."""

    def __init__(self, files: Files, data_dir: Path) -> None:
        self.outcomes: list[AuditOutcome] = []
        self.alarms: list[str] = []
        self.watch = AuditWatch(request_of(files), "paper", 0.01, data_dir, confirm_s=0.01)
        self.bus = InProcessEventBus()
        self.bus.subscribe(AUDIT_TOPIC, self._heard)

    def _heard(self, outcome: object) -> None:
        assert isinstance(outcome, AuditOutcome)
        self.outcomes.append(outcome)

    async def until(self, count: int) -> None:
        async def alarm(text: str) -> None:
            self.alarms.append(text)

        task = asyncio.create_task(self.watch.run(self.bus, alarm))
        async with asyncio.timeout(20):
            while len(self.outcomes) < count:
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_the_watch_publishes_and_keeps_what_another_process_has_found(files: Files, tmp_path: Path):
    watched = Watched(files, tmp_path)

    await watched.until(2)

    assert all(outcome.agrees for outcome in watched.outcomes)
    assert watched.outcomes[0].since_ms == 0
    assert last_outcome(tmp_path, watched.outcomes[0].account_id) is not None
    assert watched.alarms == []


async def test_a_difference_raises_one_alarm_that_names_the_row(files: Files, tmp_path: Path):
    trade_id, _ = files.fills()[3]
    change(files.database, "DELETE FROM fills WHERE trade_id = ?", trade_id)
    watched = Watched(files, tmp_path)

    await watched.until(3)

    (alarm,) = watched.alarms
    assert alarm.startswith("1 DIFFERENCE")
    assert f"trade {trade_id} of BTCUSDT" in alarm


async def test_an_audit_that_cannot_be_made_is_kept_as_such_and_raises_no_alarm(files: Files, tmp_path: Path):
    watched = Watched(files, tmp_path)
    files.exchange.rename(tmp_path / "elsewhere.db")

    await watched.until(1)

    assert "cannot be audited" in watched.outcomes[0].failure
    assert not watched.outcomes[0].agrees
    assert watched.alarms == []


async def test_a_watch_that_is_ended_ends_its_process(files: Files, tmp_path: Path):
    watched = Watched(files, tmp_path)
    task = asyncio.create_task(watched.watch.run(watched.bus, lambda text: asyncio.sleep(0)))
    async with asyncio.timeout(5):
        while watched.watch._process is None:
            await asyncio.sleep(0.001)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    process = watched.watch._process
    assert process is not None
    assert await asyncio.to_thread(process.wait, 5) is not None


async def test_a_session_keeps_an_alarm_about_its_books(tmp_path: Path):
    runner = await begin(calm(tmp_path))

    runner.loop.decide(RaiseAlarm("audit", "1 DIFFERENCE"))
    await runner.loop.flush()

    reads = SqliteReadModels(tmp_path / "session.db")
    records = [decode(each.kind, each.payload) for each in reads.journal(runner.parts.account.account_id)]
    reads.close()
    assert AlarmRaised("audit", "1 DIFFERENCE") in records


def test_the_last_outcome_is_that_of_the_last_whole_line(tmp_path: Path):
    first = AuditOutcome("acc00001-x", "paper", 1, differences=(AuditDifference("a", "1", "2", "b"),))
    keep_outcome(tmp_path, first)
    with (tmp_path / "audits" / "acc00001.jsonl").open("ab") as file:
        file.write(b'{"account_id":"acc0')

    assert last_outcome(tmp_path, "acc00001-x") == first
    assert last_outcome(tmp_path, "acc00002-x") is None


def test_outcomes_that_cannot_be_read_hide_nothing_else_of_a_session(tmp_path: Path):
    (tmp_path / "audits").write_text("a file in the place of the folder")

    last = last_outcome(tmp_path, "acc00001-x")

    assert last is not None and not last.agrees
    assert last.failure.endswith("audits/acc00001.jsonl cannot be read (Not a directory): move it away")
