"""The inbox of a paper session: one order whatever the pace, and commands that wait for nobody."""

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from src.application.ports.failpoints import install_hook
from src.application.trading.session_runner import EndCause, SessionRunner
from src.bootstrap.paper_account import exchange_file
from src.infrastructure.brokers.paper_broker import PaperBroker
from src.infrastructure.simulated_exchange.store import ExchangeStore
from tests.application.trading.faults import killed_at
from tests.application.trading.sessions import (
    SECONDS,
    begin,
    broker_of,
    calm,
    die,
    order,
    parts_of,
    pass_time,
)
from tests.simulation.market import START_MS, SYMBOL


async def head_of(folder: Path, speed: float | None) -> tuple[int, str]:
    folder.mkdir()
    parts = parts_of(calm(folder, speed=speed, timeframe="1s", strategies=("sma_cross:fast=2,slow=4",)))
    runner = SessionRunner(parts)
    await runner.start()
    runner.stop_after(20_000)
    await runner.run()
    head = runner.loop.store.head
    await die(runner)
    return head.seq, head.hash


async def test_the_pace_changes_nothing_of_what_happens(tmp_path: Path):
    paced = await head_of(tmp_path / "paced", 60.0)

    assert paced == await head_of(tmp_path / "at once", None)
    assert paced[0] > 10


async def test_a_paced_market_comes_no_faster_than_its_pace(tmp_path: Path):
    runner = SessionRunner(parts_of(calm(tmp_path, speed=20.0)))
    begun = time.monotonic()
    await runner.start()
    running = asyncio.create_task(runner.run())

    async with asyncio.timeout(5):
        while (passed_ms := runner.loop.inputs.now_ms() - START_MS) < 6_000:
            assert passed_ms <= 20 * 1_000 * (time.monotonic() - begun)
            await asyncio.sleep(0.01)

    runner.request_stop(EndCause.STOP)
    await running
    await die(runner)


async def test_a_command_wakes_an_inbox_that_sleeps(tmp_path: Path):
    # At this pace the next frame is minutes away.
    runner = SessionRunner(parts_of(calm(tmp_path, speed=0.001)))
    await runner.start()
    working = asyncio.create_task(pass_time(runner.loop, 60_000))

    async with asyncio.timeout(1):
        assert await runner.loop.ask(lambda: "heard") == "heard"

    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await die(runner)


async def test_a_poll_says_when_the_market_is_over(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    going_on = await runner.loop.inputs.poll()

    await runner.run()

    assert (going_on, await runner.loop.inputs.poll()) == (True, False)
    await die(runner)


async def test_commands_are_worked_off_in_their_order(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    seen: list[int] = []
    for number in range(5):
        runner.loop.inputs.post(partial(seen.append, number))

    await pass_time(runner.loop, 1)

    assert seen == [0, 1, 2, 3, 4]
    await die(runner)


async def test_nothing_is_handed_over_between_a_decision_and_its_commit(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    order(runner)
    assert runner.loop.pending

    assert runner.loop.inputs.pump(runner.loop, 256) == 0

    await runner.loop.flush()
    assert runner.loop.inputs.pump(runner.loop, 256) > 0
    await die(runner)


async def test_a_market_ends_although_timers_go_on(tmp_path: Path):
    runner = await begin(calm(tmp_path))

    async with asyncio.timeout(10):
        await runner.run()

    assert runner.ended is EndCause.END_OF_DATA
    assert runner.loop.inputs.now_ms() >= START_MS + SECONDS * 1_000
    await die(runner)


async def test_a_rehearsed_quote_is_handed_to_nobody(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    before = runner.loop.frames, runner.loop.inputs.now_ms(), runner.parts.desk.best_prices(SYMBOL)

    quote = runner.loop.inputs.rehearse()

    after = runner.loop.frames, runner.loop.inputs.now_ms(), runner.parts.desk.best_prices(SYMBOL)
    assert after == before
    assert quote.bid_price < quote.ask_price
    await die(runner)


async def test_the_exchange_commits_once_for_what_it_does_between_two_pieces_of_news(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    engine = broker_of(runner.parts, PaperBroker)._engine
    file = ExchangeStore(exchange_file(config.data_dir, runner.parts.account.account_id))
    passed: list[str] = []
    behind: list[object] = []

    def watch(name: str) -> None:
        passed.append(name)
        if name in ("broker.event", "broker.answer"):
            on_file = file.snapshot()
            behind.append(on_file is None or on_file["counters"] != engine.memory()["counters"])

    order(runner)
    install_hook(watch)
    try:
        await runner.loop.flush()
        await pass_time(runner.loop, 1_000)
    finally:
        install_hook(None)

    # The entry, and then its stop and its target together.
    assert (passed.count("broker.after_send"), passed.count("exchange.after_commit")) == (3, 2)
    assert len(behind) >= 6
    assert not any(behind)
    file.close()
    await die(runner)


async def test_nothing_of_the_exchange_waits_for_its_commit_when_a_batch_is_over(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    order(runner)
    await runner.loop.flush()
    # It has reached the exchange, and nothing of that has come back.
    await pass_time(runner.loop, 30)

    file = ExchangeStore(exchange_file(config.data_dir, runner.parts.account.account_id))
    trades = file.query("SELECT count(*) FROM trades")
    file.close()

    assert trades[0][0] >= 1
    await die(runner)


@pytest.mark.parametrize("point", ["exchange.before_commit", "exchange.after_commit"])
async def test_a_kill_around_a_shared_commit_loses_all_of_it_or_nothing(point: str, tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    entry = order(runner)
    await runner.loop.flush()
    with killed_at(point, 2):
        await pass_time(runner.loop, 1_000)
    await die(runner)

    again = SessionRunner(parts_of(config))
    report = await again.start()
    await pass_time(again.loop, 1_000)

    position = again.loop.ledger.position(SYMBOL)
    standing = [o for o in again.loop.ledger.orders.values() if o.is_live and o.ticket.purpose.is_protective]
    assert report.agrees and position.quantity == entry.quantity
    assert len(standing) == 2
    assert len({o.client_order_id for o in standing}) == len(
        await again.parts.broker.open_algo_orders(SYMBOL)
    )
    await die(again)
