"""A circuit breaker: after failures in a row the other side is left alone for a while, then tried with one call.

For calls that may be repeated, that is, for reads; an order's outcome is settled by evidence and never by trying.
The pattern is Michael Nygard's (Release It!, 2nd edition, chapter 5). One event loop uses one breaker: between two
awaits nothing else runs, so no lock is needed.
"""

import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import ParamSpec, TypeVar

from src.application.ports.broker import CircuitOpenError

P = ParamSpec("P")
T = TypeVar("T")


class CircuitState(StrEnum):
    """CLOSED: calls pass. OPEN: none does. HALF_OPEN: one probe is on its way, everything else is refused."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class CircuitBreaker:
    """Opens after ``failure_threshold`` failures in a row, for ``recovery_timeout`` seconds.

    ``failures`` are the exceptions that count; any other is an answer, and an answer shows that somebody is there.
    ``clock`` gives seconds that never go back. Raises ValueError for a threshold below one or a negative timeout.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        recovery_timeout: float = 60,
        *,
        failures: type[Exception] | tuple[type[Exception], ...] = Exception,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if failure_threshold < 1 or recovery_timeout < 0:
            raise ValueError("a circuit breaker needs a threshold of at least 1 and no negative timeout")
        self.failure_threshold = failure_threshold
        self.recovery_timeout = recovery_timeout
        self.failure_count = 0
        self.last_failure_time: float | None = None
        self.state = CircuitState.CLOSED
        self._failures = failures
        self._clock = clock

    async def call(self, func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await ``func(*args, **kwargs)``; raises what it raises, and CircuitOpenError when nothing may pass."""
        is_probe = self._admit()
        try:
            result = await func(*args, **kwargs)
        except self._failures:
            self._failed(is_probe)
            raise
        except Exception:  # any other error is an answer, and an answer shows that somebody is there
            self._succeeded(is_probe)
            raise
        except BaseException:  # canceled: nothing was learnt, so the next call is the probe
            if is_probe:
                self.state = CircuitState.OPEN
            raise
        self._succeeded(is_probe)
        return result

    def should_attempt_reset(self) -> bool:
        """Whether an open circuit has been left alone long enough for a probe."""
        return self._remaining() <= 0

    def _remaining(self) -> float:
        if self.last_failure_time is None:
            return 0.0
        return self.last_failure_time + self.recovery_timeout - self._clock()

    def _admit(self) -> bool:
        """Let a call pass, or raise; True for the one that probes."""
        if self.state is CircuitState.CLOSED:
            return False
        if self.state is CircuitState.HALF_OPEN or not self.should_attempt_reset():
            raise CircuitOpenError(max(0.0, self._remaining()))
        self.state = CircuitState.HALF_OPEN
        return True

    def _succeeded(self, is_probe: bool) -> None:
        # What was sent before the circuit opened says nothing about now: only the probe closes it.
        if is_probe or self.state is CircuitState.CLOSED:
            self.failure_count = 0
            self.state = CircuitState.CLOSED

    def _failed(self, is_probe: bool) -> None:
        if not is_probe and self.state is not CircuitState.CLOSED:
            return
        self.failure_count += 1
        self.last_failure_time = self._clock()
        if is_probe or self.failure_count >= self.failure_threshold:
            self.state = CircuitState.OPEN
