"""The server's clock: the machine's, moved by a skew that a test may set."""

import time
from collections.abc import Callable


def wall_ms() -> int:
    """The machine's time in ms since the epoch, UTC."""
    return time.time_ns() // 1_000_000


class ServerClock:
    """Milliseconds since the epoch as the exchange sees them; never back, whatever the skew and the machine do.

    ``skew_ms`` is added to the machine's time: a server that runs ahead of its clients, or behind them. ``steady_ns``
    is what a market is paced by, a clock that nobody sets.
    """

    def __init__(
        self,
        wall: Callable[[], int] = wall_ms,
        skew_ms: int = 0,
        steady_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall = wall
        self.steady_ns = steady_ns
        self._latest_ms = 0
        self.skew_ms = skew_ms

    def now_ms(self) -> int:
        """The time, at least that of the last call."""
        now_ms = self._wall() + self.skew_ms
        if now_ms > self._latest_ms:
            self._latest_ms = now_ms
        return self._latest_ms
