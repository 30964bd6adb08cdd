"""The exchange's clock, estimated from answers: an offset with a bound on its error.

A sample says: between sending and receiving, the exchange's clock showed this. So the offset is known up to half of
the round trip; between samples the two clocks drift apart. Local time is the boot clock, which nobody sets and which
goes on while the machine sleeps; the wall's clock never enters. Where a machine is halted from outside, the boot clock
stands still with it: a sample that excludes an older one takes its place, however sure that one was of itself.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from src.application.ports.broker import VenueTime

NS_PER_MS: Final = 1_000_000
DRIFT_PPM: Final = 100
SAMPLES: Final = 16
NOTHING_KNOWN_MS: Final = 3_600_000


def boot_ns() -> int:
    """Nanoseconds of a clock that never goes back and does not stop in sleep."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime_ns(clock) if clock is not None else time.monotonic_ns()


@dataclass(frozen=True, slots=True)
class _Sample:
    taken_ns: int
    offset_ns: int
    error_ns: int

    def error_at(self, now_ns: int) -> int:
        return self.error_ns + (now_ns - self.taken_ns) * DRIFT_PPM // 1_000_000

    def agrees_with(self, newer: "_Sample") -> bool:
        """Whether there is an offset that both allow."""
        return abs(newer.offset_ns - self.offset_ns) <= self.error_at(newer.taken_ns) + newer.error_ns


class VenueClock:
    """Keeps the last samples and answers from the one with the smallest error now.

    ``on_time`` is told the exchange's time, ms, whenever there is a new sample.
    """

    def __init__(
        self,
        local_ns: Callable[[], int] = boot_ns,
        wall_ns: Callable[[], int] = time.time_ns,
        on_time: Callable[[int], None] = lambda venue_ms: None,
    ) -> None:
        self._on_time = on_time
        self._local_ns = local_ns
        self._wall_ns = wall_ns
        self._samples: deque[_Sample] = deque(maxlen=SAMPLES)
        self._is_doubted = False

    def local_ns(self) -> int:
        """Local time, to be taken before a request and after its answer."""
        return self._local_ns()

    def sample(self, sent_ns: int, received_ns: int, server_ms: int) -> None:
        """Learn from an answer that carries the exchange's time in whole milliseconds."""
        middle_ns = (sent_ns + received_ns) // 2
        # The time was cut to milliseconds: in the middle of the millisecond it is wrong by half of one at most.
        offset_ns = server_ms * NS_PER_MS + NS_PER_MS // 2 - middle_ns
        error_ns = (received_ns - sent_ns) // 2 + NS_PER_MS // 2
        new = _Sample(received_ns, offset_ns, error_ns)
        # Where two exclude each other, one of the clocks was set in between, or stood still with its machine.
        kept = [] if self._is_doubted else [old for old in self._samples if old.agrees_with(new)]
        self._samples = deque([*kept, new], SAMPLES)
        self._is_doubted = False
        self._on_time(self.now().now_ms)

    def doubt(self) -> None:
        """The exchange did not take our time: the next sample replaces all there are; until then they have to do."""
        self._is_doubted = True

    @property
    def is_set(self) -> bool:
        """Whether there is a sample that nobody doubts."""
        return bool(self._samples) and not self._is_doubted

    def now(self) -> VenueTime:
        """The exchange's time now and how wrong it can be; without a sample the wall's clock, with no trust in it."""
        now_ns = self._local_ns()
        if not self._samples:
            return VenueTime(self._wall_ns() // NS_PER_MS, NOTHING_KNOWN_MS)
        best = min(self._samples, key=lambda sample: sample.error_at(now_ns))
        error_ms = -(-best.error_at(now_ns) // NS_PER_MS)
        return VenueTime((now_ns + best.offset_ns) // NS_PER_MS, error_ms)
