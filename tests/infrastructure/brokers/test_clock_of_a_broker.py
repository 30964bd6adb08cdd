"""A write that the exchange refuses for its time has the broker's clock set anew, and is not sent again."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from src.domain.market.sides import OrderSide
from src.domain.orders.news import Accepted, CancelRefused, ModifyRefused, Refused
from src.domain.orders.ticket import Amendment, Attempt
from src.infrastructure.simulated_exchange.server.fault_rules import read_schedule
from tests.support.broker_venue import SYMBOL, a_ticket, submit
from tests.support.lagging_machine import LaggingMachine
from tests.support.venue_on_sockets import SocketVenue, a_socket_venue

PRICE = Decimal("75000.00")


@pytest.fixture
def machine() -> LaggingMachine:
    return LaggingMachine()


@pytest.fixture
async def venue(tmp_path: Path, machine: LaggingMachine) -> AsyncIterator[SocketVenue]:
    async with a_socket_venue(tmp_path, broker={"machine": machine.machine}) as venue:
        await submit(venue, "resting", limit_price=PRICE)
        venue.heard.submits.clear()
        yield venue


def place(venue: SocketVenue) -> None:
    now_ms = venue.broker.venue_time().now_ms
    venue.broker.submit(a_ticket(limit_price=PRICE), Attempt("c-1", now_ms, 5_000))


def cancel(venue: SocketVenue) -> None:
    venue.broker.cancel(SYMBOL, "resting", False)


def modify(venue: SocketVenue) -> None:
    now_ms = venue.broker.venue_time().now_ms
    other = Decimal("74000.00")
    venue.broker.modify(Amendment(SYMBOL, OrderSide.BUY, "resting", other, Decimal("0.01"), now_ms, 5_000))


def off_by_ms(venue: SocketVenue) -> int:
    return abs(venue.broker.venue_time().now_ms - venue.server.services.venue.clock.now_ms())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not is_so():
            await asyncio.sleep(0.002)


@pytest.mark.parametrize("write", [place, cancel, modify])
@pytest.mark.parametrize("behind_ms", [20_000, -20_000])
async def test_a_write_that_is_refused_for_its_time_has_the_clock_set_anew(
    venue: SocketVenue, machine: LaggingMachine, write: Callable[[SocketVenue], None], behind_ms: int
):
    heard = venue.heard
    machine.behind_ms = behind_ms

    write(venue)
    await until(lambda: bool(heard.submits or heard.cancels or heard.modifications))
    await until(lambda: off_by_ms(venue) < 100)

    outcomes: list[object] = [*heard.submits, *heard.cancels, *heard.modifications]
    assert len(outcomes) == 1
    assert isinstance(outcomes[0], Refused | CancelRefused | ModifyRefused)
    assert outcomes[0].code == -1021


async def test_an_order_that_is_refused_for_its_time_is_not_sent_again(
    venue: SocketVenue, machine: LaggingMachine
):
    machine.behind_ms = 20_000
    place(venue)
    await until(lambda: off_by_ms(venue) < 100)

    await venue.settle()

    assert await venue.broker.find(SYMBOL, "c-1") is None
    assert len(venue.heard.submits) == 1
    await submit(venue, "c-2", limit_price=PRICE)
    assert isinstance(venue.heard.submits[-1], Accepted)


async def test_an_order_that_the_matching_engine_refuses_for_its_time_has_the_clock_set_anew(
    venue: SocketVenue, machine: LaggingMachine
):
    rule = {"operation": "order.place", "fault": "respond", "body": "late_5028", "executed": False}
    venue.server.faults.replace(read_schedule(json.dumps({"rules": [rule]}).encode()))
    machine.behind_ms = 1_000

    place(venue)

    await until(lambda: off_by_ms(venue) < 100)


async def test_while_the_exchange_does_not_tell_its_time_it_is_asked_at_the_next_refusal_and_before_a_signed_read(
    venue: SocketVenue, machine: LaggingMachine
):
    rule = {"operation": "time", "fault": "drop_answer", "count": 2}
    venue.server.faults.replace(read_schedule(json.dumps({"rules": [rule]}).encode()))
    machine.behind_ms = 20_000

    def asked(times: int) -> bool:
        return venue.server.faults.injected.total() == times

    for times in (1, 2):
        cancel(venue)
        await until(partial(asked, times))
        await venue.settle()
    off_before = off_by_ms(venue)

    assert await venue.broker.hedge_mode() is False
    assert off_before > 19_000
    assert off_by_ms(venue) < 100


async def test_the_time_that_the_exchange_tells_corrects_a_clock_that_was_surer_of_itself(
    venue: SocketVenue, machine: LaggingMachine
):
    machine.behind_ms = 20_000

    told = await venue.broker.server_time()

    assert off_by_ms(venue) < 100
    assert told.error_ms < 1_000
