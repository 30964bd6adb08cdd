"""How often a session that failed may start itself again: three times in ten minutes, each time after a longer wait.

A restart is the ordinary start, recovery included; what fails for a reason that stays must end, and be looked at.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

RESTARTS_MAX: Final = 3
WINDOW_S: Final = 600.0
FIRST_WAIT_S: Final = 1.0
GROWTH: Final = 4.0


class Restarts:
    """Counts and spaces restarts. ``clock`` gives seconds that never go back, ``sleep`` waits for some."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._times: deque[float] = deque()

    async def wait(self) -> bool:
        """Wait as long as the next restart has to: 1, 4, 16 s. False at once when there may be none."""
        now = self._clock()
        while self._times and self._times[0] <= now - WINDOW_S:
            self._times.popleft()
        if len(self._times) >= RESTARTS_MAX:
            return False
        self._times.append(now)
        await self._sleep(FIRST_WAIT_S * GROWTH ** (len(self._times) - 1))
        return True
