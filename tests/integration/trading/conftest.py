"""The exchange that these tests trade on, and a data folder without any of this machine's settings."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from src.application.trading.services.live_trading_service import LiveTradingService
from src.infrastructure.brokers.binance_futures_broker import BinanceFuturesBroker
from tests.integration.trading.places import (
    Start,
    TradingPlace,
    a_local_account,
    a_local_exchange,
    demo_place,
    lost,
    started,
)


@pytest.fixture(scope="package")
def exchange(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str | None]:
    """The address of a local exchange for all of these tests, None with --testnet."""
    if request.config.getoption("--testnet"):
        yield None
        return
    with a_local_exchange(tmp_path_factory.mktemp("venue")) as url:
        yield url


@pytest.fixture
def place(exchange: str | None) -> TradingPlace:
    """A new account at the local exchange, or that of the key; skipped, saying why, where there is none."""
    if exchange is not None:
        return a_local_account(exchange)
    demo = demo_place()
    if isinstance(demo, str):
        pytest.skip(demo)
    return demo


@pytest.fixture
def local(place: TradingPlace) -> TradingPlace:
    """The same for tests that need the exchange's admin API."""
    if place.admin_url is None:
        pytest.skip("this test makes things happen that Binance's demo venue does not do on demand")
    return place


@pytest.fixture
def ahead(local: TradingPlace, tmp_path: Path) -> Iterator[TradingPlace]:
    """An account at an exchange of its own, for tests that change what all accounts share: its clock, its filters."""
    with a_local_exchange(tmp_path / "venue") as url:
        yield a_local_account(url)


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts sessions; those that a test leaves behind end as in a crash."""
    services: list[LiveTradingService] = []

    async def begin(place: TradingPlace, broker: BinanceFuturesBroker | None = None) -> LiveTradingService:
        services.append(await started(place, broker))
        return services[-1]

    yield begin
    for service in services:
        if service.is_running():
            await lost(service)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test; strategies see daily candles only, so none of them trades during a test."""
    (tmp_path / "empty").touch()
    for name, value in {
        "STEADYHAND_DATA_DIR": tmp_path / "data",
        "STEADYHAND_ENV_FILE": tmp_path / "empty",
        "STEADYHAND_CONFIG": tmp_path / "empty",
        "STEADYHAND_TIMEFRAME": "1d",
        "STEADYHAND_PRICE_COLLAR_PCT": "0.9",
    }.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path / "data"
