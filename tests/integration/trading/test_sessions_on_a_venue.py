"""A session of the library through a BinanceFuturesBroker: from the first order to the last, and what comes between."""

from decimal import Decimal

import pytest

from src.application.trading.services.live_trading_service import LiveTradingService
from src.application.trading.vocabulary import Order, OrderSide, OrderType
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import Purpose
from tests.integration.trading.places import (
    SYMBOL,
    Start,
    TradingPlace,
    a_local_account,
    assert_equal_books,
    begun,
    lost,
    price_of,
    until,
)


def held(service: LiveTradingService) -> Decimal:
    return sum((p.quantity for p in service.snapshot().positions), Decimal(0))


def open_orders(service: LiveTradingService) -> set[str]:
    return {o.id for o in service._active().loop.ledger.orders.values() if o.is_open}


def covered(service: LiveTradingService) -> Decimal:
    """What live stops cover, base asset."""
    orders = service._active().loop.ledger.orders.values()
    stops = [o for o in orders if o.is_live and o.ticket.purpose is Purpose.PROTECTIVE_STOP]
    return max((o.quantity for o in stops), default=Decimal(0))


def acknowledged(service: LiveTradingService) -> Decimal:
    """What open stops cover of which the exchange has said that it has them, base asset."""
    orders = [o for o in service._active().loop.ledger.orders.values() if o.is_open]
    stops = [o for o in orders if o.ticket.purpose is Purpose.PROTECTIVE_STOP]
    return max((o.quantity for o in stops if o.attempt_state is AttemptState.ACKED), default=Decimal(0))


async def bought(service: LiveTradingService, quantity: str = "0.01") -> None:
    """Buy at the market with a stop and a target, and wait for both."""
    price = price_of(service)
    await service.place_order(
        SYMBOL, OrderSide.BUY, quantity, stop_loss=price * Decimal("0.9"), take_profit=price * Decimal("1.1")
    )
    await until(lambda: held(service) == Decimal(quantity) == covered(service))


async def test_a_session_from_the_first_order_to_the_last(place: TradingPlace, start: Start):
    service = await start(place)
    price = price_of(service)

    order = await service.place_order(
        symbol=SYMBOL,
        side=OrderSide.BUY,
        quantity=0.01,
        order_type=OrderType.LIMIT,
        price=price * Decimal("0.97"),
        time_in_force="GTC",
        stop_loss=price * Decimal("0.9"),
        take_profit=price * Decimal("1.1"),
    )
    await until(lambda: service.snapshot().orders[0].status == "NEW")
    await service.modify_order(order_id=order.id, new_price=price * Decimal("0.96"), new_quantity=0.02)
    await until(lambda: service.snapshot().orders[0].quantity == Decimal("0.02"))
    await service.cancel_order(order.id)
    await until(lambda: not open_orders(service))
    assert await service.get_order_status(order.id) == "CANCELED"

    await bought(service)
    (position,) = await service.get_positions()
    assert (position.symbol, position.quantity) == (SYMBOL, Decimal("0.01"))
    await assert_equal_books(service)
    await service.close_position(symbol=SYMBOL, reason="Manual close")
    await until(lambda: not service.snapshot().positions and not open_orders(service))
    await assert_equal_books(service)

    session = await service.stop_session()
    assert session.status == "STOPPED" and session.total_trades >= 1


async def test_a_broker_of_a_session_places_no_order_of_its_own(place: TradingPlace, start: Start):
    broker = place.broker()
    service = await start(place, broker)

    with pytest.raises(ValueError, match="a session trades through this broker"):
        await broker.place_order(Order.of(SYMBOL, OrderSide.BUY, 0.01))

    await service.stop_session()
    await broker.close()


# --- the known issues of the document, over sockets ------------------------------------------------------------


