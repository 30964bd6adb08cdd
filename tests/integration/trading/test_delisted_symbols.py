"""A symbol that ends while its session is down: nobody trades it any more, and the session goes on with the others."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.config import TradingConfig
from src.application.trading.services.live_trading_service import LiveTradingService
from src.application.trading.vocabulary import OrderSide, OrderType
from tests.integration.trading.places import (
    SYMBOL,
    TradingPlace,
    a_local_account,
    a_local_exchange,
    lost,
    until,
)

GONE = "ETHUSDT"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[TradingPlace]:
    """An exchange of its own, one of whose symbols may end."""
    with a_local_exchange(tmp_path) as url:
        yield a_local_account(url)


async def start(place: TradingPlace) -> LiveTradingService:
    service = LiveTradingService(config=TradingConfig(position_size_pct=0.5, auto_restart=False))
    service.set_broker(place.broker())
    await service.start_session(strategies=["sma_cross"], symbols=[SYMBOL, GONE], dry_run=False)
    return service


async def buy(service: LiveTradingService, symbol: str) -> None:
    desk = service._active().parts.desk
    now_ms = service._active().loop.inputs.now_ms
    await until(lambda: desk.opening_objection(symbol, now_ms()) is None and desk.has_whole_book(symbol))
    await service.place_order(symbol, OrderSide.BUY, "0.1")
    await until(lambda: service._active().loop.ledger.position(symbol).quantity == Decimal("0.1"))


@pytest.mark.parametrize("gone", [(GONE,), (SYMBOL, GONE)], ids=["one of two", "all"])
async def test_a_session_whose_symbol_was_delisted_is_resumed_without_it(
    own: TradingPlace, gone: tuple[str, ...]
):
    service = await start(own)
    await buy(service, GONE)
    session_id = service._active().session.id
    await lost(service)
    own.admin("POST settlement", symbol=GONE)
    for symbol in gone:
        own.admin("POST symbol_status", symbol=symbol, status="CLOSE")

    again = await start(own)
    runner = again._active()
    alarms = [f"{symbol}: not to be traded any more: the session goes on without it" for symbol in gone]

    assert runner.session.id == session_id
    assert runner.loop.ledger.position(GONE).is_flat, "its settlement is booked"
    assert runner.loop.ledger.wallet_balance == (await runner.parts.broker.balances())[0].wallet_balance
    await until(lambda: set(alarms) <= set(again.snapshot().alarms))
    session = await again.stop_session()
    assert session.status == "STOPPED"


@pytest.mark.parametrize("is_flat", [False, True], ids=["a position", "an order"])
async def test_a_symbol_that_is_not_listed_and_still_lives_is_no_delisted_one(
    own: TradingPlace, is_flat: bool
):
    service = await start(own)
    await buy(service, GONE)
    if is_flat:
        await service.close_position(symbol=GONE, reason="a test")
        await until(lambda: service._active().loop.ledger.position(GONE).is_flat)
        price = service._active().parts.desk.best_prices(GONE)
        assert price is not None
        limit = round(price[0] * Decimal("0.97"), 1)
        await service.place_order(GONE, OrderSide.BUY, "0.1", OrderType.LIMIT, limit)
        await until(lambda: any(o.status == "NEW" for o in service.snapshot().orders))
    await lost(service)
    own.admin("POST symbol_status", symbol=GONE, status="CLOSE")

    with pytest.raises(ValueError, match=f"{GONE} cannot be traded"):
        await start(own)


async def test_a_new_session_on_a_symbol_that_is_not_listed_is_refused(own: TradingPlace):
    own.admin("POST symbol_status", symbol=GONE, status="CLOSE")

    with pytest.raises(ValueError, match=f"{GONE} cannot be traded"):
        await start(own)
