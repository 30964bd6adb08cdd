"""Who listens to which stream, and how a payload reaches all of them with as little work as possible.

A payload becomes bytes once for the connections that get it raw and once for those that get it wrapped in its
stream's name. What one turn brings for a connection is written at once, at the end of the turn.
"""

from typing import Final, Protocol

from src.infrastructure.simulated_exchange.server.frames_out import text_frame

BACKLOG_MAX: Final = 8 << 20
"""Bytes that may wait for a slow reader before it is cut off."""


class Sink(Protocol):
    """The writing end of a socket, as asyncio's transports have it."""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def get_write_buffer_size(self) -> int:
        """How many bytes wait to be sent."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Listener:
    """One connection as the hub sees it: its sink, whether it wants wrapped payloads, and what waits to be written.

    While ``is_mute`` nothing is written but what :meth:`reply` sends: a stream that went silent.
    """

    __slots__ = ("events", "is_combined", "is_mute", "sink", "streams", "waiting")

    def __init__(self, sink: Sink, is_combined: bool) -> None:
        self.sink = sink
        self.is_combined = is_combined
        self.is_mute = False
        self.streams: dict[str, bool] = {}
        self.events: frozenset[str] | None = None
        self.waiting: list[bytes] = []

    def reply(self, payload: bytes) -> None:
        """Write the answer to a request now, behind what waits."""
        self.waiting.append(text_frame(payload))
        self.flush()

    def flush(self) -> None:
        """Write what waits; a reader that is too slow is cut off, as the exchange does."""
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return
        if self.sink.get_write_buffer_size() > BACKLOG_MAX:
            self.sink.abort()
        else:
            self.sink.write(waiting[0] if len(waiting) == 1 else b"".join(waiting))


class StreamHub:
    """Streams by name with their listeners."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}
        self._due: list[Listener] = []

    def wants(self, stream: str) -> bool:
        """Whether anybody listens to a stream."""
        return stream in self._listeners

    def join(self, listener: Listener, stream: str) -> None:
        """Let a connection listen to a stream; again does nothing."""
        listeners = self._listeners.setdefault(stream, [])
        if listener not in listeners:
            listeners.append(listener)

    def leave(self, listener: Listener, stream: str) -> None:
        """Let a connection listen no more."""
        listeners = self._listeners.get(stream)
        if listeners is not None and listener in listeners:
            listeners.remove(listener)
            if not listeners:
                del self._listeners[stream]

    def publish(self, stream: str, payload: str, kind: str = "") -> None:
        """Hand a payload to everybody who listens; ``kind`` is an event's name that a listener may filter by."""
        listeners = self._listeners.get(stream)
        if listeners is None:
            return
        raw = wrapped = b""
        for listener in listeners:
            if listener.is_mute or (listener.events is not None and kind and kind not in listener.events):
                continue
            if not listener.waiting:
                self._due.append(listener)
            if listener.is_combined:
                wrapped = wrapped or text_frame(f'{{"stream":"{stream}","data":{payload}}}'.encode())
                listener.waiting.append(wrapped)
            else:
                raw = raw or text_frame(payload.encode())
                listener.waiting.append(raw)

    def flush(self) -> None:
        """Write everything that waits."""
        due, self._due = self._due, []
        for listener in due:
            listener.flush()
