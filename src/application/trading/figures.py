"""Figures as callers print them: a number, or something that prints as a dash where there is none."""

from decimal import Decimal
from typing import Final


class Undefined:
    """The figure that is not defined yet: false, and a dash in every format, so that a report needs no branches."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __format__(self, spec: str) -> str:
        return "-"

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()

Figure = Decimal | Undefined


def figure(value: Decimal | None) -> Figure:
    """The number, or ``UNDEFINED`` for None."""
    return UNDEFINED if value is None else value
