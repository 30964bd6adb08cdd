"""The vocabulary of orders. Values carry the exchange's spellings, so that reading a log needs no dictionary."""

from enum import StrEnum


class OrderType(StrEnum):
    """How an order trades; all but the first two rest at the exchange as conditional (algo) orders until triggered.

    STOP and TAKE_PROFIT become limit orders then, the others market orders. TRAILING_STOP_MARKET has no fixed
    trigger: it follows the best price since its activation at a distance.
    """

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    STOP = "STOP"
    TAKE_PROFIT = "TAKE_PROFIT"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"

    @property
    def is_conditional(self) -> bool:
        """Whether the order waits for a trigger price in the exchange's algo book."""
        return self in _CONDITIONAL

    @property
    def has_limit(self) -> bool:
        """Whether the order names the worst price it trades at."""
        return self in LIMITED

    @property
    def has_trigger(self) -> bool:
        """Whether the order names the price that triggers it."""
        return self in TRIGGERED


LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT})
TRIGGERED = frozenset(
    {OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET, OrderType.STOP, OrderType.TAKE_PROFIT}
)
_CONDITIONAL = TRIGGERED | {OrderType.TRAILING_STOP_MARKET}


class TimeInForce(StrEnum):
    """How long a limit order rests.

    Till canceled; at once, as far as it goes (IOC) or whole (FOK); as maker only (GTX, post-only); till a date.
    """

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"
    GTD = "GTD"


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

    is_terminal: bool
    """Whether nothing but a late fill can still come: told once, and asked of every order at every look."""

    def __init__(self, value: str) -> None:
        self.is_terminal = value in ("DENIED", "FILLED", "CANCELED", "EXPIRED", "REJECTED")


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
