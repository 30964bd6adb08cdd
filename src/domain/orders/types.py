"""The vocabulary of orders. Values carry the exchange's spellings, so that reading a log needs no dictionary."""

from enum import StrEnum


class OrderType(StrEnum):
    """How an order trades; the last two rest at the exchange as conditional (algo) orders until triggered."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"

    @property
    def is_conditional(self) -> bool:
        """Whether the order waits for a trigger price in the exchange's algo book."""
        return self in _CONDITIONAL


_CONDITIONAL = frozenset({OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET})


class TimeInForce(StrEnum):
    """How long a limit order rests: till cancelled, at once or not at all, or as maker only (GTX, post-only)."""

    GTC = "GTC"
    IOC = "IOC"
    GTX = "GTX"


class WorkingType(StrEnum):
    """Which price triggers a conditional order: the last trade's or the mark price."""

    CONTRACT_PRICE = "CONTRACT_PRICE"
    MARK_PRICE = "MARK_PRICE"


class OrderStatus(StrEnum):
    """Where an order stands. PENDING_NEW and DENIED are ours: the exchange does not know of it yet, or never will."""

    PENDING_NEW = "PENDING_NEW"
    DENIED = "DENIED"
    NEW = "NEW"
    TRIGGERED = "TRIGGERED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing but a late fill can still come."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {OrderStatus.DENIED, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
)


class Purpose(StrEnum):
    """Why an order exists; decides which list of risk rules it meets and who may cancel it."""

    ENTRY = "ENTRY"
    EXIT = "EXIT"
    PROTECTIVE_STOP = "PROTECTIVE_STOP"
    PROTECTIVE_TARGET = "PROTECTIVE_TARGET"
    FENCE = "FENCE"
    EMERGENCY = "EMERGENCY"

    @property
    def is_protective(self) -> bool:
        """Whether the order guards a position rather than changing one at will."""
        return self in _PROTECTIVE


_PROTECTIVE = frozenset({Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET})
