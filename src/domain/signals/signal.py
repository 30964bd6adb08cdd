"""A signal: a wish, not an order.

It says which way, how surely and why, and carries the indicator values it rested on, so that the journal can
show years later what a decision was made from. Indicators are binary floating point numbers; they are let in as
decimals of at most ten significant digits, which every platform spells alike.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from src.domain.shared.errors import InvariantViolated
from src.domain.shared.making import maker

SIGNIFICANT_DIGITS: Final = 10
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)

_ten_digits: Final = Context(prec=SIGNIFICANT_DIGITS, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation]).plus


class SignalType(StrEnum):
    """BUY wants to be long, SELL wants to be short, EXIT wants no position."""

    BUY = "BUY"
    SELL = "SELL"
    EXIT = "EXIT"


@dataclass(frozen=True, slots=True)
class Signal:
    """One wish of one strategy about one symbol.

    ``confidence`` is 0 (a guess) to 1 (certain); each strategy states its formula. ``reason`` is one sentence
    for a person. ``numbers`` are (name, value) of the indicators behind it, of at most ten
    significant digits. ``reference_price`` is the price the strategy saw (quote asset per base asset), ``at_ms``
    when it saw it (ms since the epoch, UTC).

    Raises :class:`InvariantViolated` when one of these does not hold.
    """

    symbol: str
    signal_type: SignalType
    strategy_id: str
    confidence: Decimal
    reason: str
    numbers: tuple[tuple[str, Decimal], ...]
    reference_price: Decimal
    at_ms: int

    def __post_init__(self) -> None:
        # NaN compares to nothing, so finiteness is asked first.
        if not self.confidence.is_finite() or not _ZERO <= self.confidence <= _ONE:
            raise InvariantViolated(f"a confidence lies in 0 to 1, {self.confidence} does not")
        if not self.reference_price.is_finite() or self.reference_price <= _ZERO:
            raise InvariantViolated(f"a reference price must be above zero, not {self.reference_price}")
        if not self.reason or "\n" in self.reason:
            raise InvariantViolated("a signal needs one sentence that says why")
        for name, value in self.numbers:
            if not value.is_finite() or value != _ten_digits(value):
                raise InvariantViolated(
                    f"{name} of a signal must be rounded to {SIGNIFICANT_DIGITS} digits: {value}"
                )


make_signal: Final = maker(Signal)

# The event's name in the documents of the live trading module.
SignalGenerated = Signal
