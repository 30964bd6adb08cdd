"""A network in memory: asyncio transports between simulated processes, with latencies, resets and silence from a seed.

It stands under aiohttp and websockets, so every byte of HTTP and WebSocket is real. As TCP does, a connection keeps
the order of its bytes and never repeats them; it may be slow, deliver in pieces, break, or fall silent. What a
process has written before it was killed still arrives.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.simulation.network.loop import NS_PER_S, Process, SimulatedLoop

MS: Final = 1_000_000
ADDRESS: Final = "127.0.0.1"


@dataclass(slots=True)
class Weather:
    """How bad the network is. Latencies in ns, the rest chances per connection (``pieces``, ``late``: per write)."""

    latency_ns: int = 3 * MS
    jitter: float = 0.8
    late: float = 0.01
    late_ns: int = 900 * MS
    pieces: float = 0.02
    broken: float = 0.0
    silent: float = 0.0
    refused: float = 0.0

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.late = self.broken = self.silent = self.refused = 0.0


class _Socket:
    """What servers ask of the socket under a connection."""

    family = 0

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def getsockname(self) -> tuple[str, int]:
        """Host and port."""
        return self._address

    def setsockopt(self, *_: object) -> None:
        """A reset instead of an orderly end is what every abort is here."""


class Wire(asyncio.Transport):
    """One end of a connection. ``peer`` is the other one; what is written arrives there in its process's context."""

    peer: "Wire"

    def __init__(self, network: "Network", owner: Process, number: int, here: int, there: int) -> None:
        super().__init__({"peername": (ADDRESS, there), "sockname": (ADDRESS, here)})
        self._extra["socket"] = _Socket((ADDRESS, here))  # type: ignore[attr-defined]  # the base class's own
        self.network = network
        self.owner = owner
        self.protocol: asyncio.Protocol | None = None
        self.is_silent = False
        self._rng = random.Random(f"wire:{network.seed}:{number}:{here}")
        self._arrives_ns = 0
        self._is_closing = self._is_lost = self._is_paused = False
        self._held: deque[bytes] = deque()

    def connect(self, protocol: asyncio.Protocol) -> None:
        """Give this end to a protocol."""
        self.protocol = protocol
        protocol.connection_made(self)

    # --- writing ----------------------------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Send bytes; to a connection that is closing they are lost."""
        if self._is_closing or not data or not self.owner.is_alive:
            return
        data = bytes(data)
        weather = self.network.weather
        if len(data) > 1 and self._rng.random() < weather.pieces:
            cut = self._rng.randrange(1, len(data))
            self._send(self.peer.receive, data[:cut])
            data = data[cut:]
        self._send(self.peer.receive, data)

    def writelines(self, data: Any) -> None:
        """Send bytes."""
        self.write(b"".join(data))

    def _send(self, deliver: Callable[..., None], *what: object) -> None:
        """Let something arrive at the other end after whatever was sent before."""
        if self.is_silent or self.network.loop.is_over:
            return
        loop = self.network.loop
        # Never at the same moment: timers of one moment have no order.
        self._arrives_ns = max(self._arrives_ns + 1_000, loop.now_ns + self.network.delay_ns(self._rng))
        loop.call_at(self._arrives_ns / NS_PER_S, deliver, *what, context=self.peer.owner.context)

    def write_eof(self) -> None:
        """No more bytes from here."""
        self._send(self.peer.end)

    def can_write_eof(self) -> bool:
        """As TCP."""
        return True

    def get_write_buffer_size(self) -> int:
        """The network takes everything at once."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no limit."""

    # --- reading ----------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Bytes have come."""
        if self._is_lost or self.protocol is None:
            return
        if self._is_paused:
            self._held.append(data)
        else:
            self.protocol.data_received(data)

    def end(self) -> None:
        """The other end writes no more."""
        if self._is_lost or self.protocol is None:
            return
        self._flush_held()
        if not self.protocol.eof_received():
            self.close()

    def pause_reading(self) -> None:
        """Hold what comes."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Hand over what was held."""
        self._is_paused = False
        self.network.loop.call_soon(self._flush_held)

    def is_reading(self) -> bool:
        """Whether bytes are handed over."""
        return not self._is_paused and not self._is_closing

    def _flush_held(self) -> None:
        while self._held and not self._is_paused and not self._is_lost and self.protocol is not None:
            self.protocol.data_received(self._held.popleft())

    # --- the end ----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End in good order: what was written arrives."""
        if not self._is_closing:
            self._is_closing = True
            self._send(self.peer.end)
            self.network.loop.call_soon(self.lose, None)

    def abort(self) -> None:
        """End at once; the other end hears of a reset."""
        if not self._is_closing:
            self._is_closing = True
            self._send(self.peer.lose, ConnectionResetError("reset by the other end"))
            self.network.loop.call_soon(self.lose, None)

    def lose(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self._is_lost:
            return
        self._is_closing = self._is_lost = True
        self.network.wires.pop(self, None)
        if self.protocol is not None and self.owner.is_alive:
            self.protocol.connection_lost(error)

    def die(self) -> None:
        """The process at this end was killed."""
        self._is_closing = True
        self._send(self.peer.lose, ConnectionResetError("the other process is gone"))
        self.network.wires.pop(self, None)

    def is_closing(self) -> bool:
        """Whether it ends."""
        return self._is_closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol takes over (an upgrade to WebSocket)."""
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whose it is."""
        assert self.protocol is not None
        return self.protocol


class _Listener:
    """An open port; of a server's methods those that aiohttp calls."""

    def __init__(self, network: "Network", port: int, make: Callable[[], asyncio.Protocol]) -> None:
        self._network = network
        self.port = port
        self.make = make
        self.owner = network.loop.current()
        self.sockets = (_Socket((ADDRESS, port)),)
        self.owner.on_death.append(self.close)

    def close(self) -> None:
        """Take no more connections."""
        if self._network.listeners.get(self.port) is self:
            del self._network.listeners[self.port]

    async def wait_closed(self) -> None:
        """Nothing is left."""


class Network:
    """All wires and open ports of a simulation; makes the loop's connections."""

    def __init__(self, loop: SimulatedLoop, seed: int, weather: Weather) -> None:
        self.loop = loop
        self.seed = seed
        self.weather = weather
        self.listeners: dict[int, _Listener] = {}
        self.wires: dict[Wire, None] = {}
        self.made = 0
        self.cut_until_ns = 0
        self._asked: dict[object, tuple[str, int]] = {}
        self._rng = random.Random(f"network:{seed}")
        loop.create_server = self._create_server  # type: ignore[method-assign,assignment]  # ours
        loop.create_connection = self._create_connection  # type: ignore[method-assign,assignment]  # ours
        loop.sock_connect = self._sock_connect  # type: ignore[method-assign,assignment]  # ours

    def delay_ns(self, rng: random.Random) -> int:
        """How long something is under way."""
        weather = self.weather
        delay = weather.latency_ns * (1 + weather.jitter * (2 * rng.random() - 1))
        if weather.late and rng.random() < weather.late:
            delay += weather.late_ns * rng.random()
        # While the line is cut packets are sent again and again; they arrive when it is back.
        return int(delay) + max(0, self.cut_until_ns - self.loop.now_ns)

    def break_all(self) -> None:
        """Every connection is reset, whatever was under way on it."""
        for wire in list(self.wires):
            self._break(wire)

    def _break(self, wire: Wire) -> None:
        for end in (wire, wire.peer):
            error = ConnectionResetError("the line broke")
            self.loop.call_soon(end.lose, error, context=end.owner.context)

    async def _create_server(self, make: Any, host: Any = None, port: int = 0, **_: Any) -> _Listener:
        listener = _Listener(self, port, make)
        self.listeners[port] = listener
        return listener

    async def _sock_connect(self, sock: Any, address: tuple[str, int]) -> None:
        """Who connects a socket before he asks for a connection over it."""
        self._asked[sock] = address

    async def _create_connection(
        self, make: Any, host: str | None = None, port: int | None = None, *, sock: Any = None, **_: Any
    ) -> tuple[Wire, Any]:
        if sock is not None:
            port = self._asked.pop(sock)[1]
            sock.close()
        assert port is not None
        rng, weather = self._rng, self.weather
        await asyncio.sleep(self.delay_ns(rng) / NS_PER_S)
        listener = self.listeners.get(port)
        if listener is None or rng.random() < weather.refused:
            raise ConnectionRefusedError("nobody listens")
        return self._wire(listener, make())

    def _wire(self, listener: _Listener, protocol: asyncio.Protocol) -> tuple[Wire, asyncio.Protocol]:
        self.made += 1
        number = self.made
        here = Wire(self, self.loop.current(), number, 40_000 + number, listener.port)
        there = Wire(self, listener.owner, number, listener.port, 40_000 + number)
        here.peer, there.peer = there, here
        for wire in (here, there):
            self.wires[wire] = None
            wire.owner.on_death.append(wire.die)
        self.loop.call_soon(self._accept, listener, there, context=listener.owner.context)
        here.connect(protocol)
        self._doom(here)
        return here, protocol

    def _accept(self, listener: _Listener, wire: Wire) -> None:
        wire.connect(listener.make())

    def _doom(self, wire: Wire) -> None:
        """Whether and when a connection breaks or falls silent is decided at its beginning."""
        rng, weather = self._rng, self.weather
        chance = rng.random()
        life_s = rng.expovariate(1 / 6.0)
        if chance < weather.broken:
            self.loop.call_later(life_s, self._break, wire)
        elif chance < weather.broken + weather.silent:
            self.loop.call_later(life_s, self._silence, wire)

    def _silence(self, wire: Wire) -> None:
        if self.weather.silent:
            wire.is_silent = wire.peer.is_silent = True
