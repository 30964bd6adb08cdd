"""A stop or another exit trades while an order turns its position: whole sessions on paper, killed at every point."""

import shutil
from decimal import Decimal
from pathlib import Path

from src.application.ports.failpoints import install_hook
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.news import PlaceOrder, RequestProtection
from src.domain.ledger.events import FillBooked, OrderIntended, ParentOpened
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.types import Purpose
from src.domain.risk.review import Approved, review_reducing
from src.infrastructure.simulated_exchange.latency import MILLISECOND_NS, LatencyModel
from tests.application.trading.sessions import SEED, begin, calm, die, events_of, order, pass_time
from tests.simulation.market import SYMBOL, TICK
from tests.simulation.world import Crash, CrashPlan

HELD, OPENS = Decimal("0.002"), Decimal("0.001")
POINTS_MAX = 400


async def holding(config: PaperConfig) -> SessionRunner:
    runner = await begin(config)
    order(runner, str(HELD))
    await runner.loop.flush()
    await pass_time(runner.loop, 1_000)
    assert quantity_of(runner) == HELD
    return runner


def quantity_of(runner: SessionRunner) -> Decimal:
    return runner.loop.ledger.position(SYMBOL).quantity


def turn(runner: SessionRunner) -> None:
    order(runner, str(HELD + OPENS), side=OrderSide.SELL)


def leave(runner: SessionRunner) -> None:
    position = runner.loop.ledger.position(SYMBOL)
    verdict = review_reducing(
        runner.loop.ledger, runner.adapter.exit(position, HELD, position.strategy_id, "enough")
    )
    assert isinstance(verdict, Approved)
    runner.loop.decide(PlaceOrder(verdict))


async def settle(runner: SessionRunner, rounds: int = 12) -> None:
    """Twelve seconds and more: what is tried again is tried again, what is to be compared is compared."""
    for _ in range(rounds):
        await pass_time(runner.loop, 1_000)
        if runner.loop.reconcile_wanted:
            await runner.reconcile()


async def at_the_exchange(runner: SessionRunner) -> Decimal:
    return sum((p.quantity for p in await runner.parts.broker.positions() if p.symbol == SYMBOL), Decimal(0))


def traded_by(config: PaperConfig) -> list[Purpose]:
    """What the orders were for that have traded, by the number of their trades."""
    intents = [e for e in events_of(config, OrderIntended) if isinstance(e, OrderIntended)]
    purpose_of = {e.attempt.client_order_id: e.ticket.purpose for e in intents}
    fills = [e for e in events_of(config, FillBooked) if isinstance(e, FillBooked)]
    return [purpose_of[fill.client_order_id] for fill in sorted(fills, key=lambda fill: fill.trade_id)]


def taken_back(config: PaperConfig) -> Decimal:
    """What orders of trims have traded."""
    intents = [e for e in events_of(config, OrderIntended) if isinstance(e, OrderIntended)]
    names = {e.attempt.client_order_id for e in intents if e.ticket.parent_id is not None}
    fills = [e for e in events_of(config, FillBooked) if isinstance(e, FillBooked)]
    return sum((fill.quantity for fill in fills if fill.client_order_id in names), Decimal(0))


async def test_an_exit_that_trades_while_a_turning_order_is_under_way_leaves_what_was_approved(
    tmp_path: Path,
):
    config = calm(tmp_path)
    runner = await holding(config)

    leave(runner)
    turn(runner)
    await runner.loop.flush()
    await settle(runner)

    assert (quantity_of(runner), await at_the_exchange(runner)) == (-OPENS, -OPENS)
    assert (await runner.recovery.recover("a test", new_stream=False)).agrees
    await die(runner)
    assert taken_back(config) == HELD


async def test_a_turn_without_a_race_is_one_order_and_nothing_more(tmp_path: Path):
    config = calm(tmp_path)
    runner = await holding(config)
    before = runner.loop.orders_sent

    turn(runner)
    await runner.loop.flush()
    await pass_time(runner.loop, 20)
    sent = runner.loop.orders_sent - before
    await settle(runner)

    assert (sent, quantity_of(runner)) == (1, -OPENS)
    await die(runner)
    assert events_of(config, ParentOpened) == []


async def test_a_stop_that_fires_while_a_turning_order_is_under_way_leaves_what_was_approved(tmp_path: Path):
    """Requests take seconds here, so that the market reaches the stop while the order is under way."""
    slow = LatencyModel(SEED, 3_000 * MILLISECOND_NS, 20 * MILLISECOND_NS, 20 * MILLISECOND_NS)
    config = calm(tmp_path, latency=slow)
    runner = await begin(config)
    order(runner, str(HELD))
    await runner.loop.flush()
    await pass_time(runner.loop, 8_000)
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    runner.loop.decide(RequestProtection(SYMBOL, PositionSide.BOTH, prices[0] - 40 * TICK))
    await runner.loop.flush()
    await pass_time(runner.loop, 2_900)

    turn(runner)
    await runner.loop.flush()
    await settle(runner)

    assert (quantity_of(runner), await at_the_exchange(runner)) == (-OPENS, -OPENS)
    await die(runner)
    assert traded_by(config) == [Purpose.ENTRY, Purpose.PROTECTIVE_STOP, Purpose.ENTRY, Purpose.EXIT]
    assert taken_back(config) == HELD


async def test_a_race_is_over_with_what_was_approved_wherever_the_process_was_killed(tmp_path: Path):
    """At every point that the session passes from the moment of the race on; the next one finds what it left."""
    killed = 0
    for at in range(1, POINTS_MAX):
        config = calm(tmp_path / str(at))
        config.data_dir.mkdir()
        runner = await holding(config)
        leave(runner)
        turn(runner)
        plan = CrashPlan(at)
        install_hook(plan)
        try:
            await runner.loop.flush()
            await settle(runner, 2)
        except Crash:
            killed += 1
        finally:
            install_hook(None)
            await die(runner)
        if not plan.where:
            break
        await raced_and_recovered(config, plan)
        shutil.rmtree(tmp_path / str(at))

    assert 30 < killed < POINTS_MAX - 1


async def raced_and_recovered(config: PaperConfig, plan: CrashPlan) -> None:
    """The exchange's own trades say what had happened by then, and so what has to be held in the end."""
    runner = await begin(config)
    await settle(runner)
    held, there = quantity_of(runner), await at_the_exchange(runner)
    agrees = (await runner.recovery.recover("a test", new_stream=False)).agrees
    await die(runner)
    purposes = traded_by(config)[1:]
    turned, left = Purpose.ENTRY in purposes, purposes[:1] == [Purpose.EXIT]
    expected = -OPENS if turned else HELD - (HELD if left else 0)

    assert (held, there, agrees) == (expected, expected, True), plan.where
    assert taken_back(config) == (HELD if turned and left else 0), plan.where
