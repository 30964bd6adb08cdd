"""A whole session at the local exchange, whose reads are answered late: a comparison does not make the session deaf."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.session_runner import SessionRunner
from src.domain.ledger.events import RawReceived, RecoveryFinished, StreamOpened
from src.domain.market.sides import OrderSide
from src.domain.money import use_money_context
from src.domain.orders.client_order_ids import emergency_order_id
from src.domain.orders.emergency import EmergencyOrder
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.sessions.trading_states import SymbolState
from src.infrastructure.brokers.paper_requests import order_request
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.persistence.side_journal import FileSideJournal, side_journal_path
from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule
from tests.matrix import deeds
from tests.matrix.phases import Phase
from tests.matrix.virtual_time import run_virtually
from tests.matrix.world import RETRIES, World, a_world
from tests.support.engine_builders import BTC
from tests.support.invariants import Books, violations

SLOW = FaultRule("income", "delay_answer", ms=4_000)
UNTOLD = FaultRule("stream.*", "drop", count=None)
GET_OUT = "get out"
DEARER = Decimal("76400.0")
"""Above what a position was entered at, below its target."""
BELOW_THE_STOP = Decimal("75000.0")
Play = Callable[[Phase, Callable[[World], Awaitable[None]]], Books]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Play a scene from a phase on; the books when the session has come to rest and stopped."""
    use_money_context()
    template = tmp_path / "template.db"
    create_sqlite(template)

    async def in_a_world(phase: Phase, scene: Callable[[World], Awaitable[None]]) -> Books:
        async with a_world(tmp_path / "world", template) as world:
            await deeds.bring_to(world, phase)
            await scene(world)
            world.arm()
            await asyncio.sleep(SLOW.ms / 1_000 + 1)
            assert await world.until(deeds.is_quiet)
            assert world.the_runner.loop.ledger.account.trading_reason in ("", GET_OUT)
            assert world.the_runner.loop.ledger.symbol(BTC).state is SymbolState.TRADING
            await world.stop()
        return world.books()

    return lambda phase, scene: run_virtually(in_a_world(phase, scene))


async def begin_to_compare(world: World) -> None:
    """Let the session ask for everything, and be far from the last answer."""
    await deeds.compare(world)
    await world.until(lambda runner: False, 0.5)


async def close_at_once(world: World) -> None:
    """Close the position; the session does it within a second."""
    async with asyncio.timeout(1):
        await deeds.close(world)
    assert await world.until(lambda runner: not world.is_held, 1.0)


def exits(books: Books) -> list[OrderStatus]:
    return [order.status for order in books.orders.values() if order.ticket.purpose is Purpose.EXIT]


def has_a_stop(world: World) -> Callable[[SessionRunner], bool]:
    return lambda runner: world.is_held and not world._is_naked()


def test_what_fills_while_the_session_compares_is_protected_at_once(play: Play):
    async def scene(world: World) -> None:
        world.arm(SLOW)
        await begin_to_compare(world)
        world.quote(deeds.FILLS_RESTING)
        assert await world.until(has_a_stop(world), 0.3)

    assert violations(play(Phase.ENTRY, scene)) == []


def test_an_order_that_is_acknowledged_while_it_was_looked_for_is_not_missed(play: Play):
    async def scene(world: World) -> None:
        world.arm(FaultRule("order.place", "delay_request", ms=1_500), SLOW)
        await deeds.rest(world)
        await begin_to_compare(world)

    books = play(Phase.FLAT, scene)

    assert violations(books) == []
    assert [order.status for order in books.orders.values()] == [OrderStatus.CANCELED]


def test_an_order_that_ends_while_the_session_compares_is_no_stranger(play: Play):
    async def scene(world: World) -> None:
        world.arm(SLOW)
        await begin_to_compare(world)
        async with asyncio.timeout(1):
            await deeds.cancel(world)
        assert await world.until(lambda runner: not runner.loop.ledger.orders, 1.0)

    assert violations(play(Phase.ENTRY, scene)) == []


