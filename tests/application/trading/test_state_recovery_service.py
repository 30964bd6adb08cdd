"""The recovery procedure against a real exchange file, after crashes and beside a living process."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.services.state_recovery_service import DAY_MS, INCOME_OVERLAP_MS
from src.application.trading.session_runner import SessionRunner
from src.bootstrap import paper
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.news import RequestCancel
from src.domain.ledger import events as e
from src.domain.market.quality import QualityLimits
from src.domain.orders.news import OrderReport
from src.domain.orders.transitions import AttemptState, AttemptTrigger
from src.domain.orders.types import Purpose
from src.domain.portfolio.exposure import unrealized_pnl
from src.domain.sessions.session import TradingSessionStatus
from src.infrastructure.brokers.paper_broker import PaperBroker
from tests.application.trading.faults import AskedBroker, DeafDesk, PagingBroker, WeakBroker, killed_at
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
from tests.simulation.market import BTC, SYMBOL

MINUTES_S = 150


async def books_agree(runner: SessionRunner) -> bool:
    """Whether the exchange holds the position that the ledger holds."""
    theirs = {p.symbol: p.quantity for p in await runner.parts.broker.positions()}
    return theirs.get(SYMBOL, Decimal(0)) == runner.loop.ledger.position(SYMBOL).quantity


def attempts(config: PaperConfig, client_order_id: str) -> list[AttemptTrigger]:
    return [
        event.trigger
        for event in events_of(config, e.AttemptMoved)
        if isinstance(event, e.AttemptMoved) and event.client_order_id == client_order_id
    ]


# --- how far back a start reads -----------------------------------------------------------------------------


async def traded_and_compared(config: PaperConfig) -> int:
    """A session whose only trade is made after a minute and a half, compared, and dies; when that was, in ms."""
    first = SessionRunner(parts_of(config, MINUTES_S))
    await first.start()
    await pass_time(first.loop, 90_000)
    order(first, "0.010")
    await pass_time(first.loop, 2_000)
    await first.recovery.recover("test", new_stream=False)
    (trade,) = await first.parts.broker.trades(SYMBOL, 0)
    await die(first)
    return trade.traded_ms


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> type[AskedBroker]:
    """The broker of sessions from now on."""
    monkeypatch.setattr(paper, "PaperBroker", AskedBroker)
    return AskedBroker


async def test_a_start_reads_income_from_the_last_compared_trade_on(asked: type[AskedBroker], tmp_path: Path):
    last_ms = await traded_and_compared(config := calm(tmp_path, funding_interval_ms=DAY_MS))
    second = SessionRunner(parts_of(config, MINUTES_S))

    report = await second.start()

    assert report.agrees
    assert isinstance(second.parts.broker, asked)
    assert second.parts.broker.since_ms == [last_ms - INCOME_OVERLAP_MS]
    await die(second)


async def test_a_start_whose_books_differ_reads_all_income_since_the_last_booked(
    asked: type[AskedBroker], tmp_path: Path
):
    last_ms = await traded_and_compared(config := calm(tmp_path, funding_interval_ms=DAY_MS))
    second = SessionRunner(parts_of(config, MINUTES_S))
    assert isinstance(second.parts.broker, asked)
    second.parts.broker.extra_money = Decimal(1)

    report = await second.start()

    booked_ms = second.loop.ledger.account.income_ms
    assert not report.agrees
    assert booked_ms < last_ms - INCOME_OVERLAP_MS
    # A row may have shown up behind a later one.
    again_ms = max(0, booked_ms - INCOME_OVERLAP_MS)
    assert second.parts.broker.since_ms == [last_ms - INCOME_OVERLAP_MS, again_ms, again_ms]
    await die(second)


# --- crashes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["session.before_submit", "session.after_submit", "broker.before_send"])
async def test_an_order_that_never_reached_the_exchange_is_dead_at_the_next_start(point: str, tmp_path: Path):
    first = await begin(config := calm(tmp_path))
    placed = order(first)
    with killed_at(point):
        await first.loop.flush()
    await die(first)

    second = await begin(config)

    assert attempts(config, placed.id) == [AttemptTrigger.PROVEN_DEAD]
    assert second.loop.ledger.position(SYMBOL).is_flat
    assert not second.loop.ledger.symbol(SYMBOL).pending_buy
    assert second.session.status is TradingSessionStatus.RUNNING
    await die(second)


@pytest.mark.parametrize("point", ["broker.answer", "broker.event"])
async def test_a_fill_that_nobody_heard_of_is_booked_and_guarded_at_the_next_start(
    point: str, tmp_path: Path
):
    first = await begin(config := calm(tmp_path))
    placed = order(first, "0.010")
    with killed_at(point):
        await pass_time(first.loop, 2_000)
    await die(first)

    second = await begin(config)

    assert second.resumed
    assert second.session.id == first.session.id
    assert AttemptTrigger.FOUND in attempts(config, placed.id)
    assert await books_agree(second)
    position = second.loop.ledger.position(SYMBOL)
    assert not position.is_flat
    (stop,) = [
        o
        for o in second.loop.ledger.orders.values()
        if o.ticket.purpose is Purpose.PROTECTIVE_STOP and o.is_live
    ]
    assert stop.quantity >= abs(position.quantity)
    await die(second)


async def test_trades_of_many_pages_are_booked_each_once_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", PagingBroker)
    first = await begin(config := calm(tmp_path))
    for quantity in ("0.010", "0.011", "0.012"):
        order(first, quantity)
        await first.loop.flush()
    # The exchange has filled them, and nothing of that has come back.
    await pass_time(first.loop, 30)
    await die(first)

    second = SessionRunner(parts_of(config))
    report = await second.start()

    fills = len(events_of(config, e.FillBooked))
    assert report.agrees and second.loop.ledger.position(SYMBOL).quantity == Decimal("0.033")
    assert (report.fills_added, report.income_added) == (fills, 0) and fills >= 3
    await die(second)


async def test_a_resting_order_is_found_again_and_stays_as_it_is(tmp_path: Path):
    first = await begin(config := calm(tmp_path))
    placed = resting(first)
    with killed_at("broker.answer"):
        await pass_time(first.loop, 2_000)
    await die(first)

    second = await begin(config)

    found = second.loop.ledger.orders[placed.id]
    assert found.attempt_state is AttemptState.ACKED
    assert found.is_open
    await die(second)


async def test_a_cancel_that_was_lost_is_asked_for_again(tmp_path: Path):
    first = await begin(config := calm(tmp_path))
    placed = resting(first)
    await pass_time(first.loop, 1_000)
    first.loop.decide(RequestCancel(placed.id, "a test"))
    with killed_at("session.before_cancel"):
        await first.loop.flush()
    await die(first)

    second = await begin(config)
    await pass_time(second.loop, 3_000)

    assert placed.id not in {o.client_order_id for o in await second.parts.broker.open_orders()}
    assert not any(o.is_open for o in second.loop.ledger.orders.values())
    await die(second)


# --- idempotence --------------------------------------------------------------------------------------------


async def test_a_second_run_finds_nothing_to_change(tmp_path: Path):
    first = await begin(config := calm(tmp_path))
    order(first)
    resting(first)
    with killed_at("broker.answer", 2):
        await pass_time(first.loop, 2_000)
    await die(first)
    second = await begin(config)
    await second.recovery.recover("once", new_stream=False)
    before = len(events_of(config))

    report = await second.recovery.recover("twice", new_stream=False)

    added = events_of(config)[before:]
    assert report.agrees
    assert (report.fills_added, report.income_added) == (0, 0)
    assert [type(event) for event in added] == [e.RecoveryFinished]
    await die(second)


async def test_what_is_read_and_heard_is_booked_once(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    order(runner)
    await pass_time(runner.loop, 35)

    # The exchange has filled it; its events are still on their way.
    await runner.recovery.recover("a test", new_stream=False)
    await pass_time(runner.loop, 3_000)

    fills = [(f.symbol, f.trade_id) for f in events_of(config, e.FillBooked) if isinstance(f, e.FillBooked)]
    assert fills
    assert len(fills) == len(set(fills))
    assert await books_agree(runner)
    await die(runner)


@pytest.mark.parametrize(("full", "asked"), [(False, {SYMBOL}), (True, {None})])
async def test_a_full_run_asks_for_the_open_orders_of_all_symbols_and_a_light_one_for_those_of_its_own(
    full: bool, asked: set[str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runner = await begin(calm(tmp_path))
    read, symbols = runner.parts.broker.open_orders, set()

    async def noted(symbol: str | None = None) -> list[OrderReport]:
        symbols.add(symbol)
        return await read(symbol)

    monkeypatch.setattr(runner.parts.broker, "open_orders", noted)

    await runner.recovery.recover("a test", new_stream=False, full=full)

    assert symbols == asked
    await die(runner)


# --- a process that is alive --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PaperBroker, WeakBroker])
async def test_what_is_on_its_way_is_not_declared_dead(
    kind: type[PaperBroker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", kind)
    runner = await begin(config := calm(tmp_path))
    placed = order(runner)
    await runner.loop.flush()

    await runner.recovery.recover("a test", new_stream=False)

    assert placed.attempt_state is AttemptState.OPEN
    await pass_time(runner.loop, 1_000)
    assert attempts(config, placed.id)[0] in (AttemptTrigger.ACCEPTED, AttemptTrigger.FOUND)
    assert await books_agree(runner)
    await die(runner)


async def test_before_the_market_is_heard_equity_is_at_the_mark_prices_that_the_exchange_named(
    tmp_path: Path,
):
    first = await begin(config := calm(tmp_path))
    order(first)
    await pass_time(first.loop, 5_000)
    await die(first)

    parts = parts_of(config)
    parts.desk = DeafDesk({SYMBOL: BTC}, "1s", QualityLimits())
    second = SessionRunner(parts)
    await second.start()

    (held,) = await parts.broker.positions()
    assert held.unrealized_pnl
    assert unrealized_pnl(second.loop.ledger, parts.desk) == held.unrealized_pnl
    await die(second)
