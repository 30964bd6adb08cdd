"""The transport against sockets that misbehave: how often a request arrives, and what is known without an answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from src.infrastructure.brokers.binance_transport import BinanceTransport, NoReply

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-MBX-USED-WEIGHT-1M: 7\r\n\r\n{}"


@asynccontextmanager
async def a_server(serve: Serve) -> AsyncIterator[str]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def a_transport(timeout_s: float = 2.0) -> AsyncIterator[BinanceTransport]:
    transport = BinanceTransport(timeout_s)
    try:
        yield transport
    finally:
        await transport.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def test_an_answer_comes_back_as_it_was():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(GOOD)
        await writer.drain()

    async with a_server(serve) as url, a_transport() as transport:
        reply = await transport.send("GET", f"{url}/fapi/v1/ping")

    assert (reply.status, reply.body, reply.headers["x-mbx-used-weight-1m"]) == (200, b"{}", "7")


@pytest.mark.parametrize("length", [b"Content-Length: 8\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_an_answer_that_comes_in_pieces_comes_back_whole(length: bytes):
    pieces = [b"[11,", b"22", b"]\n"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + length)
        is_chunked = b"chunked" in length
        for piece in pieces:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n" if is_chunked else b"")

    async with a_server(serve) as url, a_transport() as transport:
        reply = await transport.send("GET", f"{url}/fapi/v1/exchangeInfo")

    assert reply.body == b"".join(pieces)


async def test_a_refused_connection_is_known_to_have_carried_nothing():
    async with a_server(lambda reader, writer: asyncio.sleep(0)) as url:
        closed = url

    async with a_transport() as transport:
        with pytest.raises(NoReply) as caught:
            await transport.send("POST", f"{closed}/fapi/v1/order", body="a=1")

    assert caught.value.sent is False


async def test_a_connection_that_breaks_before_the_answer_leaves_it_open():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)

    async with a_server(serve) as url, a_transport() as transport:
        with pytest.raises(NoReply) as caught:
            await transport.send("POST", f"{url}/fapi/v1/order", body="a=1")

    assert caught.value.sent is True


async def test_an_answer_that_is_cut_off_is_no_answer():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    async with a_server(serve) as url, a_transport() as transport:
        with pytest.raises(NoReply) as caught:
            await transport.send("POST", f"{url}/fapi/v1/order", body="a=1")

    assert caught.value.sent is True


async def test_silence_ends_after_the_timeout_and_leaves_it_open():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        await reader.read()

    async with a_server(serve) as url, a_transport(timeout_s=0.2) as transport:
        with pytest.raises(NoReply) as caught:
            await transport.send("POST", f"{url}/fapi/v1/order", body="a=1")

    assert caught.value.sent is True


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
async def test_a_stale_connection_is_not_a_reason_to_send_again(method: str):
    arrived: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(GOOD)
        await writer.drain()
        # The second request on this connection is read, and the connection closed instead of an answer.
        arrived.append(await head_of(reader))

    async with a_server(serve) as url, a_transport() as transport:
        await transport.send("GET", f"{url}/fapi/v1/ping")
        with pytest.raises(NoReply) as caught:
            await transport.send(method, f"{url}/fapi/v1/order")

    assert (len(arrived), caught.value.sent) == (1, True)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(status: int):
    visits: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await head_of(reader))
        writer.write(f"HTTP/1.1 {status} Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    async with a_server(serve) as url, a_transport() as transport:
        reply = await transport.send("POST", f"{url}/fapi/v1/order", {"X-MBX-APIKEY": "k"}, "a=1")

    assert (reply.status, len(visits)) == (status, 1)


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(GOOD)
        await writer.drain()

    async with a_server(serve) as url, a_transport() as transport:
        assert (await transport.send("GET", f"{url}/fapi/v1/ping")).status == 200


async def test_an_error_does_not_repeat_the_signed_address():
    async with a_server(lambda reader, writer: asyncio.sleep(0)) as url:
        closed = url

    async with a_transport() as transport:
        with pytest.raises(NoReply) as caught:
            await transport.send("GET", f"{closed}/fapi/v1/order?signature=abcdef")

    assert "abcdef" not in str(caught.value)
