"""Position sizing: how much of an entry a signal is worth, never more than asked for and never rounded up."""

from src.application.sizing.sizers import (
    FixedNotional,
    FixedQuantity,
    PercentOfEquity,
    PositionSizer,
    RiskPerTrade,
    Sized,
)
from src.application.sizing.spec import SIZERS, SizerKind, parse_sizer

__all__ = [
    "SIZERS",
    "FixedNotional",
    "FixedQuantity",
    "PercentOfEquity",
    "PositionSizer",
    "RiskPerTrade",
    "Sized",
    "SizerKind",
    "parse_sizer",
]
