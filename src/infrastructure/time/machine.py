"""The clocks and the chance of one machine: what an adapter would otherwise take from the operating system by itself.

Only adapters get one. A simulation gives every simulated machine its own, made from a seed; the product has one, HERE.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from src.infrastructure.brokers.venue_clock import boot_ns

NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Machine:
    """``wall_ns``: ns since the epoch, UTC, as somebody set it; ``steady_ns``: ns of a clock that never goes back.

    ``uniform`` draws a number between two others; nothing that trades may depend on it.
    """

    wall_ns: Callable[[], int] = time.time_ns
    steady_ns: Callable[[], int] = boot_ns
    uniform: Callable[[float, float], float] = random.uniform

    def wall_ms(self) -> int:
        """The wall's clock in ms since the epoch, UTC."""
        return self.wall_ns() // NS_PER_MS


HERE: Final = Machine()
