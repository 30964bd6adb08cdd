"""The one decimal context money is computed in: 34 digits (IEEE 754 decimal128), half-even, traps on.

Sums of prices, quantities and fees never need more than 34 digits, so no sum is ever rounded; a test computes
a session with the ``Inexact`` trap on to prove it.
"""

from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow, setcontext

PRECISION = 34

MONEY_CONTEXT = Context(
    prec=PRECISION, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)


def use_money_context() -> None:
    """Make the money context that of the calling thread; every entry point calls it once."""
    setcontext(MONEY_CONTEXT.copy())
