"""The engine as all connections share it: at the present time, with one commit for what one turn of the loop brought.

Answers wait for their commit, and so do user events. Reading ends the running group first, so that nobody is told
what could still be lost, and finds what it has just written.
"""

import asyncio
from collections.abc import Callable, Sequence

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.records import UserEvent
from src.infrastructure.simulated_exchange.server.clock import ServerClock

Deliver = Callable[[Sequence[UserEvent]], None]


class Venue:
    """One engine, used from one event loop.

    ``deliver`` is given the user events after their commit. After a failed commit every waiter is told of it, and
    :attr:`failed` holds the failure: the server has to end.
    """

    def __init__(self, engine: Engine, clock: ServerClock, deliver: Deliver) -> None:
        self.clock = clock
        self.failed: asyncio.Future[ExchangeFailure] = asyncio.get_running_loop().create_future()
        self._engine = engine
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._is_open = False
        self._waiters: list[asyncio.Future[None]] = []
        self.commits = 0

    def writing(self) -> Engine:
        """The engine, at the present time; what it changes is committed at the end of this turn of the loop."""
        if not self._is_open:
            self._is_open = True
            self._engine.hold()
            self._loop.call_soon(self.flush)
        self._engine.advance_time(self.clock.now_ms())
        return self._engine

    def reading(self) -> Engine:
        """The engine, at the present time, with nothing in it that is not durable."""
        engine = self.writing()
        self.flush()
        return engine

    @property
    def engine(self) -> Engine:
        """The engine as it is, for what neither time nor durability matters to."""
        return self._engine

    async def durable(self) -> None:
        """Wait until what was written before is durable; raises :class:`ExchangeFailure` if it cannot be."""
        if self._is_open:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def flush(self) -> None:
        """Commit what was written since the last time, hand out its events, release its answers."""
        if not self._is_open:
            return
        self._is_open = False
        waiters, self._waiters = self._waiters, []
        try:
            self.commits += self._engine.release()
        except ExchangeFailure as failure:
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(failure)
            if not self.failed.done():
                self.failed.set_result(failure)
            return
        events = self._engine.take_events()
        if events:
            self._deliver(events)
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
