"""Orders of every kind, amendments and parent orders, through the service on a whole paper session."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from src.application.ports.kill_switch import KillLevel
from src.application.trading.requests import OrderRequest
from src.application.trading.services.live_trading_service import LiveTradingService, OrderNotFound
from src.domain.orders.news import ModifyUnknown
from src.domain.orders.ticket import Amendment
from src.domain.orders.transitions import ModifyState
from src.domain.orders.types import OrderStatus, OrderType, Purpose, TimeInForce
from tests.application.trading.test_live_trading_service import SYMBOL, service, until

__all__ = ["service"]

SIZE = Decimal("0.005")


def away(service: LiveTradingService, share: str) -> Decimal:
    """A price so far from the market, on the tick."""
    bid = service.snapshot().markets[0].bid
    assert bid is not None, "the market has begun"
    return (bid * (1 + Decimal(share))).quantize(Decimal("0.1"))


async def resting(service: LiveTradingService, share: str = "-0.02", quantity: Decimal = SIZE):
    return await service.place_order(SYMBOL, "BUY", quantity, "LIMIT", away(service, share))


def orders(service: LiveTradingService, wanted: Callable) -> list:
    return [o for o in service._active().loop.ledger.orders.values() if o.is_open and wanted(o)]


# --- every kind of order ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "share", "more"),
    [
        ("STOP", "0.02", {"price": "0.021"}),
        ("TAKE_PROFIT", "-0.02", {"price": "-0.019"}),
        ("STOP_MARKET", "0.02", {}),
        ("TAKE_PROFIT_MARKET", "-0.02", {}),
    ],
)
async def test_conditional_orders_of_every_kind_wait_at_the_exchange(service, kind, share, more):
    price = away(service, more["price"]) if more else None

    order = await service.place_order(SYMBOL, "BUY", SIZE, kind, price, stop_price=away(service, share))

    assert order.status is OrderStatus.NEW
    assert order.algo_id is not None
    assert order.ticket.order_type is OrderType(kind)


async def test_a_trailing_stop_waits_at_the_exchange(service):
    order = await service.place_order(SYMBOL, "BUY", SIZE, "TRAILING_STOP_MARKET", callback_pct=0.01)

    assert (order.status, order.ticket.callback_pct) == (OrderStatus.NEW, Decimal("0.01"))


async def test_an_order_that_must_fill_whole_at_once_fills_or_is_refused(service):
    filled = await service.place_order(SYMBOL, "BUY", SIZE, "LIMIT", away(service, "0.001"), "FOK")
    refused = await service.execute_order(
        OrderRequest.of(SYMBOL, "BUY", SIZE, "LIMIT", away(service, "-0.02"), "FOK")
    )
    await until(service, lambda: bool(service.snapshot().positions))

    assert filled.ticket.time_in_force is TimeInForce.FOK
    assert not refused.success
    assert "(-5021)" in refused.error


async def test_an_order_till_a_date_carries_it(service):
    ends_ms = service._active().loop.broker.venue_time().now_ms + 700_000

    order = await service.place_order(
        SYMBOL, "BUY", SIZE, "LIMIT", away(service, "-0.02"), good_till_ms=ends_ms
    )

    assert (order.status, order.ticket.good_till_ms) == (OrderStatus.NEW, ends_ms)
    assert order.ticket.time_in_force is TimeInForce.GTD


async def test_a_bracket_in_percent_becomes_prices_on_the_tick(service):
    await service.place_order(SYMBOL, "BUY", SIZE, stop_loss="1.5%", take_profit="3%")
    await until(service, lambda: bool(service.snapshot().positions))
    await until(service, lambda: len(orders(service, lambda o: o.ticket.purpose.is_protective)) == 2)

    position = service.snapshot().positions[0]
    assert abs(position.stop_price / position.entry_price - Decimal("0.985")) < Decimal("0.001")
    assert abs(position.target_price / position.entry_price - Decimal("1.03")) < Decimal("0.001")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"stop_loss": "0.01"}, "the stop loss .* of a BUY must be below its entry"),
        ({"take_profit": "-0.01"}, "the take profit .* of a BUY must be above its entry"),
        ({"time_in_force": "IOC"}, "a MARKET order has no time in force"),
        ({"order_type": "TRAILING_STOP_MARKET", "callback_pct": "0.5"}, "a callback of 0.5 cannot be"),
        ({"order_type": "LIMIT", "price": "-0.01", "good_till_ms": 5}, "a GTD order lasts at least 600 s"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_one_line(service, changes, problem):
    known = {
        k: away(service, v) if k in ("stop_loss", "take_profit", "price") else v for k, v in changes.items()
    }

    with pytest.raises(ValueError, match=problem) as refused:
        await service.place_order(SYMBOL, "BUY", SIZE, **known)

    assert "\n" not in str(refused.value)


async def test_a_price_off_the_tick_is_refused_with_the_tick(service):
    with pytest.raises(ValueError, match=r"the stop loss .* is off the tick of 0\.1"):
        await service.place_order(SYMBOL, "BUY", SIZE, stop_loss=away(service, "-0.01") + Decimal("0.05"))


# --- amendments ---------------------------------------------------------------------------------------------


async def test_a_resting_order_is_modified_and_its_reservation_with_it(service):
    order = await resting(service)
    price = away(service, "-0.03")

    modified = await service.modify_order(order_id=order.id, new_price=price, new_quantity=SIZE * 2)

    assert (modified.price, modified.quantity) == (price, SIZE * 2)
    assert modified.status is OrderStatus.NEW
    assert service._active().loop.ledger.symbol(SYMBOL).pending_buy == SIZE * 2


async def test_an_amendment_that_the_kill_switch_held_back_is_said_not_to_have_been(service):
    order = await resting(service)
    service._active().parts.kill_switch.engage("a test", KillLevel.HALT)

    with pytest.raises(ValueError, match="was not modified: the kill switch is engaged"):
        await service.modify_order(order.id, new_price=away(service, "-0.03"))


async def test_an_amendment_of_unknown_outcome_is_said_to_be_one(service, monkeypatch):
    order = await resting(service)
    loop = service._active().loop

    def modify(amendment: Amendment) -> None:
        loop.on_modify_outcome(ModifyUnknown(amendment.client_order_id, "no answer"))

    monkeypatch.setattr(loop.broker, "modify", modify)

    with pytest.raises(ValueError, match="may or may not have been modified"):
        await service.modify_order(order.id, new_price=away(service, "-0.03"))


async def test_whoever_waits_for_an_amendment_is_told_of_the_orders_end(service, monkeypatch):
    order = await resting(service)
    monkeypatch.setattr(service._active().loop.broker, "modify", lambda amendment: None)
    waiting = asyncio.create_task(service.modify_order(order.id, new_price=away(service, "-0.03")))
    await until(service, lambda: orders(service, lambda o: o.modify_state is ModifyState.REQUESTED))

    await service.cancel_order(order.id)

    with pytest.raises(ValueError, match="was not modified: it is over"):
        await asyncio.wait_for(waiting, 10)


async def test_a_modified_order_is_so_after_a_restart(service, tmp_path):
    order = await resting(service)
    price = away(service, "-0.03")
    await service.modify_order(order.id, new_price=price)
    runner = service._active()

    stored = (await runner.loop.store.find_order(order.id)).ticket

    assert (stored.limit_price, stored.quantity) == (price, SIZE)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, "nothing to modify"),
        ({"new_quantity": SIZE}, "is already"),
        ({"new_quantity": Decimal(100)}, "is above"),
        ({"new_price": Decimal(1)}, "price_collar|outside"),
    ],
)
async def test_an_amendment_that_cannot_be_leaves_the_order_as_it_was(service, changes, problem):
    order = await resting(service)

    with pytest.raises(ValueError, match=problem):
        await service.modify_order(order.id, **changes)

    after = await service.get_order(order.id)
    assert (after.price, after.quantity) == (order.price, SIZE)


async def test_an_order_that_nobody_knows_cannot_be_modified(service):
    with pytest.raises(OrderNotFound):
        await service.modify_order("nobody", new_price=1)


# --- the end of all orders ----------------------------------------------------------------------------------


async def test_canceling_everything_leaves_the_stops_of_what_is_held(service):
    await service.place_order(SYMBOL, "BUY", SIZE)
    await until(service, lambda: len(orders(service, lambda o: o.ticket.purpose.is_protective)) == 2)
    entry = await resting(service)

    ended = await service.cancel_all_orders()
    await until(service, lambda: not orders(service, lambda o: not o.ticket.reduce_only))

    assert ended == [entry.id]
    assert len(orders(service, lambda o: o.ticket.purpose.is_protective)) == 2


async def test_stops_that_are_canceled_as_well_come_back_when_somebody_says_so(service):
    await service.place_order(SYMBOL, "BUY", SIZE)
    await until(service, lambda: len(orders(service, lambda o: o.ticket.purpose.is_protective)) == 2)

    await service.cancel_all_orders("BTC/USDT", include_protective=True)
    await until(service, lambda: not orders(service, lambda o: True))
    price = away(service, "-0.02")
    await service.protect_position("BTC/USDT", stop_loss=price)
    await until(service, lambda: len(orders(service, lambda o: o.ticket.purpose.is_protective)) == 2)

    (stop,) = orders(service, lambda o: o.ticket.purpose is Purpose.PROTECTIVE_STOP)
    assert stop.ticket.stop_price == price


@pytest.mark.parametrize(
    ("protection", "problem"),
    [
        ({"stop_loss": "0.01"}, "the stop loss .* of a long position must be below the market at"),
        ({"take_profit": "-0.01"}, "the take profit .* of a long position must be above the market at"),
        ({"stop_loss": "-1.01"}, "the stop loss .* is outside"),
        ({"take_profit": "999"}, "the take profit .* is outside"),
    ],
)
async def test_protection_that_would_end_a_position_at_once_or_never_stand_is_refused(
    service, protection, problem
):
    await service.place_order(SYMBOL, "BUY", SIZE)
    await until(service, lambda: len(orders(service, lambda o: o.ticket.purpose.is_protective)) == 2)
    before = orders(service, lambda o: o.ticket.purpose.is_protective)

    with pytest.raises(ValueError, match=problem):
        await service.protect_position(
            "BTC/USDT", **{name: away(service, share) for name, share in protection.items()}
        )

    assert orders(service, lambda o: True) == before
    assert service._active().loop.ledger.position(SYMBOL).stop_loss_price is None


# --- parent orders ------------------------------------------------------------------------------------------


async def test_a_twap_buys_its_whole_quantity_in_equal_parts(service):
    opened = await service.place_twap(OrderRequest.of(SYMBOL, "BUY", "0.010"), 6_000, 3)
    await until(service, lambda: opened.parent_id not in service._active().loop.ledger.parents)

    fills = [o for o in service.snapshot().orders if o.purpose == "ENTRY"]
    assert sorted(o.filled_quantity for o in fills) == [Decimal("0.003"), Decimal("0.003"), Decimal("0.004")]
    assert service.snapshot().positions[0].quantity == Decimal("0.010")


async def test_a_vwap_ends_with_its_whole_quantity(service):
    opened = await service.place_vwap(OrderRequest.of(SYMBOL, "BUY", "0.010"), 6_000, 3)
    await until(service, lambda: opened.parent_id not in service._active().loop.ledger.parents)

    assert service.snapshot().positions[0].quantity == Decimal("0.010")


async def test_an_iceberg_shows_only_its_tip_and_ends_with_its_last_part(service):
    request = OrderRequest.of(SYMBOL, "BUY", "0.010", "LIMIT", away(service, "-0.02"))

    opened = await service.place_iceberg(request, "0.003")
    shown = orders(service, lambda o: o.ticket.parent_id == opened.parent_id)
    await service.cancel_order(opened.parent_id)
    await until(service, lambda: opened.parent_id not in service._active().loop.ledger.parents)

    assert [o.quantity for o in shown] == [Decimal("0.003")]
    assert service._active().loop.ledger.symbol(SYMBOL).pending_buy == 0


async def test_an_iceberg_at_the_market_refills_until_it_is_filled(service):
    request = OrderRequest.of(SYMBOL, "BUY", "0.010", "LIMIT", away(service, "0.005"))

    opened = await service.place_iceberg(request, "0.003")
    await until(service, lambda: opened.parent_id not in service._active().loop.ledger.parents)

    assert service.snapshot().positions[0].quantity == Decimal("0.010")


@pytest.mark.parametrize("force", [TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK])
async def test_an_iceberg_that_does_not_rest_is_refused_and_the_session_goes_on(service, force):
    ends_ms = (
        service._active().loop.broker.venue_time().now_ms + 700_000 if force is TimeInForce.GTD else None
    )
    request = OrderRequest.of(
        SYMBOL, "BUY", "0.010", "LIMIT", away(service, "-0.02"), force, good_till_ms=ends_ms
    )

    with pytest.raises(ValueError, match="an iceberg rests until it is filled or canceled"):
        await service.place_iceberg(request, "0.003")

    assert (service.is_running(), await service.get_parents()) == (True, [])


async def test_of_two_legs_one_cancels_the_other(service):
    below = OrderRequest.of(SYMBOL, "BUY", SIZE, "LIMIT", away(service, "-0.02"))
    above = OrderRequest.of(SYMBOL, "BUY", SIZE, "STOP_MARKET", stop_price=away(service, "0.02"))

    opened = await service.place_oco(below, above)
    await until(service, lambda: len(orders(service, lambda o: o.status is OrderStatus.NEW)) == 2)
    await service.cancel_order(opened.children[0] if opened.children else "")
    await until(service, lambda: opened.parent_id not in service._active().loop.ledger.parents)

    assert orders(service, lambda o: True) == []


async def test_a_parent_beyond_the_limits_is_refused_as_a_whole(service):
    with pytest.raises(ValueError, match=r"^\w+: "):
        await service.place_twap(OrderRequest.of(SYMBOL, "BUY", "40"), 60_000, 60)

    assert await service.get_parents() == []


async def test_a_parent_pauses_and_goes_on(service):
    opened = await service.place_twap(OrderRequest.of(SYMBOL, "BUY", "0.010"), 600_000, 3)

    await service.pause_parent(opened.parent_id)
    paused = await service.get_parent(opened.parent_id)
    await service.resume_parent(opened.parent_id)

    assert paused.status == "PAUSED"
    assert (await service.get_parent(opened.parent_id)).status == "WORKING"
    with pytest.raises(OrderNotFound):
        await service.pause_parent("nobody")
