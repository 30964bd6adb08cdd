"""The dead-man's switch arms what rests, gives signs of life in time, and lets go of what rests no more."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import BrokerUnavailable
from src.application.trading.dead_man import ARM_EVERY_MS, DeadManSwitch
from src.application.trading.session_runner import SessionRunner
from src.bootstrap import paper
from src.domain.decisions.news import RequestCancel
from src.domain.ledger.events import AlarmRaised
from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide
from src.domain.orders.types import OrderType, Purpose
from src.infrastructure.brokers.paper_broker import PaperBroker
from tests.application.trading.sessions import calm, die, events_of, order, parts_of, pass_time, resting
from tests.simulation.market import SYMBOL

COUNTDOWN_MS = 120_000


class Exchange:
    """Notes what it is told, when it comes through; refuses to answer while it is down."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.is_down = False
        self.passes = asyncio.Event()
        self.passes.set()

    async def countdown_cancel_all(self, symbol: str, countdown_ms: int) -> None:
        if countdown_ms:
            await self.passes.wait()
        if self.is_down:
            raise BrokerUnavailable("no answer")
        self.told.append((symbol, countdown_ms))


class Orders:
    """Stands where the ledger's working set stands; all the switch reads of an order."""

    def __init__(self, *orders: tuple[str, OrderType, Purpose]) -> None:
        self.orders = {str(place): _Order(*order) for place, order in enumerate(orders)}


class _Ticket:
    def __init__(self, order_type: OrderType, purpose: Purpose) -> None:
        self.order_type, self.purpose = order_type, purpose


class _Order:
    def __init__(self, symbol: str, order_type: OrderType, purpose: Purpose) -> None:
        self.symbol, self.is_open, self.ticket = symbol, True, _Ticket(order_type, purpose)


def a_switch(*orders: tuple[str, OrderType, Purpose]) -> tuple[DeadManSwitch, Exchange, Any]:
    held: Any = Orders(*orders)
    exchange: Any = Exchange()
    ledger: Ledger = held
    return DeadManSwitch(ledger, exchange, COUNTDOWN_MS), exchange, held


async def after(switch: DeadManSwitch, moments_ms: Iterable[int]) -> None:
    for now_ms in moments_ms:
        switch.tick(now_ms)
        await asyncio.sleep(0)


RESTING = ("BTCUSDT", OrderType.LIMIT, Purpose.ENTRY)


async def test_a_resting_entry_is_armed_at_once_and_again_in_time():
    switch, exchange, _ = a_switch(RESTING)

    await after(switch, range(0, 2 * ARM_EVERY_MS + 1, 1_000))

    assert exchange.told == [("BTCUSDT", COUNTDOWN_MS)] * 3
    assert ARM_EVERY_MS * 3 < COUNTDOWN_MS


async def test_stops_exits_and_market_orders_arm_nothing():
    switch, exchange, held = a_switch()
    held.orders = Orders(
        ("BTCUSDT", OrderType.STOP_MARKET, Purpose.PROTECTIVE_STOP),
        ("BTCUSDT", OrderType.LIMIT, Purpose.EXIT),
        ("ETHUSDT", OrderType.MARKET, Purpose.ENTRY),
    ).orders

    await after(switch, [0, ARM_EVERY_MS])

    assert exchange.told == []


async def test_the_switch_is_taken_back_when_nothing_rests():
    switch, exchange, held = a_switch(RESTING)
    await after(switch, [0])

    held.orders.clear()
    await after(switch, [1_000, 2_000])

    assert exchange.told == [("BTCUSDT", COUNTDOWN_MS), ("BTCUSDT", 0)]


async def test_a_sign_of_life_that_comes_late_is_taken_back_after_it_has_come():
    switch, exchange, held = a_switch(RESTING)
    exchange.passes.clear()
    await after(switch, [0])

    held.orders.clear()
    await after(switch, [1_000, 2_000])
    exchange.passes.set()
    await after(switch, [3_000, 4_000])

    assert exchange.told == [("BTCUSDT", COUNTDOWN_MS), ("BTCUSDT", 0)]


async def test_a_sign_of_life_that_fails_is_counted_and_given_again():
    switch, exchange, _ = a_switch(RESTING)
    exchange.is_down = True
    await after(switch, [0])
    exchange.is_down = False

    await after(switch, [ARM_EVERY_MS])

    assert (switch.failures, exchange.told) == (1, [("BTCUSDT", COUNTDOWN_MS)])


async def test_a_switch_that_could_not_be_taken_back_is_taken_back_before_it_ends_the_exits_that_rest():
    switch, exchange, held = a_switch(RESTING)
    await after(switch, [0])
    held.orders.clear()
    exchange.is_down = True
    await after(switch, [1_000])
    exchange.is_down = False

    await after(switch, range(2_000, 3 * ARM_EVERY_MS, 1_000))

    assert exchange.told == [("BTCUSDT", COUNTDOWN_MS), ("BTCUSDT", 0)]


