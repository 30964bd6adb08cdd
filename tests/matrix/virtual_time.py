"""An event loop whose time jumps to the next timer whenever nothing is on its way, with real sockets inside it.

Client and server of a cell live in one loop and talk over the loopback interface, which delivers within the call that
sends. So when the selector has nothing, nothing will come before the next timer, and the loop need not wait for it:
ten minutes of timeouts, bans and backoffs take milliseconds. Session and exchange are given :func:`virtual_ns` for
their clocks.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

START_NS: Final = 1_789_478_300_000 * 1_000_000
LOOKS: Final = 3
"""How often the selector is asked before time goes on: what was reset may show up one turn later."""
STUCK_S: Final = 5.0


class Stuck(RuntimeError):
    """Nothing is on its way and no timer runs: the loop would wait for ever."""


class _JumpingSelector(selectors.DefaultSelector):
    jumped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        for _ in range(LOOKS):
            events: list[tuple[selectors.SelectorKey, int]] = super().select(0)
            if events or timeout == 0:
                return events
        if timeout is None:
            events = super().select(STUCK_S)
            if not events:
                raise Stuck("nothing is on its way and no timer runs")
            return events
        self.jumped_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time goes on by jumps alone; work takes none."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._jumping.jumped_s

    def time_ns(self) -> int:
        """Virtual time in ns since the epoch."""
        return START_NS + int(self._jumping.jumped_s * 1e9)


def virtual_ns() -> int:
    """The running loop's time, in ns since the epoch: a clock for a machine in virtual time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "this clock is for virtual time"
    return loop.time_ns()


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time; tasks it leaves behind are cancelled."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
