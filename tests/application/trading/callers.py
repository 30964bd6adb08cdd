"""What a caller of the library has around it: a data folder, no settings of this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from src.application.trading.config import TradingConfig
from src.application.trading.services.live_trading_service import LiveTradingService
from src.domain.market.sides import OrderSide

WAIT_S = 10


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test, by the environment; no file of the project is read.

    The documents' prices are those of another year: the collar around the mark price is widened for them.
    """
    (tmp_path / "empty").touch()
    for name, value in {
        "STEADYHAND_DATA_DIR": tmp_path / "data",
        "STEADYHAND_ENV_FILE": tmp_path / "empty",
        "STEADYHAND_CONFIG": tmp_path / "empty",
        "STEADYHAND_PRICE_COLLAR_PCT": "0.9",
    }.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path / "data"


@pytest.fixture
async def service(data_folder: Path) -> AsyncIterator[LiveTradingService]:
    """A paper session on BTCUSDT and ETHUSDT whose strategies stay silent, with good data and room for positions."""
    service = LiveTradingService(config=TradingConfig(dry_run=True, position_size_pct=0.5))
    await service.start_session(strategies=["sma_cross"], symbols=["BTCUSDT", "ETHUSDT"])
    await until(lambda: all(line.trouble is None for line in service.snapshot().markets))
    yield service
    if service.is_running():
        await service.stop_session()


async def bought(service: LiveTradingService, quantity: float = 0.01) -> None:
    """Buy BTCUSDT and wait until it is held."""
    await service.place_order("BTCUSDT", OrderSide.BUY, quantity)
    await until(lambda: any(p.quantity for p in service.snapshot().positions))


async def until(met: Callable[[], object]) -> None:
    """Wait until something has come about."""
    for _ in range(WAIT_S * 100):
        if met():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came about")
