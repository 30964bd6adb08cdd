"""How long a request, its answer and an event take on their way, drawn from a seed and a key.

Every draw depends on nothing but (seed, leg, key): the same order has the same latencies in every run, whatever
else happens, on any machine (integers only). A late message is held up by ``late_ns``; a duplicate comes again
after another latency. Order within one kind of event is kept by whoever delivers, as the venue promises it.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

_HALF_BITS: Final = 32
_RANGE: Final = 1 << _HALF_BITS
_LOW_HALF: Final = _RANGE - 1
MILLISECOND_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class LatencyModel:
    """Latencies in ns: the median of each leg, and ``jitter`` of it to either side (0.5 is ±50 %).

    ``late`` and ``duplicate`` are probabilities, 0 to 1.
    """

    seed: int = 0
    request_ns: int = 2 * MILLISECOND_NS
    answer_ns: int = 2 * MILLISECOND_NS
    event_ns: int = 2 * MILLISECOND_NS
    jitter: float = 0.5
    late: float = 0.01
    late_ns: int = 25 * MILLISECOND_NS
    duplicate: float = 0.01

    def request(self, key: str) -> int:
        """How long a request takes to the exchange."""
        return self._delay("request", key, self.request_ns)

    def answer(self, key: str) -> int:
        """How long its answer takes back."""
        return self._delay("answer", key, self.answer_ns)

    def event(self, key: str) -> tuple[int, ...]:
        """How long each copy of an event takes; mostly there is one."""
        first = self._delay("event", key, self.event_ns)
        if self._draw("duplicate", key) >> _HALF_BITS < self.duplicate * _RANGE:
            return first, first + self._delay("again", key, self.event_ns)
        return (first,)

    def _delay(self, leg: str, key: str, median_ns: int) -> int:
        draw = self._draw(leg, key)
        width = int(median_ns * self.jitter)
        delay = median_ns - width + (2 * width * (draw >> _HALF_BITS) >> _HALF_BITS)
        return delay + self.late_ns if draw & _LOW_HALF < self.late * _RANGE else delay

    def _draw(self, leg: str, key: str) -> int:
        """64 random bits, whose halves are independent."""
        digest = blake2b(f"{self.seed}:{leg}:{key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")
