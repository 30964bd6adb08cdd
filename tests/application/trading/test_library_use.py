"""The library as document 002 shows it: its import paths, its constructor, and paper trading from a config alone."""

import asyncio
import importlib
import json
from pathlib import Path

import pytest

from src.application.trading.config import TradingConfig
from src.application.trading.services.live_trading_service import LiveTradingService
from src.infrastructure.messaging.event_bus import InProcessEventBus


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test, by the environment; no file of the project is read."""
    monkeypatch.setenv("STEADYHAND_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "empty").touch()
    monkeypatch.setenv("STEADYHAND_ENV_FILE", str(tmp_path / "empty"))
    monkeypatch.setenv("STEADYHAND_CONFIG", str(tmp_path / "empty"))
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("services.live_trading_service", "LiveTradingService"),
        ("services.pretrade_risk_validator", "PretradeRiskValidator"),
        ("services.state_recovery_service", "StateRecoveryService"),
        ("order_execution_bridge", "OrderExecutionBridge"),
        ("adapters.live_broker_adapter", "LiveBrokerAdapter"),
        ("live_strategy_runner", "LiveStrategyRunner"),
    ],
)
def test_the_documents_import_paths_hold(module: str, name: str):
    assert isinstance(getattr(importlib.import_module(f"src.application.trading.{module}"), name), type)


async def test_a_config_alone_trades_on_paper(data_folder: Path):
    config = TradingConfig(dry_run=True, testnet=True, log_trades=True)
    service = LiveTradingService(config=config)

    session = await service.start_session(
        portfolio_id="mine",
        strategies=["sma_cross", "macd_momentum"],
        symbols=["BTCUSDT", "ETHUSDT"],
        dry_run=True,
    )

    assert service.is_running()
    assert session.options.portfolio_id == "mine"
    assert session.options.symbols == ("BTCUSDT", "ETHUSDT")
    assert session.options.strategies == ("sma_cross", "macd_momentum")
    assert (data_folder / "steadyhand.db").exists()
    await service.stop_session()
    assert not service.is_running()


async def test_the_documents_constructor_is_taken_and_its_bus_hears_the_session(data_folder: Path):
    bus = InProcessEventBus()
    heard: list[object] = []
    bus.subscribe("session.moved", heard.append)
    service = LiveTradingService(
        portfolio_repository=None,
        order_repository=None,
        position_repository=None,
        event_bus=bus,
        config=TradingConfig(stop_loss_pct=0.03),
    )

    session = await service.start_session(symbols=["BTCUSDT"])
    await service.stop_session()
    await bus.drain()

    assert f"{session.options.stop_loss_pct}" == "0.03"
    assert len(heard) >= 3


async def test_money_is_refused_to_a_program_alone_and_a_dry_run_with_a_key_is_not(data_folder: Path):
    service = LiveTradingService(config=TradingConfig("key", "secret", testnet=False))

    with pytest.raises(ValueError, match="confirmed by a person"):
        await service.start_session(symbols=["BTCUSDT"], dry_run=False)
    await service.start_session(symbols=["BTCUSDT"], dry_run=True)

    assert service.is_running()
    await service.stop_session()


async def test_a_symbol_that_is_none_is_refused_in_one_line(data_folder: Path):
    service = LiveTradingService(config=TradingConfig(dry_run=True))

    with pytest.raises(ValueError, match="BTC USDT") as refused:
        await service.start_session(symbols=["BTC USDT !"])

    assert "\n" not in str(refused.value)


async def test_an_unfinished_session_is_not_resumed_with_another_config(data_folder: Path):
    first = LiveTradingService(config=TradingConfig(stop_loss_pct=0.03))
    session = await first.start_session(symbols=["BTCUSDT"])
    first._task.cancel()  # type: ignore[union-attr]  # the process dies here
    await first.close()

    with pytest.raises(ValueError, match=r"stop_loss_pct 0\.03 \(asked for: 0\.04\)"):
        await LiveTradingService(config=TradingConfig(stop_loss_pct=0.04)).start_session()

    second = LiveTradingService(config=TradingConfig())
    assert (await second.start_session()).id == session.id
    await second.stop_session()


@pytest.mark.parametrize("log_trades", [True, False])
async def test_a_librarys_session_logs_its_trades_if_it_is_told_to(data_folder: Path, log_trades: bool):
    bus = InProcessEventBus()
    service = LiveTradingService(config=TradingConfig(log_trades=log_trades), event_bus=bus)
    await service.start_session(symbols=["BTCUSDT"], strategies=["sma_cross"])
    async with asyncio.timeout(5):
        while service.snapshot().markets[0].trouble is not None:
            await asyncio.sleep(0.01)
    order = await service.place_order("BTCUSDT", "BUY", 0.01)
    async with asyncio.timeout(5):
        while not service.snapshot().positions:
            await asyncio.sleep(0.01)
    await service.stop_session()
    await bus.drain()

    path = data_folder / "logs" / "trading" / "trades.log"
    assert path.exists() is log_trades
    if log_trades:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        mine = [line["event"] for line in lines if line["client_order_id"] == order.id]
        assert mine[0] == "order.intended" and set(mine[1:]) == {"order.filled"}
        assert lines[0]["quantity"] == "0.01" and lines[0]["side"] == "BUY"
    assert not (data_folder / "logs" / "steadyhand.log").exists(), "a program's own logging is left alone"