async def test_issue_1_order_synchronization_an_order_made_elsewhere_leaves_equal_books(
    local: TradingPlace, start: Start
):
    service = await start(local)
    await bought(service)

    local.admin("POST owner_trades", symbol=SYMBOL, side="BUY", quantity="0.005")

    await until(lambda: held(service) == Decimal("0.015") and covered(service) >= Decimal("0.015"))
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_issue_2_websocket_reconnection_what_happened_in_between_is_booked_once(
    local: TradingPlace, start: Start
):
    service = await start(local)
    await bought(service)
    epoch = service._active().loop.ledger.account.stream_epoch

    local.admin(
        "POST faults", rules=[{"operation": "stream.ORDER_TRADE_UPDATE", "fault": "drop", "count": 1}]
    )
    local.admin("POST owner_trades", symbol=SYMBOL, side="BUY", quantity="0.003")
    local.admin("POST streams/cut")

    await until(lambda: service._active().loop.ledger.account.stream_epoch > epoch)
    await until(lambda: held(service) == Decimal("0.013"))
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_a_book_with_a_gap_is_not_traded_on_until_it_is_whole_again(local: TradingPlace, start: Start):
    service = await start(local)
    desk = service._active().parts.desk
    gaps = desk.quality()[SYMBOL]["gap"]

    local.admin("POST faults", rules=[{"operation": "depth", "fault": "respond", "count": 2}])
    local.admin("POST streams/cut")

    await until(lambda: not desk.has_whole_book(SYMBOL))
    assert desk.quality()[SYMBOL]["gap"] > gaps
    await until(lambda: desk.has_whole_book(SYMBOL))
    await service.stop_session()


async def test_issue_3_partial_fills_add_up_and_are_covered(local: TradingPlace, start: Start):
    service = await start(local)
    price = price_of(service)
    large = "3"

    order = await service.place_order(
        SYMBOL,
        OrderSide.BUY,
        large,
        OrderType.LIMIT,
        price * Decimal("1.001"),
        stop_loss=price * Decimal("0.9"),
    )
    await until(lambda: held(service) > 0)
    await service.cancel_order(order.id)
    await until(lambda: order.id not in open_orders(service))

    placed = await service.get_order(order.id)
    assert placed.filled_quantity == held(service) > 0
    assert len(placed.trade_ids) > 1, "the book is thin enough for parts"
    await until(lambda: covered(service) >= held(service))
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_issue_4_latency_an_answer_that_comes_late_leaves_one_order(local: TradingPlace, start: Start):
    service = await start(local)
    local.admin(
        "POST faults", rules=[{"operation": "order.place", "fault": "delay_answer", "ms": 900, "count": 1}]
    )

    await bought(service)

    assert held(service) == Decimal("0.01")
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_a_position_of_a_session_whose_machine_stood_still_is_covered_within_seconds(
    ahead: TradingPlace, start: Start
):
    service = await start(ahead)
    price = price_of(service)
    low, stop = price * Decimal("0.999"), price * Decimal("0.9")
    await service.place_order(SYMBOL, OrderSide.BUY, "0.01", OrderType.LIMIT, low, stop_loss=stop)
    await until(lambda: service.snapshot().orders[0].status == "NEW")

    # Seen from a machine that stood still, the exchange's clock has jumped.
    ahead.admin("POST clock", skew_ms=20_000)
    assert ahead.admin_url is not None
    somebody = a_local_account(ahead.admin_url)
    somebody.admin("POST owner_trades", symbol=SYMBOL, side="SELL", quantity="60")

    await until(lambda: held(service) > 0)
    await until(lambda: acknowledged(service) == held(service), seconds=5.0)
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_issue_5_state_recovery_a_session_that_was_lost_goes_on(place: TradingPlace, start: Start):
    service = await start(place)
    await bought(service)
    resting = await service.place_order(
        SYMBOL, OrderSide.BUY, "0.01", OrderType.LIMIT, price_of(service) * Decimal("0.97")
    )
    session_id = service._active().session.id
    await lost(service)

    again = await start(place)

    assert again._active().session.id == session_id
    assert held(again) == Decimal("0.01") == covered(again)
    assert await again.get_order_status(resting.id) == "NEW"
    await assert_equal_books(again)
    await again.stop_session(flatten=True)
    assert not again.snapshot().positions


async def test_a_start_at_an_exchange_that_opens_no_user_stream_covers_what_is_held(
    local: TradingPlace, start: Start
):
    service = await start(local)
    await bought(service)
    await lost(service)
    local.admin("POST owner_trades", symbol=SYMBOL, side="BUY", quantity="0.005")
    refused = {
        "operation": "listen_key.start",
        "fault": "respond",
        "body": "unavailable_503",
        "executed": False,
    }
    local.admin("POST faults", rules=[refused | {"count": 4}])

    again = await begun(local)
    out_of_step = not again.snapshot().synced
    await until(lambda: acknowledged(again) == held(again) == Decimal("0.015"), seconds=2.0)
    await until(lambda: again.snapshot().markets[0].bid is not None)
    still_out_of_step = not again.snapshot().synced
    await until(lambda: again.snapshot().synced)

    assert out_of_step and still_out_of_step
    await assert_equal_books(again)
    await again.stop_session(flatten=True)
    assert not again.snapshot().positions
