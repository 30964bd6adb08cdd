"""The inbox of a session on a real exchange: frames, events, answers, commands and timers in the order they come.

Session time is the exchange's at the start plus what a clock that nobody sets has counted since; it never goes back,
and it goes on while the machine sleeps. Where the machine was halted from outside, that clock stood still as well: what
it lacks of the exchange's time is made up for when that is heard of. Quotes may be overtaken by newer ones of the same
symbol while they wait (the latest wins); nothing else is ever dropped or reordered.
"""

import asyncio
import heapq
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from src.application.ports.inputs import InputHandler
from src.application.ports.market_data import TickerFrame
from src.infrastructure.brokers.venue_clock import boot_ns
from src.infrastructure.market_data.decoding import rehearse_decoding
from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketEvent,
    MarkPrice,
    TradePrint,
)

NS_PER_MS: Final = 1_000_000
CATCH_UP_MS: Final = 1_000
"""What session time may lack of the exchange's: an answer is no better a clock than its way is short."""
Action = Callable[[], None]


class LiveInputs:
    """Implements the Inputs port in real time. ``feed`` takes market frames, ``post`` everything else."""

    def __init__(self, local_ns: Callable[[], int] = boot_ns, start_ms: int | None = None) -> None:
        self._local_ns = local_ns
        begun_ms = time.time_ns() // NS_PER_MS if start_ms is None else start_ms
        self._offset_ns = begun_ms * NS_PER_MS - local_ns()
        self._queue: deque[MarketEvent | Action] = deque()
        self._quotes: Counter[str] = Counter()
        self._timers: list[tuple[int, int, Action]] = []
        self._numbers = count()
        self._awake = asyncio.Event()
        self.overtaken = 0
        self.on_leap: Callable[[], None] = lambda: None
        """Told when session time has made up for something: what was timed before is of another time."""

    def now_ms(self) -> int:
        """Session time."""
        return (self._local_ns() + self._offset_ns) // NS_PER_MS

    def catch_up(self, venue_ms: int) -> None:
        """The exchange's clock shows this: go on from there, if session time is behind it."""
        behind_ms = venue_ms - self.now_ms()
        if behind_ms > CATCH_UP_MS:
            self._offset_ns += behind_ms * NS_PER_MS
            self.on_leap()
            # Timers are due that were not.
            self._awake.set()

    def begin_at(self, last_ms: int) -> None:
        """The market went by itself."""

    def feed(self, event: MarketEvent) -> None:
        """A market frame."""
        if type(event) is BookTicker:
            self._quotes[event.symbol] += 1
        self._queue.append(event)
        self._awake.set()

    def post(self, action: Action) -> None:
        """A command, an answer, an event of the user stream."""
        self._queue.append(action)
        self._awake.set()

    def after(self, delay_ms: int, action: Action) -> None:
        """A timer in session time."""
        heapq.heappush(self._timers, (self.now_ms() + delay_ms, next(self._numbers), action))
        self._awake.set()

    def pump(self, handler: InputHandler, limit: int) -> int:
        """Hand over due timers and what has come, until something leads to a commit."""
        routes = _routes(handler)
        now_ms = self.now_ms()
        handed = 0
        while handed < limit and not handler.pending:
            if self._timers and self._timers[0][0] <= now_ms:
                heapq.heappop(self._timers)[2]()
            elif self._queue:
                if not self._hand_over(self._queue.popleft(), routes, now_ms):
                    continue
            else:
                break
            handed += 1
        return handed

    def _hand_over(
        self, item: MarketEvent | Action, routes: dict[type, Callable[[Any, int], None]], now_ms: int
    ) -> bool:
        route = routes.get(type(item))
        if route is None:
            item()  # type: ignore[operator]  # whatever is no frame is an action
            return True
        if type(item) is BookTicker:
            self._quotes[item.symbol] -= 1
            if self._quotes[item.symbol]:
                self.overtaken += 1
                return False
        route(item, now_ms)
        return True

    async def wait(self) -> bool:
        """Sleep until something comes or a timer is due. There is always something to come."""
        self._awake.clear()
        if self._queue:
            return True
        due_ms = self._timers[0][0] - self.now_ms() if self._timers else None
        if due_ms is not None and due_ms <= 0:
            return True
        try:
            # wait_for would lose a cancellation that comes with the news, and makes a task for each wait.
            async with asyncio.timeout(None if due_ms is None else due_ms / 1000):
                await self._awake.wait()
        except TimeoutError:
            return True
        return True

    async def poll(self) -> bool:
        """Let other tasks bring what has come. There is always something to come."""
        await self.breathe()
        return True

    def rehearse(self) -> TickerFrame:
        """Decode a quote that was made up, as those that come are decoded, and hand it to nobody but the caller."""
        return rehearse_decoding()

    async def breathe(self) -> None:
        """Let other tasks run."""
        await asyncio.sleep(0)


def _routes(handler: InputHandler) -> dict[type, Callable[[Any, int], None]]:
    return {
        BookTicker: handler.on_ticker,
        TradePrint: handler.on_trade,
        DepthUpdate: handler.on_depth,
        DepthSnapshot: handler.on_snapshot,
        MarkPrice: handler.on_mark_price,
    }
