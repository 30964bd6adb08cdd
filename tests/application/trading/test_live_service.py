"""The usage examples of document 002, its imports and calls as they stand there; docs/library.md is their table.

What needs a connection to Binance is left out: the broker of its own, its streams, and the scripts that try them.
"""

import asyncio
import dataclasses
import logging
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from src.application.trading.live_strategy_runner import LiveStrategyRunner
from src.application.trading.services.live_trading_service import LiveTradingService
from src.application.trading.vocabulary import (
    Order,
    OrderSide,
    OrderType,
    SignalGenerated,
    SignalType,
    TradingConfig,
    TradingSession,
    TradingState,
)
from src.bootstrap.assembly import repositories
from src.bootstrap.settings import load_settings
from src.infrastructure.market_data.candle_service import CandleService
from src.infrastructure.messaging.event_bus import InProcessEventBus
from tests.application.trading.callers import bought, data_folder, service, until
from tests.simulation.market import SimulatedMarket

__all__ = ["data_folder", "service"]

logger = logging.getLogger(__name__)


def a_signal(signal_type: SignalType = SignalType.BUY, symbol: str = "BTCUSDT") -> SignalGenerated:
    return SignalGenerated(symbol, signal_type, "sma_cross", Decimal(1), "As asked.", (), Decimal(60_000), 0)


# --- starting live trading -------------------------------------------------------------------------------------


async def test_starting_live_trading(data_folder: Path, capsys: pytest.CaptureFixture[str]):
    portfolio_repo, order_repo, position_repo = repositories()
    event_bus = InProcessEventBus()
    trading_config = TradingConfig()
    portfolio_id = "main"

    service = LiveTradingService(
        portfolio_repository=portfolio_repo,
        order_repository=order_repo,
        position_repository=position_repo,
        event_bus=event_bus,
        config=trading_config,
    )
    session = await service.start_session(
        portfolio_id=portfolio_id,
        strategies=["sma_cross", "macd_momentum"],
        symbols=["BTCUSDT", "ETHUSDT"],
        dry_run=False,  # Set True for paper trading
    )
    print(f"Session started: {session.id}")

    assert capsys.readouterr().out == f"Session started: {session.id}\n"
    portfolio = portfolio_repo.get("main")
    assert portfolio is not None and portfolio.wallet_balance == 10_000
    assert portfolio_repo.get("other") is None
    await until(lambda: all(line.trouble is None for line in service.snapshot().markets))
    await bought(service)
    assert [order.symbol for order in order_repo.all(limit=1)] == ["BTCUSDT"]
    position = position_repo.get("BTC/USDT")
    assert position is not None and position.quantity == Decimal("0.01")
    await service.stop_session()


async def test_a_session_has_the_documents_fields(service: LiveTradingService):
    session = await service.stop_session()

    assert isinstance(session, TradingSession)
    assert UUID(session.id) and session.portfolio_id == "default"
    assert isinstance(session.started_at, datetime) and isinstance(session.stopped_at, datetime)
    assert session.started_at <= session.stopped_at
    assert (session.total_trades, session.winning_trades, session.losing_trades) == (0, 0, 0)
    assert (session.total_pnl, session.max_drawdown) == (Decimal(0), Decimal(0))
    assert session.status == "STOPPED"


async def test_a_session_is_paused_resumed_and_stopped(service: LiveTradingService):
    assert service.is_running()
    await service.pause_session()
    assert not service.is_running() and service.snapshot().status == "PAUSED"
    await service.resume_session()
    assert service.is_running()
    await service.stop_session()
    assert not service.is_running()


async def test_a_broker_is_set_between_sessions_only(service: LiveTradingService):
    broker = service._active().parts.broker

    with pytest.raises(ValueError, match="stop it before its broker is changed"):
        service.set_broker(broker)
    await service.stop_session()
    service.set_broker(broker)

    with pytest.raises(ValueError, match="cannot trade through a"):
        await service.start_session(dry_run=False)


