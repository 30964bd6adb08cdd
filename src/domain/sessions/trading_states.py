"""Whether trading is allowed: for the account (ACTIVE, REDUCE_ONLY, HALTED) and for each symbol.

HALTED is a latch: it is durable, survives restarts, and only a person re-arms it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class TradingState(StrEnum):
    """May the account open positions?"""

    ACTIVE = "ACTIVE"
    REDUCE_ONLY = "REDUCE_ONLY"
    HALTED = "HALTED"


class TradingTrigger(StrEnum):
    """What moves the account's trading state."""

    REDUCE = "REDUCE"
    RESTORE = "RESTORE"
    HALT = "HALT"
    REARM = "REARM"


TRADING_TRANSITIONS: Final[Mapping[TradingState, Mapping[TradingTrigger, TradingState]]] = {
    TradingState.ACTIVE: {
        TradingTrigger.REDUCE: TradingState.REDUCE_ONLY,
        TradingTrigger.RESTORE: TradingState.ACTIVE,
        TradingTrigger.HALT: TradingState.HALTED,
        TradingTrigger.REARM: TradingState.ACTIVE,
    },
    TradingState.REDUCE_ONLY: {
        TradingTrigger.REDUCE: TradingState.REDUCE_ONLY,
        TradingTrigger.RESTORE: TradingState.ACTIVE,
        TradingTrigger.HALT: TradingState.HALTED,
        TradingTrigger.REARM: TradingState.ACTIVE,
    },
    TradingState.HALTED: {
        TradingTrigger.REDUCE: TradingState.HALTED,  # the stronger state stays
        TradingTrigger.RESTORE: TradingState.HALTED,  # only a person re-arms
        TradingTrigger.HALT: TradingState.HALTED,
        TradingTrigger.REARM: TradingState.ACTIVE,
    },
}


class SymbolState(StrEnum):
    """May this symbol be opened?"""

    TRADING = "TRADING"
    REDUCE_ONLY = "REDUCE_ONLY"
    CLOSED = "CLOSED"
