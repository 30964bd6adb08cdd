"""The last gate before the wire: a switch that works without the loop and without the database."""

from enum import StrEnum
from typing import Protocol


class KillLevel(StrEnum):
    """What whoever threw the switch wants, the mildest first."""

    SOFT = "soft"
    """Reduce only: nothing is opened, and the day's own rules go on."""
    HALT = "halt"
    """Halted: nothing is opened, positions keep their stops."""
    HARD = "hard"
    """Halted, and every position is closed at the market."""


class KillSwitch(Protocol):
    """Asked by the sender before every opening order."""

    def is_engaged(self) -> bool:
        """Whether somebody halted trading from outside, at whatever level."""
        ...

    def level(self) -> KillLevel | None:
        """What is wanted, None while not engaged; read now and then, so that it becomes durable and is carried out."""
        ...

    def reason(self) -> str:
        """Why, in the words of whoever threw it; empty when nobody said."""
        ...
