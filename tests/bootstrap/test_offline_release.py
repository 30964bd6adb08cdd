"""Releasing an order of unknown outcome while no process runs: recorded by the one writer, with who and why."""

import asyncio
from pathlib import Path

import pytest

from src.application.trading.session_runner import SessionRunner
from src.bootstrap import offline, paper
from src.domain.ledger import events as e
from src.domain.sessions.trading_states import SymbolState
from src.infrastructure.persistence.databases import SqliteDatabase
from src.interfaces.cli.outcomes import OrderReleased
from tests.application.trading.faults import WeakBroker, died_before_sending
from tests.application.trading.sessions import calm, die, events_of, parts_of
from tests.simulation.market import SYMBOL


async def test_an_order_in_doubt_is_released_for_the_next_start_but_not_before_it_cannot_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", WeakBroker)
    placed = await died_before_sending(config := calm(tmp_path))
    second = SessionRunner(parts_of(config))
    await second.start()
    account_id = second.loop.ledger.account.account_id
    await die(second)
    database, deadline_ms = SqliteDatabase(config.database), placed.attempt.deadline_ms

    def release(now_ms: int) -> object:
        return offline.release_order(database, account_id, placed.id, "seen in the app", now_ms)

    with pytest.raises(ValueError, match="may still accept"):
        await asyncio.to_thread(release, deadline_ms)
    released = await asyncio.to_thread(release, deadline_ms + offline.WALL_CLOCK_MARGIN_MS + 1)
    third = SessionRunner(parts_of(config))
    await third.start()

    assert released == OrderReleased(placed.id, SYMBOL, False)
    assert events_of(config, e.OutcomeReleased) == [
        e.OutcomeReleased(placed.id, "operator", "seen in the app")
    ]
    assert third.loop.ledger.symbol(SYMBOL).state is SymbolState.TRADING
    assert not third.loop.ledger.symbol(SYMBOL).pending_buy
    await die(third)
