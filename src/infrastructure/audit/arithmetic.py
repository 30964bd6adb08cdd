"""What trades make of a position, by average cost: the auditor's own arithmetic, as a check on the exchange's figures.

Closing takes the share ``cost × closed / held`` of the cost, rounded half-even to 10⁻⁸, and leaves the remainder, so
that the parts of a cost add up to the whole; realised profit is proceeds less that share. A trade larger than the
position closes it and opens the rest the other way. Callers add under :data:`EXACT`, where no sum is rounded.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from src.infrastructure.audit.records import ZERO, Trade

UNIT: Final = Decimal("0.00000001")
_SCALE: Final = 10**8
EXACT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)


class AverageCost:
    """A position that starts flat and is fed trades in the order of their ids.

    ``quantity`` is signed (base asset), ``cost`` has its sign (quote asset), ``closes`` counts the trades that closed.
    """

    __slots__ = ("closes", "cost", "quantity")

    def __init__(self) -> None:
        self.quantity = ZERO
        self.cost = ZERO
        self.closes = 0

    def take(self, trade: Trade) -> Decimal:
        """Work the trade in; the profit it realises before commission."""
        opening = trade.signed
        profit = ZERO
        if self.quantity and (self.quantity > 0) is not (opening > 0):
            closed = min(trade.quantity, abs(self.quantity))
            profit = self._close(closed, trade.price)
            opening += closed if opening < 0 else -closed
        self.quantity += opening
        self.cost += on_grid(trade.price * opening)
        return profit

    def _close(self, closed: Decimal, price: Decimal) -> Decimal:
        """Close so much of it; the profit."""
        held, sign = abs(self.quantity), 1 if self.quantity > 0 else -1
        share = self.cost if closed == held else share_of(self.cost, closed, held)
        self.cost -= share
        self.quantity -= sign * closed
        self.closes += 1
        return sign * on_grid(price * closed) - share


def on_grid(amount: Decimal) -> Decimal:
    """The amount rounded half-even to 10⁻⁸."""
    return amount.quantize(UNIT, rounding=ROUND_HALF_EVEN)


def share_of(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """``whole × part / of``, rounded once, half-even, to 10⁻⁸."""
    return Decimal(round(Fraction(whole) * Fraction(part) / Fraction(of) * _SCALE)).scaleb(-8)
