"""From the floating point numbers of indicators to the decimals of a record."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from src.domain.shared.errors import InvariantViolated

_ZERO: Final = Decimal(0)


def rounded_number(value: float) -> Decimal:
    """Round to ten significant digits, half-even, without trailing zeros or negative zero.

    Raises :class:`InvariantViolated` for NaN and infinity: such a number is no ground for a trade.
    """
    text = f"{value:.10g}"
    # "nan", "inf" and "-inf" are the only ones with this letter.
    if "n" in text:
        raise InvariantViolated(f"an indicator value must be finite, not {value}")
    return Decimal(f"{Decimal(text):f}" if "e" in text else text) or _ZERO


def rounded_numbers(numbers: Iterable[tuple[str, float]]) -> tuple[tuple[str, Decimal], ...]:
    """Named values, each rounded as :func:`rounded_number` does; raises what that raises."""
    rounded = []
    for name, value in numbers:
        rounded.append((name, rounded_number(value)))
    return tuple(rounded)


def rounded_confidence(value: float) -> Decimal:
    """Round to four places, half-even; what is no number in 0 to 1 stays so, and no signal takes it."""
    return Decimal(f"{value:.4f}")
