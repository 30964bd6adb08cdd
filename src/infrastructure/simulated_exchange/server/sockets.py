"""Stream connections: handshake, subscriptions, pings, their life of 24 hours.

aiohttp makes the handshake and reads; what is pushed goes to the transport as whole frames made by the hub. No
compression is agreed on, so those bytes are the protocol's own.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

from src.infrastructure.simulated_exchange.server import stream_requests
from src.infrastructure.simulated_exchange.server.fault_rules import CONNECT, Faults
from src.infrastructure.simulated_exchange.server.hub import Listener, StreamHub
from src.infrastructure.simulated_exchange.server.limits import Window
from src.infrastructure.simulated_exchange.server.routing import Entrance, canonical, carries
from src.infrastructure.simulated_exchange.server.users import UserStreams

PING_S: Final = 180.0
PONG_WAIT_MS: Final = 600_000
LIFE_S: Final = 24 * 3_600.0
MESSAGES_PER_SECOND: Final = 10
_PING: Final = b"\x89\x0d"


class StreamSockets:
    """Serves stream connections. ``now_ms`` is the server's clock; ``strict`` copies the dead unrouted paths."""

    def __init__(
        self,
        hub: StreamHub,
        users: UserStreams,
        faults: Faults,
        now_ms: Callable[[], int],
        *,
        strict: bool = False,
        life_s: float = LIFE_S,
    ) -> None:
        self._hub = hub
        self._users = users
        self._faults = faults
        self._now_ms = now_ms
        self._strict = strict
        self._life_s = life_s
        self.open: set[Listener] = set()

    async def handle(self, request: web.BaseRequest, entrance: Entrance) -> web.StreamResponse:
        """One connection from handshake to end."""
        rule = self._faults.draw(CONNECT)
        if rule is not None:
            await asyncio.sleep(rule.ms / 1_000)
            if rule.fault == "drop":
                return web.Response(status=503, text="Service Unavailable.")
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=1 << 20)
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        listener = Listener(transport, entrance.is_combined)
        with self._listening(listener, entrance, request.query_string):
            loop = asyncio.get_running_loop()
            cut = loop.call_later(self._life_s, transport.close)
            try:
                await self._converse(socket, listener, entrance)
            finally:
                cut.cancel()
        return socket

    def cut_all(self) -> None:
        """Cut every connection, as at the end of its life."""
        for listener in list(self.open):
            listener.sink.abort()

    @contextmanager
    def _listening(self, listener: Listener, entrance: Entrance, query: str) -> Iterator[None]:
        self.open.add(listener)
        try:
            for stream in (*entrance.streams, *_named_in(query)):
                self._join(listener, entrance, stream)
            events = dict(parse_qsl(query)).get("events")
            listener.events = frozenset(events.split("/")) if events else None
            yield
        finally:
            self.open.discard(listener)
            for stream in listener.streams:
                self._hub.leave(listener, canonical(stream))

    def _join(self, listener: Listener, entrance: Entrance, stream: str) -> None:
        if len(listener.streams) >= stream_requests.STREAMS_MAX:
            listener.sink.abort()
            return
        listener.streams[stream] = True
        if carries(entrance, stream, self._users.is_valid(stream), strict=self._strict):
            self._hub.join(listener, canonical(stream))

    def _leave(self, listener: Listener, stream: str) -> None:
        if listener.streams.pop(stream, False):
            self._hub.leave(listener, canonical(stream))

    async def _converse(self, socket: web.WebSocketResponse, listener: Listener, entrance: Entrance) -> None:
        """Answer requests until the client goes; ping while it is quiet, and cut it off when it never answers."""
        window = Window(1_000)
        heard_ms = self._now_ms()
        while True:
            try:
                message = await socket.receive(timeout=PING_S)
            except TimeoutError:
                if self._now_ms() - heard_ms > PONG_WAIT_MS:
                    break
                listener.sink.write(_PING + str(self._now_ms()).encode())
                continue
            heard_ms = self._now_ms()
            if window.count(heard_ms, 1) > MESSAGES_PER_SECOND:
                break
            if message.type is WSMsgType.PING:
                listener.sink.write(bytes((0x8A, len(message.data))) + bytes(message.data))
            elif message.type is WSMsgType.TEXT:
                self._reply(listener, entrance, message.data)
            elif message.type is WSMsgType.BINARY:
                self._reply(listener, entrance, message.data.decode("utf-8", "replace"))
            elif message.type is not WSMsgType.PONG:
                return
        listener.sink.abort()

    def _reply(self, listener: Listener, entrance: Entrance, text: str) -> None:
        """Answer one request."""
        listener.reply(
            stream_requests.answer(
                listener,
                text,
                lambda stream: self._join(listener, entrance, stream),
                lambda stream: self._leave(listener, stream),
            )
        )


def _named_in(query: str) -> list[str]:
    """The streams that a query names: ``streams=a/b`` and ``listenKey=K``, which may be there several times."""
    named: list[str] = []
    for name, value in parse_qsl(query):
        if name == "streams":
            named += filter(None, value.split("/"))
        elif name == "listenKey":
            named.append(value)
    return named
