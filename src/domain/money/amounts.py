"""Price, Quantity, Percent and Money: values that cannot be wrong once they exist."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Self

from src.domain.shared.errors import InvariantViolated, UnitMismatch

ZERO: Final = Decimal(0)


def _number(value: Decimal | int | str) -> Decimal | int:
    """A text as a number; :class:`InvariantViolated` for one that is none."""
    if not isinstance(value, str):
        return value
    try:
        return Decimal(value)
    except InvalidOperation:
        raise InvariantViolated(f"{value!r} is not a number") from None


class Price(Decimal):
    """Quote asset per one unit of base asset; finite and above zero."""

    __slots__ = ()

    def __new__(cls, value: Decimal | int | str) -> Self:
        self = super().__new__(cls, _number(value))
        if not self.is_finite() or self <= 0:
            raise InvariantViolated(f"a price must be finite and above zero, not {value}")
        return self

    def notional(self, quantity: Decimal) -> Decimal:
        """Price times quantity, in the quote asset."""
        return self * quantity


class Quantity(Decimal):
    """An amount of the base asset; finite and never negative: the side says the direction."""

    __slots__ = ()

    def __new__(cls, value: Decimal | int | str) -> Self:
        self = super().__new__(cls, _number(value))
        if not self.is_finite() or self < 0:
            raise InvariantViolated(f"a quantity must be finite and not negative, not {value}")
        return self


class Percent(Decimal):
    """A share written as a fraction: 0.02 is two percent. Finite and not negative."""

    __slots__ = ()

    def __new__(cls, value: Decimal | int | str) -> Self:
        self = super().__new__(cls, _number(value))
        if not self.is_finite() or self < 0:
            raise InvariantViolated(f"a percentage must be finite and not negative, not {value}")
        return self


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one asset; may be negative."""

    amount: Decimal
    asset: str

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise InvariantViolated(f"an amount of money must be finite, not {self.amount}")

    def __add__(self, other: "Money") -> "Money":
        if other.asset != self.asset:
            raise UnitMismatch(f"{self.asset} and {other.asset} cannot be added")
        return Money(self.amount + other.amount, self.asset)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.asset)

    def __sub__(self, other: "Money") -> "Money":
        return self + -other

    def __str__(self) -> str:
        return f"{self.amount:f} {self.asset}"