async def test_a_switch_that_could_not_be_taken_back_stands_for_the_entry_that_rests_next():
    switch, exchange, held = a_switch(RESTING)
    await after(switch, [0])
    before, held.orders = held.orders, {}
    exchange.is_down = True
    await after(switch, [1_000])
    exchange.is_down, held.orders = False, before

    await after(switch, [2_000, 2_000 + ARM_EVERY_MS])

    assert exchange.told == [("BTCUSDT", COUNTDOWN_MS)] * 3


async def test_a_start_takes_back_what_a_process_before_may_have_armed_and_renews_what_still_rests():
    switch, exchange, _ = a_switch(
        ("BTCUSDT", OrderType.LIMIT, Purpose.EXIT),
        ("SOLUSDT", OrderType.LIMIT, Purpose.ENTRY),
        ("SOLUSDT", OrderType.LIMIT, Purpose.EXIT),
    )

    untold = await switch.take_over(["ETHUSDT"])

    assert untold == []
    assert sorted(exchange.told) == [("BTCUSDT", 0), ("ETHUSDT", 0), ("SOLUSDT", COUNTDOWN_MS)]


async def test_what_could_not_be_taken_back_at_the_start_is_named_and_tried_again_every_five_seconds():
    switch, exchange, _ = a_switch()
    exchange.is_down = True

    (untold,) = await switch.take_over(["BTCUSDT"])
    await after(switch, range(0, 11_000, 1_000))
    tries = switch.failures
    exchange.is_down = False
    await after(switch, range(11_000, 60_000, 1_000))

    assert "cancel what rests in BTCUSDT" in untold
    assert tries == 4
    assert exchange.told == [("BTCUSDT", 0)]


async def test_who_is_deaf_takes_back_what_nothing_needs_and_renews_nothing():
    switch, exchange, held = a_switch(RESTING, ("ETHUSDT", OrderType.LIMIT, Purpose.ENTRY))
    await after(switch, [0])
    exchange.told.clear()

    del held.orders["0"]
    for now_ms in range(1_000, 2 * ARM_EVERY_MS, 1_000):
        switch.tick(now_ms, is_deaf=True)
        await asyncio.sleep(0)

    assert exchange.told == [("BTCUSDT", 0)]


class SilentCountdowns(PaperBroker):
    """Does not answer so many countdowns, nor hears them."""

    silences = 0

    async def countdown_cancel_all(self, symbol: str, countdown_ms: int) -> None:
        self.silences -= 1
        if self.silences >= 0:
            raise BrokerUnavailable("no answer")
        await super().countdown_cancel_all(symbol, countdown_ms)


async def a_start_with_a_switch(folder: Path, silences: int = 0) -> SessionRunner:
    parts = parts_of(calm(folder), seconds=200)
    parts.dead_man_ms = COUNTDOWN_MS
    parts.broker.silences = silences  # type: ignore[attr-defined]  # this test's broker
    runner = SessionRunner(parts)
    await runner.start()
    return runner


async def died_with_an_armed_switch(folder: Path) -> None:
    """A session that holds a position dies when its resting entry has ended, before it takes its switch back."""
    runner = await a_start_with_a_switch(folder)
    await pass_time(runner.loop, 2_000)
    order(runner)
    entry = resting(runner)
    await pass_time(runner.loop, 1_500)
    runner.loop.decide(RequestCancel(entry.client_order_id, "a test"))
    await pass_time(runner.loop, 100)
    assert entry.is_settled
    await die(runner)


@pytest.mark.parametrize("silences", [0, 1, 3, 1_000])
async def test_an_exit_outlasts_the_switch_of_a_process_that_died_if_it_can_be_taken_back_and_a_stop_always_does(
    tmp_path: Path, silences: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", SilentCountdowns)
    await died_with_an_armed_switch(tmp_path)

    runner = await a_start_with_a_switch(tmp_path, silences)
    await pass_time(runner.loop, 500)
    held = runner.loop.ledger.position(SYMBOL)
    target = (held.entry_price * Decimal("1.03")).quantize(Decimal("0.1"))
    rests = order(runner, side=OrderSide.SELL, purpose=Purpose.EXIT, reduce_only=True, limit_price=target)
    for _ in range(COUNTDOWN_MS // 1_000 + 2):
        await pass_time(runner.loop, 1_000)
        await asyncio.sleep(0)

    (stop,) = [o for o in runner.loop.ledger.orders.values() if o.ticket.purpose is Purpose.PROTECTIVE_STOP]
    alarms = [each.text for each in events_of(calm(tmp_path), AlarmRaised) if isinstance(each, AlarmRaised)]
    assert rests.is_live is (silences < 1_000)
    assert stop.is_live and stop.quantity >= held.quantity > 0
    assert ["taking that back failed" in text for text in alarms] == [True] * min(silences, 1)
    await die(runner)
