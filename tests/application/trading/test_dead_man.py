"""The dead-man's switch arms what rests, gives signs of life in time, and lets go of what rests no more."""

import asyncio
from collections.abc import Iterable
from typing import Any

from src.application.ports.broker import BrokerUnavailable
from src.application.trading.dead_man import ARM_EVERY_MS, DeadManSwitch
from src.domain.ledger.state import Ledger
from src.domain.orders.types import OrderType, Purpose

COUNTDOWN_MS = 120_000


class Exchange:
    """Notes what it is told; refuses to answer while it is down."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.is_down = False

    async def countdown_cancel_all(self, symbol: str, countdown_ms: int) -> None:
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


async def test_what_a_process_before_has_armed_is_taken_back_where_an_exit_rests():
    switch, exchange, _ = a_switch(
        ("BTCUSDT", OrderType.LIMIT, Purpose.EXIT),
        ("ETHUSDT", OrderType.STOP_MARKET, Purpose.PROTECTIVE_STOP),
        ("SOLUSDT", OrderType.LIMIT, Purpose.ENTRY),
        ("SOLUSDT", OrderType.LIMIT, Purpose.EXIT),
    )

    await after(switch, [0, 1_000])

    assert exchange.told == [("BTCUSDT", 0), ("SOLUSDT", COUNTDOWN_MS)]
