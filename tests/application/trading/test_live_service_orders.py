"""The usage examples of document 002 for orders, positions and their errors; docs/library.md is their table."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.broker import BrokerUnavailable
from src.application.trading.services.live_trading_service import LiveTradingService
from src.application.trading.snapshot import OrderLine
from src.application.trading.vocabulary import (
    InsufficientBalanceError,
    NetworkError,
    Order,
    OrderSide,
    OrderType,
    RateLimitError,
    TradingConfig,
)
from tests.application.trading.callers import bought, data_folder, service, until

__all__ = ["data_folder", "service"]


def order_line(service: LiveTradingService, order_id: str) -> OrderLine:
    return next(line for line in service.snapshot().orders if line.client_order_id == order_id)


# --- order management ------------------------------------------------------------------------------------------


async def test_order_management(service: LiveTradingService, capsys: pytest.CaptureFixture[str]):
    # Place order
    order = await service.place_order(
        symbol="BTCUSDT",
        side=OrderSide.BUY,
        quantity=0.01,
        order_type=OrderType.LIMIT,
        price=45000,
        time_in_force="GTC",
        stop_loss=44000,
        take_profit=46000,
    )
    assert (await service.get_order_status(order.id)) in ("NEW", "PENDING_NEW")

    # Modify order
    await service.modify_order(
        order_id=order.id,
        new_price=45500,
        new_quantity=0.02,
    )
    await until(lambda: order_line(service, order.id).quantity == Decimal("0.02"))
    assert order_line(service, order.id).price == 45500

    # Get order status
    status = await service.get_order_status(order.id)
    print(f"Order {order.id}: {status}")
    assert order.id in capsys.readouterr().out

    # Cancel order
    await service.cancel_order(order.id)
    await until(lambda: not any(o.status == "NEW" for o in service.snapshot().orders))
    assert await service.get_order_status(order.id) == "CANCELED"


async def test_order_issues(service: LiveTradingService, capsys: pytest.CaptureFixture[str]):
    order = await service.place_order("BTCUSDT", OrderSide.BUY, 0.01, OrderType.LIMIT, 45000)

    # Debug order placement
    print(order.debug_info())
    print(f"Symbol: {order.symbol}")
    print(f"Side: {order.side}")
    print(f"Quantity: {order.quantity}")
    print(f"Price: {order.price}")
    print(f"Margin Required: {order.margin_required}")

    debug, *lines = capsys.readouterr().out.splitlines()
    assert order.id in debug and "LIMIT @ 45000" in debug
    assert lines == [
        "Symbol: BTCUSDT",
        "Side: BUY",
        "Quantity: 0.01",
        "Price: 45000",
        "Margin Required: 45.00",
    ]


async def test_an_order_is_a_copy_that_changes_nothing(service: LiveTradingService):
    order = await service.place_order("BTCUSDT", OrderSide.BUY, 0.01, OrderType.LIMIT, 45000)

    order.filled_quantity = Decimal(7)

    assert (await service.get_order(order.id)).filled_quantity == 0


async def test_performance_issues(service: LiveTradingService):
    order = Order.of("BTCUSDT", OrderSide.BUY, 0.01)

    # Profile execution time
    start = time.time()
    result = await service.execute_order(order)
    execution_time = time.time() - start

    assert result.success
    assert execution_time < 1.0, f"Slow execution: {execution_time:.2f}s"


# --- position management ---------------------------------------------------------------------------------------


async def test_position_management(service: LiveTradingService):
    await bought(service)

    # Get current positions
    positions = await service.get_positions()
    lines = []
    for position in positions:
        lines.append(f"{position.symbol}: {position.quantity} @ {position.entry_price}")
        lines.append(f"  P&L: ${position.unrealized_pnl:.2f}")
        lines.append(f"  ROI: {position.roi_percentage:.2f}%")
    assert len(lines) == 3 and lines[0].startswith("BTCUSDT: 0.01")
    held = positions[0]
    assert held.unrealized_pnl is not None and held.roi_percentage is not None
    assert held.roi_percentage == 100 * held.unrealized_pnl / (held.quantity * held.entry_price / 10)

    # Adjust position
    await service.adjust_position(
        symbol="BTCUSDT",
        target_quantity=0.005,  # Scale to new size
    )
    await until(lambda: service.snapshot().positions[0].quantity == Decimal("0.005"))

    # Close position
    await service.close_position(symbol="BTCUSDT", reason="Manual close")
    await until(lambda: not service.snapshot().positions)


# --- error handling --------------------------------------------------------------------------------------------


async def test_too_little_balance_has_an_error_of_its_own(data_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STEADYHAND_FREE_MARGIN_PCT_MIN", "0.999")
    service = LiveTradingService(config=TradingConfig())
    await service.start_session(symbols=["BTCUSDT"], strategies=["sma_cross"])
    await until(lambda: service.snapshot().markets[0].trouble is None)

    with pytest.raises(InsufficientBalanceError, match="margin: "):
        await service.place_order("BTCUSDT", OrderSide.BUY, 0.01)

    await service.stop_session()


async def test_too_many_orders_say_how_long_to_wait(data_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STEADYHAND_ORDERS_PER_SECOND_MAX", "1")
    service = LiveTradingService(config=TradingConfig())
    await service.start_session(symbols=["BTCUSDT"], strategies=["sma_cross"])
    await until(lambda: service.snapshot().markets[0].trouble is None)
    await service.place_order("BTCUSDT", OrderSide.BUY, 0.003, OrderType.LIMIT, 45000)

    with pytest.raises(RateLimitError) as e:
        await service.place_order("BTCUSDT", OrderSide.BUY, 0.004, OrderType.LIMIT, 45000)
    await asyncio.sleep(e.value.retry_after + 0.1)
    order = await service.place_order("BTCUSDT", OrderSide.BUY, 0.004, OrderType.LIMIT, 45000)

    assert (e.value.retry_after, order.quantity) == (1, Decimal("0.004"))
    await service.stop_session()


def test_a_network_error_is_one_of_an_exchange_that_cannot_be_reached():
    assert issubclass(NetworkError, BrokerUnavailable)
