"""Position sizing: how much of an entry a signal is worth, never more than asked for and never rounded up."""

from src.application.sizing.gradual import Gradual
from src.application.sizing.kelly import FractionalKelly
from src.application.sizing.sizers import (
    FixedNotional,
    FixedQuantity,
    PercentOfEquity,
    PositionSizer,
    RiskPerTrade,
    Sized,
)
from src.application.sizing.spec import SIZERS, SizerKind, parse_sizer
from src.application.sizing.volatility import VolatilityTarget

__all__ = [
    "SIZERS",
    "FixedNotional",
    "FixedQuantity",
    "FractionalKelly",
    "Gradual",
    "PercentOfEquity",
    "PositionSizer",
    "RiskPerTrade",
    "Sized",
    "SizerKind",
    "VolatilityTarget",
    "parse_sizer",
]