# --- handling strategy signals ---------------------------------------------------------------------------------


async def test_handling_strategy_signals(service: LiveTradingService):
    event_bus, validator = service._active().parts.bus, service.validator
    done: list[str] = []

    def calculate_position_size(signal: SignalGenerated) -> Decimal:
        return Decimal("0.010")

    async def handle_signal(signal_event: SignalGenerated):
        # Pre-trade validation
        if not await validator.validate_signal(signal_event):
            done.append(f"Signal rejected: {signal_event.symbol}")
            return

        # Create order from signal
        order = Order(
            symbol=signal_event.symbol,
            side=OrderSide.BUY if signal_event.signal_type == SignalType.BUY else OrderSide.SELL,
            quantity=calculate_position_size(signal_event),  # type: ignore[arg-type]  # Decimals are taken too
            order_type=OrderType.MARKET,
            strategy_id=signal_event.strategy_id,
        )

        # Execute order
        result = await service.execute_order(order)

        if result.success:
            done.append(f"Order executed: {result.order_id}")
        else:
            done.append(f"Order failed: {result.error}")

    # Subscribe to signals
    event_bus.subscribe("signal.generated", handle_signal)
    event_bus.publish("signal.generated", a_signal())
    await until(lambda: done)
    assert done[0].startswith("Order executed: ")
    await until(lambda: service.snapshot().positions)

    event_bus.publish("signal.generated", a_signal(symbol="DOGEUSDT"))
    await until(lambda: len(done) == 2)
    assert done[1] == "Signal rejected: DOGEUSDT"


async def test_a_signal_that_no_rule_may_pass_is_not_valid(service: LiveTradingService):
    assert await service.validator.validate_signal(a_signal())

    await service.halt("enough")

    assert not await service.validator.validate_signal(a_signal())


# --- state management ------------------------------------------------------------------------------------------


async def test_state_persistence(service: LiveTradingService):
    await bought(service, 0.005)
    resting = await service.place_order("BTCUSDT", OrderSide.BUY, 0.004, OrderType.LIMIT, 45000)
    session_id = UUID(service._active().session.id)

    state = service.state()
    state.save()
    recovered = TradingState.recover(session_id)

    names = ["session_id", "portfolio_state", "open_orders", "positions", "pending_signals", "last_update"]
    assert [each.name for each in dataclasses.fields(TradingState)] == names
    assert recovered.session_id == session_id == state.session_id
    assert resting.id in {order.id for order in recovered.open_orders}
    assert [position.quantity for position in recovered.positions] == [Decimal("0.005")]
    assert recovered.last_update >= state.last_update and recovered.pending_signals == []
    with pytest.raises(LookupError, match="status"):
        TradingState.recover("nobody")


async def test_recovery_procedures(data_folder: Path):
    async def recover_from_crash() -> LiveTradingService:
        # 1. Load last known state
        state = TradingState.recover(session_id)
        assert [order.id for order in state.open_orders if order.id == resting.id]

        # 2. to 4.: sync with the exchange, reconcile, resume: the start of the session is all three
        again = LiveTradingService(config=TradingConfig())
        assert (await again.start_session()).id == str(state.session_id)
        return again

    service = LiveTradingService(config=TradingConfig())
    session_id = (await service.start_session(symbols=["BTCUSDT"], strategies=["sma_cross"])).id
    await until(lambda: service.snapshot().markets[0].trouble is None)
    resting = await service.place_order("BTCUSDT", OrderSide.BUY, 0.01, OrderType.LIMIT, 45000)
    service._task.cancel()  # type: ignore[union-attr]  # the process dies here
    await service.close()

    again = await recover_from_crash()

    assert again.is_running()
    assert await again.get_order_status(resting.id) == "NEW"
    await again.stop_session()


# --- live strategy runner --------------------------------------------------------------------------------------


