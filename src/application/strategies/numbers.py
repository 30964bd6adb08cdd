"""From the floating point numbers of indicators to the decimals of a record."""

from decimal import Decimal
from math import isfinite
from typing import Final

from src.domain.shared.errors import InvariantViolated

_ZERO: Final = Decimal(0)


def rounded_number(value: float) -> Decimal:
    """Round to ten significant digits, half-even, without trailing zeros or negative zero.

    Raises :class:`InvariantViolated` for NaN and infinity: such a number is no ground for a trade.
    """
    if not isfinite(value):
        raise InvariantViolated(f"an indicator value must be finite, not {value}")
    text = f"{value:.10g}"
    return Decimal(f"{Decimal(text):f}" if "e" in text else text) or _ZERO


def rounded_confidence(value: float) -> Decimal:
    """Round to four places, half-even; what is no number in 0 to 1 stays so, and no signal takes it."""
    return Decimal(f"{value:.4f}")
