"""Time, as the session knows it: ms UTC. Session time is virtual in replay and paper, the wall's when live."""

from typing import Protocol


class Clock(Protocol):
    """The present moment of the session."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC; never goes back."""
        ...