async def test_live_strategy_runner():
    from src.application.strategies import RSIStrategy, SmaCrossStrategy

    market_data = CandleService(SimulatedMarket(3, 3_600), "1s", speed=None)
    event_bus, config = InProcessEventBus(), {"timeframe": "1s"}
    heard: list[Any] = []
    event_bus.subscribe("signal.generated", heard.append)

    # Initialize runner
    runner = LiveStrategyRunner(strategy_config=config, market_data_service=market_data, event_bus=event_bus)

    # Add strategies
    runner.add_strategy("sma_cross", SmaCrossStrategy())
    runner.add_strategy("rsi", RSIStrategy())

    # Start running
    await runner.start()

    # Strategies will now generate signals automatically
    await market_data.run()
    await event_bus.drain()
    assert {signal.strategy_id for signal in heard} == {"sma_cross", "rsi"}

    await runner.stop()
    assert runner.on_candle is not None and len(heard) > 2


# --- configuration ---------------------------------------------------------------------------------------------


def test_environment_variables(tmp_path: Path):
    (tmp_path / ".env").write_text(
        """
# .env file
BINANCE_API_KEY=your_api_key
BINANCE_API_SECRET=your_api_secret
USE_TESTNET=true
DRY_RUN=false
MAX_POSITIONS=10
POSITION_SIZE_PCT=0.1
STOP_LOSS_PCT=0.02
AUTO_RESTART=true
"""
    )

    settings = load_settings(environment={}, root=tmp_path).settings

    config = TradingConfig(settings.api_key.get_secret_value(), settings.api_secret.get_secret_value())
    assert (config.api_key, config.api_secret) == ("your_api_key", "your_api_secret")
    others = [each.name for each in dataclasses.fields(config) if each.name not in ("api_key", "api_secret")]
    assert [str(getattr(settings, name)) for name in others] == [
        str(getattr(config, name)) for name in others
    ]


# --- performance metrics ---------------------------------------------------------------------------------------


async def test_session_statistics(service: LiveTradingService, capsys: pytest.CaptureFixture[str]):
    await bought(service)
    await service.close_position("BTCUSDT")
    await until(lambda: not service.snapshot().positions)

    # Get session statistics
    stats = await service.get_session_stats()

    print(f"Session Duration: {stats.duration}")
    print(f"Total Trades: {stats.total_trades}")
    print(f"Win Rate: {stats.win_rate:.2%}")
    print(f"Profit Factor: {stats.profit_factor:.2f}")
    print(f"Total P&L: ${stats.total_pnl:.2f}")
    print(f"Max Drawdown: {stats.max_drawdown:.2%}")
    print(f"Sharpe Ratio: {stats.sharpe_ratio:.2f}")

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7 and lines[0].startswith("Session Duration: 0:00:")
    assert int(lines[1].removeprefix("Total Trades: ")) >= 1
    assert lines[2].startswith("Win Rate: ") and lines[2].endswith("%")


async def test_real_time_monitoring(service: LiveTradingService):
    await bought(service)
    printed: list[str] = []

    async def monitor_performance():
        while service.is_running():
            metrics = await service.get_metrics()

            printed.append(f"Open Positions: {metrics.position_count}")
            printed.append(f"Total Exposure: ${metrics.total_exposure:.2f}")
            printed.append(f"Unrealized P&L: ${metrics.unrealized_pnl:.2f}")
            printed.append(f"Daily P&L: ${metrics.daily_pnl:.2f}")

            await asyncio.sleep(0.01)

    watching = asyncio.create_task(monitor_performance())
    await until(lambda: len(printed) >= 8)
    await service.stop_session()
    await watching

    assert printed[0] == "Open Positions: 1"


# --- paper trading ---------------------------------------------------------------------------------------------


async def test_paper_trading(data_folder: Path):
    # Enable paper trading for testing
    config = TradingConfig(
        dry_run=True,  # No real orders
        testnet=True,  # Use testnet data
        log_trades=True,  # Log simulated trades
    )

    service = LiveTradingService(config=config)

    await service.start_session()
    assert service.snapshot().exchange == "paper"
    await service.stop_session()
