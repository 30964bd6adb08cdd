"""A process that dies in the middle of a parent order, or of an amendment, and the next that goes on with it."""

from decimal import Decimal
from pathlib import Path

from src.application.trading.parent_requests import iceberg_ticket, schedule_ticket
from src.application.trading.requests import OrderRequest
from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import MoveParent, OpenParent, RequestModify
from src.domain.ledger.events import FillBooked, ModifyMoved, ParentMoved
from src.domain.orders.parents import ParentTrigger
from src.domain.orders.transitions import ModifyState, ModifyTrigger
from tests.application.trading.sessions import begin, calm, die, events_of, parts_of, pass_time, resting
from tests.simulation.market import SYMBOL

WHOLE = Decimal("0.030")
SECONDS = 120


async def resumed(config) -> SessionRunner:
    runner = SessionRunner(parts_of(config, SECONDS))
    await runner.start()
    return runner


def open_twap(runner: SessionRunner, duration_ms: int = 12_000, slices: int = 6):
    request = OrderRequest.of(SYMBOL, "BUY", WHOLE)
    now_ms = runner.loop.inputs.now_ms()
    runner.loop.decide(
        OpenParent(schedule_ticket(runner.adapter, request, duration_ms, slices, now_ms, None))
    )
    (parent,) = runner.loop.ledger.parents.values()
    return parent


async def test_a_twap_goes_on_in_the_next_process_and_buys_exactly_its_quantity(tmp_path: Path):
    config = calm(tmp_path)
    runner = SessionRunner(parts_of(config, SECONDS))
    await runner.start()
    await pass_time(runner.loop, 2_000)
    open_twap(runner)
    for stay_ms in (3_010, 2_500, 2_300):
        await pass_time(runner.loop, stay_ms)
        await die(runner)
        runner = await resumed(config)
    await pass_time(runner.loop, 20_000)
    position = runner.loop.ledger.position(SYMBOL).quantity
    await die(runner)

    bought = sum(e.quantity for e in events_of(config) if isinstance(e, FillBooked))
    ends = [e.trigger for e in events_of(config) if isinstance(e, ParentMoved)]
    assert bought == position == WHOLE
    assert ends == [ParentTrigger.COMPLETE]


async def test_a_twap_whose_whole_time_nobody_lived_through_expires_with_what_it_had(tmp_path: Path):
    config = calm(tmp_path)
    runner = await begin(config)
    parent = open_twap(runner, duration_ms=6_000, slices=2)
    await pass_time(runner.loop, 500)
    filled = parent.filled_quantity

    await die(runner)

    runner = SessionRunner(parts_of(config))
    await runner.start()
    (again,) = runner.loop.ledger.parents.values()
    runner.loop.decide(MoveParent(again.parent_id, ParentTrigger.PAUSE, "by hand"))
    await pass_time(runner.loop, 10_000)
    await die(runner)

    ends = [e.trigger for e in events_of(config) if isinstance(e, ParentMoved)]
    assert filled == WHOLE / 2
    assert again.filled_quantity == filled
    assert ends == [ParentTrigger.PAUSE, ParentTrigger.EXPIRE, ParentTrigger.SETTLE]


async def test_what_a_part_may_still_fill_is_counted_by_the_next_process_as_well(tmp_path: Path):
    config = calm(tmp_path)
    runner = await begin(config)
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None
    price = (prices[0] * Decimal("0.97")).quantize(Decimal("0.1"))
    request = OrderRequest.of(SYMBOL, "BUY", WHOLE, order_type="LIMIT", price=price)
    venue_ms = runner.loop.inputs.now_ms()
    runner.loop.decide(OpenParent(iceberg_ticket(runner.adapter, request, WHOLE / 3, venue_ms)))
    await pass_time(runner.loop, 1_000)
    (parent,) = runner.loop.ledger.parents.values()
    parts = list(parent.children)

    await die(runner)
    runner = await resumed(config)
    (again,) = runner.loop.ledger.parents.values()
    await pass_time(runner.loop, 10_000)
    await die(runner)

    assert list(again.children) == parts
    assert again.outstanding_quantity == WHOLE / 3


async def test_an_amendment_on_its_way_when_the_process_died_is_settled_by_looking(tmp_path: Path):
    config = calm(tmp_path)
    runner = await begin(config)
    order = resting(runner)
    await pass_time(runner.loop, 500)
    runner.loop.decide(RequestModify(order.client_order_id, None, Decimal("0.020"), "by hand"))
    await runner.loop.flush()
    await die(runner)

    runner = SessionRunner(parts_of(config))
    await runner.start()
    again = runner.loop.ledger.orders[order.client_order_id]
    at_once = again.modify_state
    await pass_time(runner.loop, 15_000)
    for _ in range(3):
        if runner.loop.reconcile_wanted:
            await runner.reconcile()
        await pass_time(runner.loop, 2_000)
    reserved = runner.loop.ledger.symbol(SYMBOL).pending_buy
    await die(runner)

    told = [e.trigger for e in events_of(config) if isinstance(e, ModifyMoved)]
    assert at_once is ModifyState.REQUESTED
    assert again.modify_state is ModifyState.NONE
    assert told == [ModifyTrigger.NOT_DONE]
    assert again.quantity == Decimal("0.010")
    assert reserved == Decimal("0.010")
