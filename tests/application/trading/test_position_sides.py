"""Hedge mode by the library: orders, parents and closes name the position that they are about."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.config import TradingConfig
from src.application.trading.requests import OrderRequest
from src.application.trading.services.live_trading_service import LiveTradingService
from tests.application.trading.callers import data_folder, until

__all__ = ["data_folder"]

BTC = "BTCUSDT"


def held(service: LiveTradingService) -> dict[str, Decimal]:
    return {line.side: line.quantity for line in service.snapshot().positions}


async def test_both_sides_are_traded_and_closed_apart(data_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STEADYHAND_HEDGE_MODE", "true")
    service = LiveTradingService(config=TradingConfig(dry_run=True, position_size_pct=0.5))
    await service.start_session(strategies=["sma_cross"], symbols=[BTC])
    await until(lambda: all(line.trouble is None for line in service.snapshot().markets))

    await service.place_order(BTC, "BUY", "0.006", position_side="LONG")
    await service.place_order(BTC, "SELL", "0.004", position_side="SHORT")
    await until(lambda: held(service) == {"LONG": Decimal("0.006"), "SHORT": Decimal("-0.004")})

    await service.place_order(BTC, "SELL", "0.002", position_side="LONG")
    await until(lambda: held(service)["LONG"] == Decimal("0.004"))
    with pytest.raises(ValueError, match="reduce_only"):
        await service.place_order(BTC, "SELL", "0.009", position_side="LONG")

    price = service.snapshot().positions[0].entry_price
    pair = await service.place_oco(
        OrderRequest.of(
            BTC, "SELL", "0.004", "LIMIT", round(price * Decimal("1.04"), 1), position_side="LONG"
        ),
        OrderRequest.of(
            BTC,
            "SELL",
            "0.004",
            "STOP_MARKET",
            stop_price=round(price * Decimal("0.96"), 1),
            position_side="LONG",
        ),
    )
    await service.cancel_order(pair.parent_id)
    await service.place_twap(OrderRequest.of(BTC, "BUY", "0.002", position_side="SHORT"), 2_000, 2)
    await until(lambda: held(service)["SHORT"] == Decimal("-0.002"))

    assert (await service.close_position(BTC, position_side="SHORT")).success
    await until(lambda: list(held(service)) == ["LONG"])
    assert (await service.close_position(BTC)).success
    await until(lambda: not held(service))
    await service.stop_session()
