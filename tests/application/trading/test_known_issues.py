"""The known issues of document 002, each closed by a test over a whole session and an exchange with its own file."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import RequestCancel
from src.domain.ledger.events import FillBooked
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import Purpose
from src.infrastructure.simulated_exchange.latency import MILLISECOND_NS, LatencyModel
from tests.application.trading.faults import killed_at
from tests.application.trading.sessions import begin, calm, die, events_of, order, pass_time, resting
from tests.simulation.market import SYMBOL


async def assert_exchange_and_ledger_agree(runner: SessionRunner) -> None:
    """Open orders of both books, positions and wallet, to the last digit."""
    broker, ledger = runner.parts.broker, runner.loop.ledger
    theirs = {o.client_order_id for o in (*await broker.open_orders(), *await broker.open_algo_orders())}
    positions = {p.symbol: p.quantity for p in await broker.positions()}
    (wallet,) = [b.wallet_balance for b in await broker.balances() if b.asset == "USDT"]
    assert theirs == {o.id for o in ledger.orders.values() if o.is_open}
    assert positions.get(SYMBOL, Decimal(0)) == ledger.position(SYMBOL).quantity
    assert wallet == ledger.wallet_balance


def stops_of(runner: SessionRunner) -> Decimal:
    """What live protective stops cover, base asset."""
    orders = runner.loop.ledger.orders.values()
    stops = [o for o in orders if o.is_live and o.ticket.purpose is Purpose.PROTECTIVE_STOP]
    return max((o.quantity for o in stops), default=Decimal(0))


async def test_issue_1_order_synchronization_ours_and_the_exchanges_books_never_drift(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    entered = order(runner)
    waiting = resting(runner)
    await runner.loop.flush()
    await pass_time(runner.loop, 3_000)
    await assert_exchange_and_ledger_agree(runner)

    runner.loop.decide(RequestCancel(waiting.id, "asked for"))
    await runner.loop.flush()
    await pass_time(runner.loop, 3_000)

    assert entered.filled_quantity == entered.quantity
    await assert_exchange_and_ledger_agree(runner)
    await die(runner)


async def test_issue_2_websocket_reconnection_what_a_lost_stream_said_is_read_and_booked_once(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    loop = runner.loop
    hears = loop.on_user_event
    loop.on_user_event = lambda event: None  # type: ignore[method-assign]  # the stream is silent from here on
    order(runner)
    await loop.flush()
    await pass_time(loop, 3_000)
    assert loop.ledger.position(SYMBOL).is_flat, "nobody has heard of the fill"

    loop.on_user_event = hears  # type: ignore[method-assign]  # and here it hears again
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "the connection was reset")
    await loop.flush()
    await runner.reconcile()
    await pass_time(loop, 3_000)

    assert loop.ledger.position(SYMBOL).quantity == Decimal("0.010")
    assert stops_of(runner) >= Decimal("0.010")
    trades = [event.trade_id for event in events_of(config, FillBooked) if isinstance(event, FillBooked)]
    assert len(trades) == len(set(trades)) > 0
    await assert_exchange_and_ledger_agree(runner)
    await die(runner)


async def test_issue_3_partial_fills_add_up_and_are_guarded_from_the_first_on(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    placed = order(runner, "0.150")
    await runner.loop.flush()
    unguarded: list[Decimal] = []
    for _ in range(50):
        await pass_time(runner.loop, 100)
        held = runner.loop.ledger.position(SYMBOL).quantity
        if held > stops_of(runner):
            unguarded.append(held)

    fills = [event for event in events_of(config, FillBooked) if isinstance(event, FillBooked)]
    assert len(fills) > 1, "the market is thin enough for parts"
    assert sum(fill.quantity for fill in fills) == placed.filled_quantity
    assert runner.loop.ledger.position(SYMBOL).quantity == placed.filled_quantity == Decimal("0.150")
    assert len(unguarded) <= 1, "a stop is on its way with the first fill"
    await assert_exchange_and_ledger_agree(runner)
    await die(runner)


async def test_issue_4_latency_an_order_that_would_come_too_late_is_never_executed_late(tmp_path: Path):
    slow = LatencyModel(
        seed=3, request_ns=9_000 * MILLISECOND_NS, answer_ns=20 * MILLISECOND_NS, event_ns=20 * MILLISECOND_NS
    )
    runner = await begin(calm(tmp_path, latency=slow))
    late = order(runner)
    assert late.attempt.recv_window_ms < 9_000
    await runner.loop.flush()

    await pass_time(runner.loop, 30_000)

    assert late.attempt_state in (AttemptState.REFUSED, AttemptState.DEAD)
    assert runner.loop.ledger.position(SYMBOL).is_flat
    assert not runner.loop.ledger.symbol(SYMBOL).pending_buy, "its reservation is free again"
    await assert_exchange_and_ledger_agree(runner)
    await die(runner)


@pytest.mark.parametrize(
    "point",
    [
        "store.begin",
        "store.before_commit",
        "store.after_commit",
        "session.committed",
        "session.before_submit",
        "session.after_submit",
        "session.effects_done",
    ],
)
async def test_issue_5_state_recovery_wherever_it_dies_the_next_start_is_whole(point: str, tmp_path: Path):
    first = await begin(config := calm(tmp_path))
    order(first)
    with killed_at(point):
        await first.loop.flush()
        await pass_time(first.loop, 3_000)
    await die(first)

    second = await begin(config)
    await pass_time(second.loop, 3_000)

    assert second.resumed and second.is_running
    assert stops_of(second) >= second.loop.ledger.position(SYMBOL).quantity
    await assert_exchange_and_ledger_agree(second)
    await die(second)
