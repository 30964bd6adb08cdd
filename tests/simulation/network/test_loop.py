"""The simulated loop: time that jumps, turns drawn from a seed, the death of a process, and a network that is TCP."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.simulation.network.loop import SimulatedLoop, Stuck
from tests.simulation.network.wires import Network, Weather

PORT = 80


def run(program: Callable[[SimulatedLoop], Coroutine[Any, Any, Any]], seed: int = 1) -> Any:
    loop = SimulatedLoop(seed)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(program(loop))
    finally:
        loop.unwind()
        asyncio.set_event_loop(None)
        loop.close()


def test_an_hour_passes_at_once():
    async def program(loop: SimulatedLoop) -> float:
        await asyncio.sleep(3_600)
        return loop.time()

    assert run(program) == pytest.approx(3_600, abs=0.01)


def test_waiting_for_what_never_comes_is_an_error():
    async def program(loop: SimulatedLoop) -> None:
        await loop.create_future()

    with pytest.raises(Stuck):
        run(program)


def turns(seed: int) -> str:
    told: list[str] = []

    async def talk(name: str) -> None:
        for _ in range(20):
            told.append(name)
            await asyncio.sleep(0)

    async def program(loop: SimulatedLoop) -> None:
        tasks = [loop.create_task(talk(name), context=loop.process(name).context) for name in "ab"]
        await asyncio.wait(tasks)

    run(program, seed)
    return "".join(told)


def test_who_goes_on_next_is_drawn_from_the_seed():
    assert turns(1) == turns(1)
    assert len({turns(seed) for seed in range(5)}) > 1


def test_a_killed_process_does_nothing_more():
    told: list[int] = []

    async def count() -> None:
        for number in range(10):
            told.append(number)
            await asyncio.sleep(1)

    async def program(loop: SimulatedLoop) -> None:
        process = loop.process("counts")
        loop.create_task(count(), context=process.context)
        await asyncio.sleep(2.5)
        process.kill()
        await asyncio.sleep(20)
        assert told == [0, 1, 2]

    run(program)


class Heard(asyncio.Protocol):
    """Remembers everything."""

    def __init__(self) -> None:
        self.data = b""
        self.ended: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.append(error)


def test_bytes_keep_their_order_in_whatever_pieces_they_come():
    async def program(loop: SimulatedLoop) -> bytes:
        Network(loop, 1, Weather(pieces=0.9, late=0.5))
        server = Heard()
        await loop.create_server(lambda: server, "127.0.0.1", PORT)
        transport, _ = await loop.create_connection(Heard, "127.0.0.1", PORT)
        for number in range(200):
            transport.write(b"%d," % number)
        transport.close()
        await asyncio.sleep(60)
        assert server.ended == [None]
        return server.data

    assert run(program) == b"".join(b"%d," % number for number in range(200))


def test_what_was_written_before_a_kill_arrives_and_then_the_connection_breaks():
    async def program(loop: SimulatedLoop) -> Heard:
        Network(loop, 1, Weather(pieces=0.0, late=0.0))
        server = Heard()
        await loop.create_server(lambda: server, "127.0.0.1", PORT)
        client = loop.process("client")

        async def connect() -> None:
            transport, _ = await loop.create_connection(Heard, "127.0.0.1", PORT)
            transport.write(b"last words")
            client.kill()
            transport.write(b"never said")

        loop.create_task(connect(), context=client.context)
        await asyncio.sleep(5)
        return server

    heard = run(program)

    assert heard.data == b"last words"
    assert [type(error) for error in heard.ended] == [ConnectionResetError]


def test_nobody_listens_where_no_port_is_open():
    async def program(loop: SimulatedLoop) -> None:
        Network(loop, 1, Weather())
        await loop.create_connection(Heard, "127.0.0.1", PORT)

    with pytest.raises(ConnectionRefusedError):
        run(program)
