"""Positions closed and resized by hand, over a whole paper session in virtual time."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.by_hand import (
    PositionNotFound,
    adjusting_ticket,
    closing_ticket,
    find_position,
    send_by_hand,
)
from src.application.trading.requests import ExecutionResult, OrderRequest
from src.application.trading.session_runner import EndCause, SessionRunner
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.positions.position import Position
from src.domain.risk.rules import MANUAL
from src.domain.sessions.trading_states import TradingState
from tests.application.trading.sessions import begin, calm, order, pass_time
from tests.simulation.market import SYMBOL
from tests.support.domain_builders import a_ledger


async def holding(folder: Path, quantity: str = "0.020") -> SessionRunner:
    runner = await begin(calm(folder))
    order(runner, quantity)
    await runner.loop.flush()
    await pass_time(runner.loop, 500)
    return runner


def held(runner: SessionRunner) -> Position:
    return runner.loop.ledger.position(SYMBOL)


async def adjust(runner: SessionRunner, target: str) -> Purpose | str:
    """The purpose of the order that was sent, or why none was."""
    ticket = adjusting_ticket(runner, SYMBOL, Decimal(target), None)
    if ticket is None:
        return "nothing to do"
    sent = send_by_hand(runner, ticket)
    if isinstance(sent, ExecutionResult):
        return sent.error.partition(":")[0]
    await runner.loop.flush()
    await pass_time(runner.loop, 500)
    return ticket.purpose


async def test_a_position_is_closed_and_its_stops_with_it(tmp_path: Path):
    runner = await holding(tmp_path)

    send_by_hand(runner, closing_ticket(runner, "btc/usdt", "enough", None))
    await runner.loop.flush()
    await pass_time(runner.loop, 1_000)

    assert held(runner).is_flat
    assert not any(each.is_open for each in runner.loop.ledger.orders.values())


async def test_a_second_close_of_the_same_position_is_refused(tmp_path: Path):
    runner = await holding(tmp_path)
    send_by_hand(runner, closing_ticket(runner, SYMBOL, "enough", None))

    again = send_by_hand(runner, closing_ticket(runner, SYMBOL, "enough", None))

    assert isinstance(again, ExecutionResult) and again.error.startswith("reduce_only")


async def test_a_position_is_closed_beside_an_exit_of_ones_own_that_rests(tmp_path: Path):
    runner = await holding(tmp_path)
    take_profit = replace(
        closing_ticket(runner, SYMBOL, "enough", None),
        order_type=OrderType.LIMIT,
        limit_price=held(runner).entry_price.quantize(Decimal(1)) + 500,
        time_in_force=TimeInForce.GTC,
    )
    send_by_hand(runner, take_profit)
    await runner.loop.flush()
    await pass_time(runner.loop, 500)

    send_by_hand(runner, closing_ticket(runner, SYMBOL, "enough", None))
    await runner.loop.flush()
    await pass_time(runner.loop, 1_000)

    assert held(runner).is_flat
    assert not any(each.is_open for each in runner.loop.ledger.orders.values())


def change_filters(runner: SessionRunner, **values: str) -> None:
    """The exchange takes other orders from now on, and the session knows."""
    engine = runner.parts.broker._engine  # type: ignore[attr-defined]  # the paper broker's own
    changed = {name: Decimal(value) for name, value in values.items()}
    runner.loop.desk.learn([engine.change_filters(SYMBOL, **changed)])


async def close_by_hand(runner: SessionRunner) -> None:
    send_by_hand(runner, closing_ticket(runner, SYMBOL, "enough", None))


async def bring_to_nothing(runner: SessionRunner) -> None:
    await adjust(runner, "0")


async def flatten_at_the_end(runner: SessionRunner) -> None:
    runner.request_stop(EndCause.STOP, flatten=True)
    await runner.run()


@pytest.mark.parametrize("close", [close_by_hand, bring_to_nothing, flatten_at_the_end])
@pytest.mark.parametrize(
    "filters", [{"step_size": "0.004", "quantity_min": "0.004"}, {"quantity_min": "0.020"}]
)
async def test_a_position_that_no_order_of_its_size_takes_any_more_is_closed_whole(
    tmp_path: Path, close: Callable[[SessionRunner], Awaitable[None]], filters: dict[str, str]
):
    runner = await holding(tmp_path, "0.007")
    change_filters(runner, **filters)

    await close(runner)
    await runner.loop.flush()
    await pass_time(runner.loop, 1_000)

    assert held(runner).is_flat
    assert not any(each.is_open for each in runner.loop.ledger.orders.values())


async def test_a_position_beyond_a_new_largest_order_is_closed_whole_at_the_end_of_a_session(tmp_path: Path):
    runner = await holding(tmp_path, "0.007")
    change_filters(runner, market_quantity_max="0.0035", quantity_min="0.002")

    await flatten_at_the_end(runner)

    assert held(runner).is_flat


@pytest.mark.parametrize("close", [close_by_hand, bring_to_nothing])
async def test_a_position_beyond_a_new_largest_order_is_closed_by_hand_in_as_many_orders_as_it_takes(
    tmp_path: Path, close: Callable[[SessionRunner], Awaitable[None]]
):
    runner = await holding(tmp_path, "0.007")
    change_filters(runner, market_quantity_max="0.0035", quantity_min="0.002")
    left = []

    for _ in range(3):
        await close(runner)
        await runner.loop.flush()
        await pass_time(runner.loop, 1_000)
        left.append(held(runner).quantity)

    assert left == [Decimal("0.004"), Decimal("0.001"), Decimal(0)]


async def test_a_part_too_small_to_order_takes_no_more_of_a_position_than_was_asked_for(tmp_path: Path):
    runner = await holding(tmp_path, "0.007")
    change_filters(runner, quantity_min="0.020")

    await adjust(runner, "0.004")

    assert held(runner).quantity == Decimal("0.007")


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("0.010", Purpose.EXIT),
        ("0.000", Purpose.EXIT),
        ("0.030", Purpose.ENTRY),
        ("-0.010", Purpose.ENTRY),
        ("0.020", "nothing to do"),
        ("0.0204", "nothing to do"),
        ("9", "slippage"),
    ],
)
async def test_a_position_is_brought_to_its_target(tmp_path: Path, target: str, sent: Purpose | str):
    runner = await holding(tmp_path)
    before = held(runner).quantity

    assert await adjust(runner, target) == sent

    assert held(runner).quantity == (Decimal(target) if isinstance(sent, Purpose) else before)


async def test_from_nothing_a_target_is_an_entry_of_ones_own(tmp_path: Path):
    runner = await begin(calm(tmp_path))

    assert await adjust(runner, "-0.004") is Purpose.ENTRY

    assert (held(runner).quantity, held(runner).strategy_id) == (Decimal("-0.004"), MANUAL)


@pytest.mark.parametrize(("which", "share"), [("stop", "stop_loss_pct"), ("target", "take_profit_pct")])
async def test_nothing_is_opened_by_hand_whose_stop_or_target_would_lie_at_its_entry(
    tmp_path: Path, which: str, share: str
):
    runner = await begin(calm(tmp_path, **{share: Decimal("0.0000001")}))
    trouble = rf"a {which} of 0\.0000001 of the price is nearer than its tick, 0\.1"

    with pytest.raises(ValueError, match=trouble):
        adjusting_ticket(runner, SYMBOL, Decimal("0.004"), None)
    for request in (
        OrderRequest.of(SYMBOL, "BUY", "0.004"),
        OrderRequest.of(SYMBOL, "BUY", "0.004", "LIMIT", 50_000),
    ):
        with pytest.raises(ValueError, match=trouble):
            runner.adapter.asked_for(request)


async def test_prices_of_ones_own_are_taken_where_the_percentages_would_be_too_near(tmp_path: Path):
    near = Decimal("0.0000001")
    runner = await begin(calm(tmp_path, stop_loss_pct=near, take_profit_pct=near))
    price = runner.adapter.best_price(SYMBOL, OrderSide.BUY).quantize(Decimal(1))
    request = OrderRequest.of(SYMBOL, "BUY", "0.020", stop_loss=price - 5_000, take_profit=price + 5_000)

    assert isinstance(send_by_hand(runner, runner.adapter.asked_for(request)), str)
    await runner.loop.flush()
    await pass_time(runner.loop, 500)

    assert held(runner).quantity == Decimal("0.020")
    assert await adjust(runner, "0.010") is Purpose.EXIT


async def test_in_hedge_mode_nothing_is_the_target_of_the_one_side_that_is_held(tmp_path: Path):
    runner = await begin(calm(tmp_path, hedge_mode=True))
    assert await adjust(runner, "0") == "nothing to do"
    for side, position_side in ((OrderSide.BUY, PositionSide.LONG), (OrderSide.SELL, PositionSide.SHORT)):
        order(runner, side=side, position_side=position_side)
        await runner.loop.flush()
        await pass_time(runner.loop, 500)

    with pytest.raises(ValueError, match="held LONG and SHORT: say which"):
        adjusting_ticket(runner, SYMBOL, Decimal(0), None)
    send_by_hand(runner, closing_ticket(runner, SYMBOL, "enough", PositionSide.LONG))
    await runner.loop.flush()
    await pass_time(runner.loop, 500)

    assert await adjust(runner, "0") is Purpose.EXIT
    assert all(position.is_flat for position in runner.loop.ledger.positions.values())


async def test_a_halted_account_shrinks_positions_and_grows_none(tmp_path: Path):
    runner = await holding(tmp_path)
    runner.loop.ledger.account.trading_state = TradingState.HALTED

    assert await adjust(runner, "0.030") == "trading_state"
    assert await adjust(runner, "0.010") is Purpose.EXIT


def test_where_both_sides_are_held_it_has_to_be_said_which():
    ledger = a_ledger()
    for side, quantity in ((PositionSide.LONG, 1), (PositionSide.SHORT, -2)):
        ledger.position(SYMBOL, side).quantity = Decimal(quantity)

    assert find_position(ledger, SYMBOL, "SHORT").quantity == -2
    with pytest.raises(ValueError, match="LONG and SHORT"):
        find_position(ledger, SYMBOL, None)
    with pytest.raises(PositionNotFound):
        find_position(ledger, "ETHUSDT", None)


def test_a_side_named_where_none_are_kept_apart_is_said_to_be_too_much():
    ledger = a_ledger()
    ledger.position(SYMBOL).quantity = Decimal(1)

    with pytest.raises(PositionNotFound, match="leave out the position side"):
        find_position(ledger, SYMBOL, "LONG")
    assert find_position(ledger, SYMBOL, None).quantity == 1
