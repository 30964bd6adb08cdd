"""The last gate before the wire: a switch that works without the loop and without the database."""

from typing import Protocol


class KillSwitch(Protocol):
    """Asked by the sender before every opening order."""

    def is_engaged(self) -> bool:
        """Whether somebody halted trading from outside."""
        ...
