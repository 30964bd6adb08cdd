"""The event bus inside the process.

Publishing only queues; the event loop's next turn feeds the handlers, so the session's loop never waits for one and
never fails because of one. A handler that raises is logged and stays subscribed: what it does is not trading. One that
has to wait (for the outcome of an order, say) delays what it hears itself, and nobody else.
"""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass, field

from src.application.ports.event_bus import Handler

_LOG = logging.getLogger("steadyhand.bus")

EVERYTHING = "*"
QUEUE_MAX = 100_000


@dataclass(slots=True, eq=False)
class _Line:
    """A handler, and the events that wait until it is done with an earlier one."""

    handler: Handler
    waiting: deque[tuple[str, object]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self.task is not None and not self.task.done()


class InProcessEventBus:
    """Implements the EventBus port. Without a running event loop, handlers are fed by :meth:`drain`."""

    def __init__(self) -> None:
        self._lines: dict[str, list[_Line]] = {}
        self._queue: deque[tuple[str, object]] = deque()
        self._will_feed = False
        self.dropped = 0

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Call ``handler`` with every event published under ``topic``, or under any for ``*``."""
        self._lines.setdefault(topic, []).append(_Line(handler))

    def publish(self, topic: str, event: object) -> None:
        """Queue the event if anybody listens; the queue is bounded, what overflows is counted."""
        if topic not in self._lines and EVERYTHING not in self._lines:
            return
        if len(self._queue) >= QUEUE_MAX:
            self.dropped += 1
            return
        self._queue.append((topic, event))
        if not self._will_feed:
            try:
                asyncio.get_running_loop().call_soon(self._feed_all)
            except RuntimeError:
                return
            self._will_feed = True

    async def drain(self) -> None:
        """Wait until every handler is done with everything queued; a handler that calls this waits for the others."""
        mine = asyncio.current_task()
        while True:
            self._feed_all()
            tasks = [line.task for lines in self._lines.values() for line in lines]
            pending = [task for task in tasks if task is not None and not task.done() and task is not mine]
            if not pending:
                return
            await asyncio.wait(pending)

    def _feed_all(self) -> None:
        self._will_feed = False
        while self._queue:
            topic, event = self._queue.popleft()
            for line in (*self._lines.get(topic, ()), *self._lines.get(EVERYTHING, ())):
                self._feed(line, topic, event)

    def _feed(self, line: _Line, topic: str, event: object) -> None:
        """Hand an event over, or put it behind those that the handler is still at."""
        if not line.is_busy:
            rest = self._call(line, topic, event)
            if rest is not None:
                line.task = asyncio.get_running_loop().create_task(self._work_off(line, topic, rest))
        elif len(line.waiting) < QUEUE_MAX:
            line.waiting.append((topic, event))
        else:
            self.dropped += 1

    def _call(self, line: _Line, topic: str, event: object) -> Awaitable[None] | None:
        """Call the handler; what is left to be awaited, if anything."""
        try:
            result = line.handler(event)
        except Exception:  # noqa: BLE001 - a handler is a guest: whatever it raises must not reach trading
            _LOG.exception("a handler of %s failed", topic)
            return None
        return result if result is not None and inspect.isawaitable(result) else None

    async def _work_off(self, line: _Line, topic: str, rest: Awaitable[None] | None) -> None:
        """Await what a handler began, then what came for it meanwhile, in order."""
        while True:
            if rest is not None:
                try:
                    await rest
                except Exception:  # noqa: BLE001 - the same for what a handler awaits
                    _LOG.exception("a handler of %s failed", topic)
            if not line.waiting:
                return
            topic, event = line.waiting.popleft()
            rest = self._call(line, topic, event)
