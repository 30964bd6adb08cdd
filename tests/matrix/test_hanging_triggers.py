"""A whole session at the local exchange, whose triggers hang: a position is not left to a stop that does not trade."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.protective_terms import HANGING_MS
from src.domain.money import use_money_context
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, Purpose
from src.infrastructure.persistence.schema import create_sqlite
from tests.matrix import deeds
from tests.matrix.operations import BEYOND_THE_STOP
from tests.matrix.phases import Phase
from tests.matrix.virtual_time import run_virtually
from tests.matrix.world import BID, World, a_world
from tests.support.engine_builders import BTC
from tests.support.invariants import Books, violations

HANGING_S = HANGING_MS / 1_000
LET_GO_S = 40.0


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Callable[[World], Awaitable[None]]], Books]:
    """Play a scene with a session that holds a position and its protection; the books when it has stopped."""
    use_money_context()
    template = tmp_path / "template.db"
    create_sqlite(template)

    async def in_a_world(scene: Callable[[World], Awaitable[None]]) -> Books:
        async with a_world(tmp_path / "world", template) as world:
            await deeds.bring_to(world, Phase.POSITION)
            world.admin("POST hanging_triggers", symbol=BTC)
            world.quote(BEYOND_THE_STOP)
            await scene(world)
            assert await world.until(deeds.is_quiet)
            await world.stop()
        return world.books()

    return lambda scene: run_virtually(in_a_world(scene))


def is_flat(runner: SessionRunner) -> bool:
    return runner.loop.ledger.position(BTC).is_flat


def stops(runner: SessionRunner) -> list[Order]:
    """The open stops at the exchange, the oldest first."""
    return [
        order
        for order in runner.loop.ledger.orders.values()
        if order.ticket.purpose is Purpose.PROTECTIVE_STOP
        and order.is_open
        and order.attempt_state is AttemptState.ACKED
    ]


def ended(books: Books, purpose: Purpose) -> set[OrderStatus]:
    return {order.status for order in books.orders.values() if order.ticket.purpose is purpose}


def test_a_position_beyond_the_stop_that_hangs_is_closed_at_the_market(play):
    async def scene(world: World) -> None:
        begun = asyncio.get_running_loop().time()
        assert await world.until(is_flat)
        assert HANGING_S <= asyncio.get_running_loop().time() - begun < HANGING_S + 3
        await asyncio.sleep(LET_GO_S)
        world.admin("POST hanging_triggers", symbol=BTC, hangs=False)
        assert await world.until(lambda runner: not stops(runner))

    books = play(scene)

    assert violations(books) == []
    assert ended(books, Purpose.EMERGENCY) == {OrderStatus.FILLED}
    assert OrderStatus.REJECTED in ended(books, Purpose.PROTECTIVE_STOP)


def test_a_position_whose_stop_hangs_since_a_price_that_is_gone_gets_another_stop(play):
    async def scene(world: World) -> None:
        await asyncio.sleep(1.0)
        world.quote(BID)
        assert await world.until(lambda runner: len(stops(runner)) == 2)
        first, second = stops(world.the_runner)
        assert (first.status, second.status) == (OrderStatus.TRIGGERED, OrderStatus.NEW)
        await asyncio.sleep(LET_GO_S)
        assert not is_flat(world.the_runner)
        world.admin("POST hanging_triggers", symbol=BTC, hangs=False)
        assert await world.until(lambda runner: is_flat(runner) and not stops(runner))

    books = play(scene)

    assert violations(books) == []
    assert ended(books, Purpose.EMERGENCY) == set()
    assert ended(books, Purpose.PROTECTIVE_STOP) == {OrderStatus.FILLED, OrderStatus.CANCELED}
