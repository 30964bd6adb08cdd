"""Rounding to tick and step, with the direction in the name.

Rounding never increases risk: quantities go down, a buyer's limit goes down and a seller's up unless the caller
says otherwise by name. Amounts of money are quantised to 10⁻⁸ half-even, as the exchange does.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

SATOSHI: Final = Decimal("0.00000001")


def round_down_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` that is not above ``value``."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def round_price_down_to_tick(value: Decimal, tick: Decimal) -> Decimal:
    """The largest multiple of ``tick`` that is not above ``value``."""
    return (value / tick).to_integral_value(ROUND_FLOOR) * tick


def round_price_up_to_tick(value: Decimal, tick: Decimal) -> Decimal:
    """The smallest multiple of ``tick`` that is not below ``value``."""
    return (value / tick).to_integral_value(ROUND_CEILING) * tick


def round_nearest_to_tick(value: Decimal, tick: Decimal) -> Decimal:
    """The multiple of ``tick`` nearest to ``value``, ties to the even one."""
    return (value / tick).to_integral_value(ROUND_HALF_EVEN) * tick


def is_multiple_of(value: Decimal, step: Decimal) -> bool:
    """Whether ``value`` lies on the grid of ``step``; a step of zero is no grid."""
    return step == 0 or value % step == 0


def quantize_amount(value: Decimal) -> Decimal:
    """An amount of money to 10⁻⁸, half-even."""
    return value.quantize(SATOSHI, ROUND_HALF_EVEN)


def canonical(value: Decimal) -> str:
    """The one spelling of a number in the journal: no exponent, no trailing zeros, no negative zero."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
