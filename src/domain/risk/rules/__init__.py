"""The pre-trade rules for orders that may grow a position: one small class each, asked in order.

A rule names itself, and its refusal carries the value it saw and the limit it holds; the same name stands in
refusals, metrics and screens. The order of :data:`ENTRY_RULES` is the order of precedence: state first, then the
data, then the order itself, then what it would do to the account, then how often.
"""

from src.domain.risk.rules.account import (
    DailyLoss,
    Drawdown,
    FreeMargin,
    Leverage,
    PositionCount,
    PositionSize,
)
from src.domain.risk.rules.exposure import (
    Concentration,
    GrossExposure,
    LeverageBracket,
    NetExposure,
    SymbolExposure,
)
from src.domain.risk.rules.market import Correlation, VolatilityFilter
from src.domain.risk.rules.order import Filters, OrderValue, PriceCollar, Slippage
from src.domain.risk.rules.rates import Duplicate, OpenOrders, OrderRate, RepeatedExecution
from src.domain.risk.rules.review import Objection, Review, Rule
from src.domain.risk.rules.state import (
    MANUAL,
    Confidence,
    DataQuality,
    PositionMode,
    PositionOwner,
    SessionRunning,
    SymbolOpen,
    TradingActive,
)

__all__ = ["ENTRY_RULES", "MANUAL", "Objection", "Review", "Rule"]

ENTRY_RULES: tuple[Rule, ...] = (
    SessionRunning(),
    TradingActive(),
    SymbolOpen(),
    DataQuality(),
    PositionOwner(),
    PositionMode(),
    Confidence(),
    Filters(),
    OrderValue(),
    PriceCollar(),
    Slippage(),
    PositionSize(),
    SymbolExposure(),
    LeverageBracket(),
    GrossExposure(),
    NetExposure(),
    Concentration(),
    Leverage(),
    FreeMargin(),
    DailyLoss(),
    Drawdown(),
    PositionCount(),
    VolatilityFilter(),
    Correlation(),
    Duplicate(),
    OpenOrders(),
    OrderRate(),
    RepeatedExecution(),
)
