"""The service over a whole paper session in this process: a real store, a real exchange file, virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.store import AccountBusy
from src.application.trading.requests import OrderRequest
from src.application.trading.services.live_trading_service import LiveTradingService, NoSession, OrderNotFound
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import ContradictingOptions
from src.bootstrap.markets import market_id, open_market
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_config import PaperConfig
from src.domain.market.sides import OrderSide
from src.domain.money import use_money_context
from src.domain.orders.types import OrderStatus, OrderType
from src.domain.sessions.session import TradingSessionStatus
from src.domain.sessions.trading_states import TradingState
from src.infrastructure.persistence.schema import create_sqlite
from tests.simulation.world import read_accounts

SYMBOL = "BTCUSDT"


def a_config(folder: Path, **changes: object) -> PaperConfig:
    """A session without strategies: what it does, a test asks for."""
    config = PaperConfig(folder, folder / "steadyhand.db", symbols=(SYMBOL,), strategies=(), speed=50.0)
    for name, value in changes.items():
        object.__setattr__(config, name, value)
    return config


def the_parts(config: PaperConfig) -> SessionParts:
    use_money_context()
    if not config.database.exists():
        create_sqlite(config.database)
    name = market_id((), config.symbols, config.seed)
    accounts = read_accounts(config.database)
    return paper_parts(config, lambda c: open_market((), c.symbols, c.seed), name, accounts)


def a_service(folder: Path, **changes: object) -> LiveTradingService:
    return LiveTradingService(lambda request: the_parts(a_config(folder, **changes)))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[LiveTradingService]:
    service = a_service(tmp_path)
    await service.start_session()
    await until(service, lambda: service.snapshot().markets[0].trouble is None)
    yield service
    if service.is_running():
        await service.stop_session()


async def until(service: LiveTradingService, met: Callable[[], object]) -> None:
    for _ in range(500):
        if met():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it never came about: {service.snapshot()}")


def stands(service: LiveTradingService, quantity: str) -> bool:
    return sum(p.quantity for p in service.snapshot().positions) == Decimal(quantity)


async def test_a_started_session_is_running(service: LiveTradingService):
    assert service.is_running()
    assert service.snapshot().equity == 10_000


async def test_a_market_order_opens_a_position_with_stop_and_target(service: LiveTradingService):
    order = await service.place_order("BTC/USDT", OrderSide.BUY, 0.01, OrderType.MARKET)

    await until(service, lambda: stands(service, "0.01"))
    await until(service, lambda: all(p.stop_price and p.target_price for p in service.snapshot().positions))

    assert await service.get_order_status(order.id) is OrderStatus.FILLED
    (position,) = await service.get_positions()
    assert position.stop_price is not None and position.stop_price < position.entry_price
    assert position.target_price is not None and position.target_price > position.entry_price


async def test_stop_and_target_asked_for_with_an_order_are_those_of_its_position(service: LiveTradingService):
    ask = service.snapshot().markets[0].ask
    assert ask is not None
    stop, target = (
        (ask * Decimal("0.97")).quantize(Decimal("0.1")),
        (ask * Decimal("1.04")).quantize(Decimal("0.1")),
    )

    await service.place_order(SYMBOL, "BUY", "0.01", stop_loss=stop, take_profit=target)

    await until(service, lambda: any(p.stop_price == stop for p in service.snapshot().positions))
    await until(service, lambda: any(p.target_price == target for p in service.snapshot().positions))


async def test_a_resting_order_can_be_cancelled(service: LiveTradingService):
    bid = service.snapshot().markets[0].bid
    assert bid is not None
    order = await service.place_order(
        SYMBOL, OrderSide.BUY, 0.01, OrderType.LIMIT, (bid * Decimal("0.98")).quantize(Decimal("0.1")), "GTC"
    )
    assert await service.get_order_status(order.id) is OrderStatus.NEW

    await service.cancel_order(order.id)

    async with asyncio.timeout(5):
        while await service.get_order_status(order.id) is not OrderStatus.CANCELED:
            await asyncio.sleep(0.01)


async def test_closing_a_position_cancels_what_guarded_it(service: LiveTradingService):
    await service.place_order(SYMBOL, "SELL", "0.01")
    await until(service, lambda: stands(service, "-0.01"))

    result = await service.close_position(SYMBOL)

    assert result.success
    await until(service, lambda: stands(service, "0"))
    async with asyncio.timeout(5):
        while (await service.get_metrics()).open_orders:
            await asyncio.sleep(0.01)


async def test_a_refused_order_names_the_rule_and_sends_nothing(service: LiveTradingService):
    result = await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.1"))

    assert not result.success
    assert result.order_id == ""
    assert result.error.startswith("position_size:")
    assert service.snapshot().orders_sent == 0


async def test_a_paused_session_opens_nothing_and_still_closes(service: LiveTradingService):
    await service.place_order(SYMBOL, "BUY", "0.01")
    await until(service, lambda: stands(service, "0.01"))
    await service.pause_session()

    entry = await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.005"))
    leave = await service.close_position(SYMBOL)

    assert entry.error.startswith("session_state:")
    assert leave.success
    await service.resume_session()
    assert service.is_running()


async def test_a_halt_holds_until_it_is_re_armed(service: LiveTradingService):
    await service.halt("a test")
    refused = await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.01"))
    assert refused.error.startswith("trading_state:")
    assert service.snapshot().trading_state == TradingState.HALTED.value

    await service.rearm()

    assert (await service.execute_order(OrderRequest.of(SYMBOL, "BUY", "0.01"))).success


async def test_an_unknown_order_is_not_found(service: LiveTradingService):
    with pytest.raises(OrderNotFound, match="no order nobody"):
        await service.get_order("nobody")


async def test_a_stop_keeps_positions_unless_they_are_to_be_closed(service: LiveTradingService):
    await service.place_order(SYMBOL, "BUY", "0.01")
    await until(service, lambda: stands(service, "0.01"))

    session = await service.stop_session(flatten=True)

    assert session.status is TradingSessionStatus.STOPPED
    assert stands(service, "0")
    assert (await service.get_session_stats()).total_trades >= 1


async def test_without_a_session_there_is_nothing_to_ask(tmp_path: Path):
    with pytest.raises(NoSession):
        await a_service(tmp_path).get_positions()


async def test_a_second_session_on_the_account_is_refused(service: LiveTradingService, tmp_path: Path):
    with pytest.raises(AccountBusy):
        await a_service(tmp_path).start_session()

    assert service.is_running()


async def test_an_unfinished_session_is_resumed_with_its_position(tmp_path: Path):
    first = LiveTradingService(lambda request: the_parts(a_config(tmp_path)))
    parts = the_parts(a_config(tmp_path))
    runner = await first.begin(parts)
    work = asyncio.create_task(runner.run())
    await until(first, lambda: first.snapshot().markets[0].trouble is None)
    await first.place_order(SYMBOL, "BUY", "0.01")
    await until(first, lambda: stands(first, "0.01"))
    await until(first, lambda: all(p.stop_price for p in first.snapshot().positions))
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await parts.store.close()
    parts.close()

    second = a_service(tmp_path)
    session = await second.start_session()

    assert session.id == runner.session.id
    assert stands(second, "0.01")
    await second.stop_session()


async def test_other_options_than_those_of_an_unfinished_session_are_refused(tmp_path: Path):
    parts = the_parts(a_config(tmp_path))
    await a_service(tmp_path).begin(parts)
    await parts.store.close()
    parts.close()

    with pytest.raises(ContradictingOptions, match=r"leverage 10 \(now 5\)"):
        await a_service(tmp_path, leverage=5).start_session()
