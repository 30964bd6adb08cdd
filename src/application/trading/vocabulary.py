"""The words that a caller of the library writes orders, signals and error handling with, from one place.

``Order`` is what a caller asks for; what became of it is the order that ``place_order`` and ``get_order`` return.
"""

from src.application.ports.broker import (
    BrokerError,
    CircuitOpenError,
    InsufficientBalanceError,
    NetworkError,
    RateLimitError,
)
from src.application.ports.repositories import PortfolioState
from src.application.trading.config import TradingConfig
from src.application.trading.requests import ExecutionResult
from src.application.trading.requests import OrderRequest as Order
from src.application.trading.services.live_trading_service import NoSession, OrderNotFound
from src.application.trading.trading_state import TradingState
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.types import OrderStatus, OrderType, TimeInForce
from src.domain.sessions.session import TradingSession, TradingSessionStatus
from src.domain.signals import Signal, SignalGenerated, SignalType

__all__ = [
    "BrokerError",
    "CircuitOpenError",
    "ExecutionResult",
    "InsufficientBalanceError",
    "NetworkError",
    "NoSession",
    "Order",
    "OrderNotFound",
    "OrderSide",
    "OrderStatus",
    "OrderType",
    "PortfolioState",
    "PositionSide",
    "RateLimitError",
    "Signal",
    "SignalGenerated",
    "SignalType",
    "TimeInForce",
    "TradingConfig",
    "TradingSession",
    "TradingSessionStatus",
    "TradingState",
]
