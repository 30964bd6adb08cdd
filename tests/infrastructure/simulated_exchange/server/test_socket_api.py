"""What a connection of the WebSocket API may keep waiting, and what it costs."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from src.infrastructure.simulated_exchange.server import hub
from src.infrastructure.simulated_exchange.server.limits import Limits
from src.infrastructure.simulated_exchange.server.socket_api import MESSAGE_MAX, UNDER_WAY_MAX
from tests.support.exchange_server import Client, served, standing_clock

HANDSHAKE = (
    b"GET /ws-fapi/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MASKED_PING = b"\x81\x91" + bytes(4) + b'{"method":"ping"}'


@pytest.mark.parametrize("request_id", ["x" * 37, 1.5, True, [1], {"a": 1}, 2**63])
async def test_an_id_is_a_number_or_a_short_text(client: Client, request_id: Any):
    async with client.session.ws_connect(f"{client.server.url}/ws-fapi/v1") as connection:
        await connection.send_json({"id": request_id, "method": "ping"})
        refused = await connection.receive_json(timeout=5)
        for good in ("x" * 36, 2**63 - 1, None):
            await connection.send_json({"id": good, "method": "ping"})
            answered = await connection.receive_json(timeout=5)
            assert (answered["id"], answered["status"]) == (good, 200)

    assert (refused["id"], refused["status"], refused["error"]["code"]) == (None, 400, -1102)


async def test_a_request_longer_than_any_ends_its_connection(client: Client):
    async with client.session.ws_connect(f"{client.server.url}/ws-fapi/v1") as connection:
        await connection.send_json({"id": 1, "method": "x" * MESSAGE_MAX})
        await connection.receive(timeout=5)

    assert connection.close_code == 1009


async def test_what_names_no_operation_counts_to_the_limit(tmp_path: Path):
    nonsense = ["[]", '{"method":1}', '{"method":"x"}', '{"id":[],"method":"ping"}', '{"method":"session.x"}']
    async with (
        served(tmp_path, limits=Limits(weight=9), clock=standing_clock()) as client,
        client.session.ws_connect(f"{client.server.url}/ws-fapi/v1") as connection,
    ):
        statuses = []
        for message in nonsense:
            await connection.send_str(message)
            statuses.append((await connection.receive_json(timeout=5))["status"])

    assert statuses == [400, 400, 400, 400, 429]


async def test_a_connection_has_only_so_many_requests_under_way(client: Client):
    rule = {"operation": "ping", "fault": "delay_request", "ms": 1_000, "count": None}
    await client.admin("POST", "faults", rules=[rule])
    async with client.session.ws_connect(f"{client.server.url}/ws-fapi/v1") as connection:
        for number in range(UNDER_WAY_MAX + 50):
            await connection.send_json({"id": number, "method": "ping"})
        await asyncio.sleep(0.5)
        at_once = client.server.faults.injected["ping delay_request"]
        answered = {(await connection.receive_json(timeout=5))["id"] for _ in range(UNDER_WAY_MAX + 50)}

    assert at_once == UNDER_WAY_MAX
    assert answered == set(range(UNDER_WAY_MAX + 50))


async def test_a_client_that_does_not_read_is_cut_off(client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub, "BACKLOG_MAX", 1 << 16)
    client.server.services.limits.weight = None
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", client.server.port))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=1_024)
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")

    async def ask_on() -> None:
        while True:
            writer.write(MASKED_PING * 100)
            await writer.drain()
            await asyncio.sleep(0)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ask_on(), 20)
