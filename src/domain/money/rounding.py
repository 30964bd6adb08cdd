"""Rounding to tick and step, with the direction in the name.

Rounding never increases risk: quantities go down unless they can only reduce, a buyer's limit goes down and a seller's
up unless the caller says otherwise by name. Amounts of money are quantised to 10⁻⁸ half-even, as the exchange does.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from src.domain.money.context import MONEY_CONTEXT

SATOSHI: Final = Decimal("0.00000001")


def round_down_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` that is not above ``value``."""
    return _floor(value, step)


def round_up_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of ``step`` that is not below ``value``: for what can only reduce, and is capped."""
    return _ceiling(value, step)


def round_price_down_to_tick(value: Decimal, tick: Decimal) -> Decimal:
    """The largest multiple of ``tick`` that is not above ``value``."""
    return _floor(value, tick)


def round_price_up_to_tick(value: Decimal, tick: Decimal) -> Decimal:
    """The smallest multiple of ``tick`` that is not below ``value``."""
    return _ceiling(value, tick)


def _ceiling(value: Decimal, step: Decimal) -> Decimal:
    below = _floor(value, step)
    return below if below == value else below + step


def _floor(value: Decimal, step: Decimal) -> Decimal:
    # The integer quotient is exact; one of more digits than the context has would be rounded, perhaps upward.
    multiple = value // step * step
    return multiple if multiple <= value else multiple - step


def round_nearest_to_tick(value: Decimal, tick: Decimal) -> Decimal:
    """The multiple of ``tick`` nearest to ``value``, ties to the even one."""
    return (value / tick).to_integral_value(ROUND_HALF_EVEN) * tick


def is_multiple_of(value: Decimal, step: Decimal) -> bool:
    """Whether ``value`` lies on the grid of ``step``; a step of zero is no grid."""
    return step == 0 or value % step == 0


def quantize_amount(value: Decimal) -> Decimal:
    """An amount of money to 10⁻⁸, half-even."""
    return value.quantize(SATOSHI, ROUND_HALF_EVEN, MONEY_CONTEXT)


def pro_rata(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """``part / whole`` of an amount of money, to 10⁻⁸, half-even; what is left of the amount is the other part.

    Computed in the money context whatever that of the thread, like every step that rounds: so a trap on inexact
    results in the thread's context catches exactly the sums that should have been exact.
    """
    return quantize_amount(MONEY_CONTEXT.divide(MONEY_CONTEXT.multiply(amount, part), whole))


def canonical(value: Decimal) -> str:
    """The one spelling of a number in the journal: no exponent, no trailing zeros, no negative zero."""
    # str() is three times as fast, and the canonical spelling already unless it ends in a zero or has an exponent.
    text = str(value)
    if text[-1] != "0" and "E" not in text:
        return text
    if not value:
        return "0"
    if "E" in text:
        text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