def test_a_position_is_closed_while_the_session_compares(play: Play):
    async def scene(world: World) -> None:
        world.arm(SLOW)
        await begin_to_compare(world)
        await close_at_once(world)

    books = play(Phase.POSITION, scene)

    assert violations(books) == []
    assert exits(books) == [OrderStatus.FILLED]


def test_a_position_is_closed_while_a_stream_takes_long_to_open(play: Play):
    async def scene(world: World) -> None:
        world.arm(FaultRule("listen_key.start", "delay_answer", ms=4_000))
        world.server.sockets.cut_all()
        await world.until(lambda runner: runner.loop.stream_lost, 0.5)
        await close_at_once(world)

    books = play(Phase.POSITION, scene)

    assert violations(books) == []
    assert exits(books) == [OrderStatus.FILLED]


def fill_unheard(world: World) -> None:
    """Cut the stream, and let the resting entry fill before there is another one."""
    world.server.sockets.cut_all()
    world.quote(deeds.FILLS_RESTING)


def test_what_filled_unheard_is_protected_before_every_question_is_answered(play: Play):
    async def scene(world: World) -> None:
        world.arm(SLOW, FaultRule("positions", "delay_answer", ms=4_000))
        fill_unheard(world)
        assert await world.until(has_a_stop(world), 1.0)

    assert violations(play(Phase.ENTRY, scene)) == []


@pytest.mark.parametrize("by", ["a new stream", "a comparison"])
def test_what_filled_unheard_is_protected_before_all_trades_are_read(play: Play, by: str):
    async def scene(world: World) -> None:
        world.arm(FaultRule("trades.user", "delay_answer", first=2, count=None, ms=4_000), UNTOLD)
        if by == "a new stream":
            fill_unheard(world)
        else:
            world.quote(deeds.FILLS_RESTING)
            await deeds.compare(world)
        assert await world.until(has_a_stop(world), 1.0)

    books = play(Phase.ENTRY, scene)

    assert violations(books) == []
    assert sum(e.fills_added for _, e in books.events if isinstance(e, RecoveryFinished)) == 1


@pytest.mark.parametrize("lost", [0, 1])
def test_what_filled_unheard_is_protected_while_a_stream_takes_long_to_open(play: Play, lost: int):
    async def scene(world: World) -> None:
        late = FaultRule("listen_key.start", "delay_answer", ms=4_000)
        world.arm(late, FaultRule("trades.user", "respond", count=lost * (RETRIES + 1)))
        fill_unheard(world)
        assert not lost or not await world.until(has_a_stop(world), 1.0)
        assert await world.until(has_a_stop(world), 1.0)

    assert violations(play(Phase.ENTRY, scene)) == []


def test_what_fills_while_a_stream_takes_long_to_open_is_protected_before_it_does(play: Play):
    async def scene(world: World) -> None:
        world.arm(FaultRule("listen_key.start", "delay_answer", ms=4_000))
        world.server.sockets.cut_all()
        assert not await world.until(has_a_stop(world), 1.5)
        world.quote(deeds.FILLS_RESTING)
        assert await world.until(has_a_stop(world), 2.0)

    assert violations(play(Phase.ENTRY, scene)) == []


def test_what_fills_when_the_stream_is_lost_during_a_comparison_is_protected_before_it_ends(play: Play):
    async def scene(world: World) -> None:
        world.arm(SLOW, FaultRule("positions", "delay_answer", ms=4_000))
        await begin_to_compare(world)
        fill_unheard(world)
        assert await world.until(has_a_stop(world), 1.0)

    assert violations(play(Phase.ENTRY, scene)) == []


def test_where_nothing_has_traded_for_weeks_one_question_says_so_and_ever_more_rarely_while_a_stream_opens(
    play: Play,
):
    async def scene(world: World) -> None:
        await world.kill()
        world.admin("POST clock", skew_ms=60 * 86_400_000)
        await world.start()
        asked = FaultRule("trades.user", "delay_answer", count=None)
        world.arm(FaultRule("listen_key.start", "delay_answer", ms=4_000), asked)
        world.server.sockets.cut_all()
        await asyncio.sleep(3.8)
        # At once, after a second, and after two more; an exchange shows a week at a time.
        assert world.server.faults.injected["trades.user delay_answer"] == 3

    assert violations(play(Phase.FLAT, scene)) == []


