"""Where events go after their commit: screens, metrics, notifications, and handlers of the user."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

# What kind of event a topic carries, only the topic says.
Handler = Callable[[Any], Awaitable[None] | None]


class EventBus(Protocol):
    """Publish and subscribe by topic name, e.g. ``signal.generated`` or ``order.filled``; ``*`` hears all."""

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Call ``handler`` with every event published under ``topic`` from now on."""
        ...

    def publish(self, topic: str, event: object) -> None:
        """Queue an event for the handlers; never waits for them, never raises because of one."""
        ...
