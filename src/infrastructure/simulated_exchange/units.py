"""Amounts as integers in units of 10⁻⁸.

The engine counts prices, quantities and money in whole units, so its books can be compared with the program's
Decimals without sharing a line of arithmetic with them. Rounding happens in one place, half to even, as the
exchange rounds commissions and profits (10⁻⁸).
"""

from decimal import Decimal
from functools import lru_cache
from typing import Final

DECIMALS: Final = 8
SCALE: Final = 10**DECIMALS


def to_units(value: Decimal) -> int:
    """``value`` in units of 10⁻⁸; digits beyond the eighth are cut off."""
    return int(value * SCALE)


def is_representable(value: Decimal) -> bool:
    """Whether ``value`` is finite and has no digit beyond the eighth."""
    return value.is_finite() and value * SCALE == int(value * SCALE)


def to_decimal(amount: int) -> Decimal:
    """The exact value of ``amount`` units."""
    return Decimal(amount).scaleb(-DECIMALS)


def divide_half_even(numerator: int, denominator: int) -> int:
    """``numerator`` / ``denominator`` as an integer, ties to the even one; ``denominator`` is above zero."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def multiply(left: int, right: int) -> int:
    """The product of two amounts, in units, half-even: price × quantity, notional × rate."""
    return divide_half_even(left * right, SCALE)


@lru_cache(maxsize=4_096)
def text(amount: int) -> str:
    """The number as the wire spells it: no exponent, no trailing zeros.

    Remembered: each answer and event about an order spells the same prices and quantities.
    """
    if not amount:
        return "0"
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), SCALE)
    if not part:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{part:08d}".rstrip("0")


def number(amount: int) -> int | float:
    """The amount as a JSON number, for the few answers that carry no text: whole where it is whole."""
    whole, part = divmod(amount, SCALE)
    return amount / SCALE if part else whole
