"""Which way an order trades, and which position it belongs to."""

from enum import StrEnum


class OrderSide(StrEnum):
    """BUY adds base asset, SELL gives it away."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "OrderSide":
        """The side that undoes this one."""
        return OrderSide.SELL if self is OrderSide.BUY else OrderSide.BUY

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is OrderSide.BUY else -1


def trade_half(trade_id: int, side: OrderSide) -> int:
    """One of the two halves of a trade, as a number that is its own and grows with trades: the bought, then the sold.

    An account that trades with itself hears of both, under the one id that the trade has.
    """
    return 2 * trade_id + (side is OrderSide.SELL)


class PositionSide(StrEnum):
    """BOTH in one-way mode; LONG or SHORT in hedge mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"

    def is_closed_by(self, side: OrderSide) -> bool:
        """Whether orders of ``side`` can close such a position; in hedge mode those of the other side open it."""
        return self is PositionSide.BOTH or (self is PositionSide.LONG) is (side is OrderSide.SELL)