def test_where_no_stream_opens_each_try_asks_for_the_trades_once_and_only_the_first_one_beside_it(play: Play):
    async def scene(world: World) -> None:
        refused, asked = FaultRule("listen_key.start", "respond", count=None), "trades.user delay_answer"
        world.arm(refused, FaultRule("trades.user", "delay_answer", count=None, ms=300))
        world.server.sockets.cut_all()
        await asyncio.sleep(8)
        tries = world.server.faults.injected["listen_key.start respond"]
        assert (tries, world.server.faults.injected[asked]) == (5, 6)

    assert violations(play(Phase.FLAT, scene)) == []


def test_a_start_works_nothing_in_before_it_has_merged_what_it_read(play: Play):
    async def scene(world: World) -> None:
        await world.kill()
        world.arm(SLOW)
        starting = asyncio.create_task(world.start())
        await asyncio.sleep(2)
        world.quote(deeds.FILLS_RESTING)
        await starting
        assert await world.until(has_a_stop(world), 1.0)

    books = play(Phase.ENTRY, scene)

    assert violations(books) == []
    kinds = [type(event) for _, event in books.events]
    restarted = kinds.index(StreamOpened, kinds.index(StreamOpened) + 1)
    assert RawReceived not in kinds[restarted : kinds.index(RecoveryFinished, restarted)]


def test_a_start_asks_once_whose_a_trade_is_that_may_be_of_a_stop(play: Play):
    async def scene(world: World) -> None:
        await world.kill()
        deeds.owner_trades(world, "SELL", "0.005")
        world.arm(FaultRule("order.query", "delay_answer", count=None))
        await world.start()
        assert world.server.faults.injected["order.query delay_answer"] == 1

    assert violations(play(Phase.POSITION, scene)) == []


def is_reentered(world: World) -> Callable[[SessionRunner], bool]:
    """Whether what was bought below the stop is all that is held, at what it cost."""
    return lambda runner: runner.loop.ledger.position(BTC).cost == BELOW_THE_STOP * deeds.QUANTITY


def test_what_filled_unheard_behind_a_stop_is_booked_behind_it_and_protected_at_once(play: Play):
    async def scene(world: World) -> None:
        await deeds.rest(world, BELOW_THE_STOP)
        world.arm(FaultRule("listen_key.start", "delay_answer", ms=4_000))
        world.server.sockets.cut_all()
        world.quote(BELOW_THE_STOP + 200)
        world.quote(BELOW_THE_STOP - 10)
        assert await world.until(is_reentered(world), 1.0)
        assert await world.until(has_a_stop(world), 0.3)

    assert violations(play(Phase.POSITION, scene)) == []


def test_a_stop_that_triggered_unheard_is_booked_before_what_a_new_stream_tells(play: Play):
    async def scene(world: World) -> None:
        await deeds.rest(world, BELOW_THE_STOP)
        world.arm(SLOW)
        world.server.sockets.cut_all()
        world.quote(BELOW_THE_STOP + 200)
        await world.until(lambda runner: runner.synchrony.is_comparing and not runner.loop.stream_lost, 1.0)
        await asyncio.sleep(1)
        world.quote(BELOW_THE_STOP - 10)
        assert await world.until(is_reentered(world), 1.0)

    assert violations(play(Phase.POSITION, scene)) == []


def test_an_entry_of_unknown_outcome_that_filled_unheard_is_protected_before_the_comparison_ends(play: Play):
    async def scene(world: World) -> None:
        world.arm(FaultRule("order.place", "drop_answer"), UNTOLD, SLOW)
        await deeds.enter(world)
        assert await world.until(has_a_stop(world), 1.0)

    assert violations(play(Phase.FLAT, scene)) == []


