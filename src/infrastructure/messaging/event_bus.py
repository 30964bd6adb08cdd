"""The event bus inside the process.

Publishing only queues; a task of its own feeds the handlers, so the session's loop never waits for one and never
fails because of one. A handler that raises is logged and stays subscribed: what it does is not trading.
"""

import asyncio
import inspect
import logging
from collections import deque

from src.application.ports.event_bus import Handler

_LOG = logging.getLogger("steadyhand.bus")

EVERYTHING = "*"
QUEUE_MAX = 100_000


class InProcessEventBus:
    """Implements the EventBus port. Without a running event loop, handlers are fed by :meth:`drain`."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}
        self._queue: deque[tuple[str, object]] = deque()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Call ``handler`` with every event published under ``topic``, or under any for ``*``."""
        self._handlers.setdefault(topic, []).append(handler)

    def publish(self, topic: str, event: object) -> None:
        """Queue the event if anybody listens; the queue is bounded, what overflows is counted."""
        if topic not in self._handlers and EVERYTHING not in self._handlers:
            return
        if len(self._queue) >= QUEUE_MAX:
            self.dropped += 1
            return
        self._queue.append((topic, event))
        if self._task is None or self._task.done():
            try:
                self._task = asyncio.get_running_loop().create_task(self._feed_all())
            except RuntimeError:
                return

    async def drain(self) -> None:
        """Wait until everything queued has reached its handlers; one task feeds them, so the order is kept."""
        if self._queue and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._feed_all())
        if self._task is not None and not self._task.done() and self._task is not asyncio.current_task():
            await asyncio.shield(self._task)

    async def _feed_all(self) -> None:
        while self._queue:
            topic, event = self._queue.popleft()
            for handler in (*self._handlers.get(topic, ()), *self._handlers.get(EVERYTHING, ())):
                await self._feed(handler, topic, event)

    async def _feed(self, handler: Handler, topic: str, event: object) -> None:
        try:
            result = handler(event)
            if inspect.isawaitable(result):
                await result
        except Exception:  # noqa: BLE001 - a handler is a guest: whatever it raises must not reach trading
            _LOG.exception("a handler of %s failed", topic)
