"""The strategies we ship, and the indicators they use.

A strategy watches closed candles of one symbol and says what it wishes for, how surely and why. It knows no
money, position or order: what becomes of a wish is decided elsewhere. Importing this package is cheap; TA-Lib
is loaded when the first strategy is made.
"""

from src.application.strategies.bollinger import BollingerParameters, BollingerStrategy
from src.application.strategies.ensemble import EnsembleParameters, EnsembleStrategy, Member
from src.application.strategies.macd_momentum import MacdMomentumParameters, MacdMomentumStrategy
from src.application.strategies.momentum import MomentumParameters, MomentumStrategy
from src.application.strategies.parameters import Direction
from src.application.strategies.registry import (
    STRATEGIES,
    StrategyKind,
    StrategySpec,
    parse_strategy,
    parse_strategy_list,
    parse_strategy_spec,
    strategy_spec,
)
from src.application.strategies.rsi import RSIParameters, RSIStrategy
from src.application.strategies.sma_cross import SmaCrossParameters, SmaCrossStrategy
from src.application.strategies.strategy import Progress, Strategy
from src.application.strategies.user import LoadStrategy, UserStrategySpec

__all__ = [
    "STRATEGIES",
    "BollingerParameters",
    "BollingerStrategy",
    "Direction",
    "EnsembleParameters",
    "EnsembleStrategy",
    "LoadStrategy",
    "MacdMomentumParameters",
    "MacdMomentumStrategy",
    "Member",
    "MomentumParameters",
    "MomentumStrategy",
    "Progress",
    "RSIParameters",
    "RSIStrategy",
    "SmaCrossParameters",
    "SmaCrossStrategy",
    "Strategy",
    "StrategyKind",
    "StrategySpec",
    "UserStrategySpec",
    "parse_strategy",
    "parse_strategy_list",
    "parse_strategy_spec",
    "strategy_spec",
]