def test_what_filled_unheard_behind_a_purchase_of_somebody_else_is_protected_at_once(play: Play):
    async def scene(world: World) -> None:
        world.arm(FaultRule("listen_key.start", "delay_answer", ms=4_000))
        world.server.sockets.cut_all()
        deeds.owner_trades(world, "BUY", "0.005")
        world.quote(deeds.FILLS_RESTING)
        assert await world.until(has_a_stop(world), 1.0)

    assert violations(play(Phase.ENTRY, scene)) == []


@pytest.mark.parametrize("dies", [False, True])
def test_a_sale_unheard_in_a_living_stream_counts_before_the_purchase_that_was_heard(play: Play, dies: bool):
    async def scene(world: World) -> None:
        world.arm(UNTOLD)
        deeds.owner_trades(world, "SELL", "0.005")
        await asyncio.sleep(0.2)
        world.arm()
        world.quote(DEARER)
        await deeds.enter(world)
        ledger = world.the_runner.loop.ledger
        assert await world.until(lambda runner: ledger.position(BTC).quantity == 2 * deeds.QUANTITY, 1.0)
        assert await world.until(has_a_stop(world), 0.3) and not deeds.has_the_right_stop(world)(
            world.the_runner
        )
        if dies:
            await world.kill()
            await world.start()
        else:
            await deeds.compare(world)
        assert await world.until(deeds.has_the_right_stop(world), 1.0)

    assert violations(play(Phase.POSITION, scene)) == []


def test_nothing_is_opened_while_books_that_differ_are_read_again(play: Play):
    async def scene(world: World) -> None:
        world.arm(
            FaultRule("positions", "stale"), SLOW, FaultRule("income", "delay_answer", first=2, ms=4_000)
        )
        await deeds.compare(world)
        desk = world.the_runner.loop.desk
        assert await world.until(lambda runner: "differ" in desk.suspension, 5.0)
        now_ms = world.the_runner.loop.inputs.now_ms()
        assert "differ" in str(desk.opening_objection(BTC, now_ms))

    assert violations(play(Phase.POSITION, scene)) == []


def test_what_asks_for_a_comparison_during_another_one_gets_its_own(play: Play):
    async def scene(world: World) -> None:
        world.arm(SLOW)
        await begin_to_compare(world)
        await deeds.compare(world)

    books = play(Phase.FLAT, scene)

    asked = [e for _, e in books.events if isinstance(e, RecoveryFinished) and e.cause == "asked for"]
    assert len(asked) == 2


def test_a_hard_halt_behind_which_positions_were_closed_during_a_comparison_closes_nothing_again(play: Play):
    async def scene(world: World) -> None:
        world.arm(SLOW, UNTOLD)
        await begin_to_compare(world)
        close_around(world)
        (world.folder / "HALT").write_text(f"hard: {GET_OUT}\n")
        await asyncio.sleep(8)
        assert world.the_runner.loop.ledger.position(BTC).is_flat

    books = play(Phase.POSITION, scene)

    closes = [order for order in books.orders.values() if order.ticket.purpose is Purpose.EMERGENCY]
    assert [order.status for order in closes] == [OrderStatus.FILLED]


def close_around(world: World) -> None:
    """Record a close and send it, as whoever goes around a session does."""
    parts = world.the_runner.parts
    venue_ms = parts.broker.venue_time().now_ms
    ticket = OrderTicket(
        symbol=BTC,
        side=OrderSide.SELL,
        order_type=OrderType.MARKET,
        quantity=deeds.QUANTITY,
        purpose=Purpose.EMERGENCY,
        strategy_id="manual",
        reference_price=Decimal(76_000),
        reduce_only=True,
    )
    with closing(FileSideJournal(side_journal_path(world.folder, parts.account.account_id))) as journal:
        journal.claim()
        name = emergency_order_id(parts.account.namespace, venue_ms, journal.next_number)
        attempt = Attempt(name, venue_ms, 5_000)
        journal.append(EmergencyOrder(ticket, attempt))
        world.server.services.venue.writing().new_order(1, order_request(ticket, attempt))
