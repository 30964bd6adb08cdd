"""Amounts with units, and the one home of rounding.

``Price`` is quote asset per unit of base asset, ``Quantity`` is base asset and never negative, ``Money`` is an
amount of a named asset. They are checked once, in the constructor; afterwards nobody checks again. ``Price`` and
``Quantity`` are Decimals, so arithmetic on them is exact and as fast as Decimal itself; the result of arithmetic
is a plain ``Decimal`` and has to be wrapped again to claim a unit.
"""

from src.domain.money.amounts import ZERO, Money, Percent, Price, Quantity
from src.domain.money.context import MONEY_CONTEXT, PRECISION, use_money_context
from src.domain.money.rounding import (
    SATOSHI,
    canonical,
    is_multiple_of,
    pro_rata,
    quantize_amount,
    round_down_to_step,
    round_nearest_to_tick,
    round_price_down_to_tick,
    round_price_up_to_tick,
    round_up_to_step,
)

__all__ = [
    "MONEY_CONTEXT",
    "PRECISION",
    "SATOSHI",
    "ZERO",
    "Money",
    "Percent",
    "Price",
    "Quantity",
    "canonical",
    "is_multiple_of",
    "pro_rata",
    "quantize_amount",
    "round_down_to_step",
    "round_nearest_to_tick",
    "round_price_down_to_tick",
    "round_price_up_to_tick",
    "round_up_to_step",
    "use_money_context",
]
