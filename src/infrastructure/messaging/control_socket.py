"""The control socket: commands from other processes of the same user to the one that runs the session.

The server lives in the session's event loop and does no work of its own: it hands a request to a handler, which
answers when what it decided is durable. The client is synchronous. A process counts as alive when it answers a ping
within 200 ms; a socket file that nobody answers behind is what a killed process left.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from src.infrastructure.messaging.control_path import make_private_folder, socket_address
from src.infrastructure.messaging.control_protocol import (
    ANSWER_MAX,
    PING,
    REQUEST_MAX,
    ErrorKind,
    Request,
    RequestRefused,
    decode_answer,
    decode_request,
    encode_error,
    encode_request,
    encode_result,
)

_LOG = logging.getLogger("steadyhand.control")

PING_MS: Final = 200
CLIENTS_MAX: Final = 32
IDLE_S: Final = 30.0

Handler = Callable[[str, dict[str, Any]], Awaitable[object]]
"""Carries out a command and returns its result. LookupError says that what was named does not exist, ValueError that
it cannot be done as asked; anything else it raises is a failure, told to the client and logged."""


class ControlServer:
    """Listens while it is open. ``handler`` is called for one command after the other of each client."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._bound: socket.socket | None = None
        self._server: asyncio.AbstractServer | None = None
        self._clients: set[asyncio.Task[None]] = set()
        # Those that have nothing under way, the longest idle first.
        self._idle: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._inode = 0

    def claim(self) -> None:
        """Make the socket file, over one that a killed process left; nobody can connect before :meth:`open`.

        Raises OSError: in particular ``EADDRINUSE`` when another process answers there.
        """
        make_private_folder(self._path.parent)
        _remove_stale(self._path)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            with socket_address(self._path) as address:
                bound.bind(address)
            # The folder kept everybody else out until here.
            self._path.chmod(0o600)
            self._inode = self._path.stat().st_ino
        except OSError as error:
            bound.close()
            raise OSError(error.errno, error.strerror, os.fspath(self._path)) from error
        self._bound = bound

    async def open(self) -> None:
        """Start to listen; the socket is claimed if that has not been done. Raises OSError as :meth:`claim` does."""
        if self._bound is None:
            self.claim()
        self._server = await asyncio.start_unix_server(self._serve, sock=self._bound, limit=REQUEST_MAX)

    async def close(self) -> None:
        """Stop to listen, let running commands answer, and remove the socket file."""
        if self._bound is None:
            return
        if self._server is not None:
            self._server.close()
        self._bound.close()
        try:
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        except FileNotFoundError:
            pass
        if self._clients:
            _, late = await asyncio.wait(self._clients, timeout=0.2)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._server = self._bound = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "the server calls this in a task"
        self._clients.add(task)
        try:
            if len(self._clients) > CLIENTS_MAX and not self._make_room():
                await _answer(writer, encode_error("too many clients at once: try again", ErrorKind.FAILED))
                return
            while self._server is not None and await self._serve_one(task, reader, writer):
                pass
        except (ConnectionError, TimeoutError):
            _LOG.debug("a client left before its answer")
        finally:
            self._clients.discard(task)
            self._idle.pop(task, None)
            writer.close()

    def _make_room(self) -> bool:
        """Let go of the client that has been idle the longest; False when all are at work."""
        if not self._idle:
            return False
        oldest = next(iter(self._idle))
        self._idle.pop(oldest).close()
        return True

    async def _serve_one(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; False when no further one will come."""
        self._idle[task] = writer
        try:
            line = await asyncio.wait_for(reader.readline(), IDLE_S)
        except ValueError:
            _LOG.warning("a request of more than %d bytes was refused", REQUEST_MAX)
            await _answer(writer, encode_error("the request is too long", ErrorKind.INVALID))
            return False
        self._idle.pop(task, None)
        if not line.endswith(b"\n"):
            return False
        try:
            request = decode_request(line)
        except RequestRefused as error:
            _LOG.warning("a request was refused: %s", error)
            await _answer(writer, encode_error(str(error), ErrorKind.INVALID))
            return True
        await _answer(writer, await self._carry_out(request))
        return True

    async def _carry_out(self, request: Request) -> bytes:
        if request.command == PING:
            return encode_result({"pid": os.getpid()})
        try:
            return encode_result(await self._handler(request.command, request.arguments))
        except LookupError as error:
            return encode_error(_line(error), ErrorKind.NOT_FOUND)
        except ValueError as error:
            return encode_error(_line(error), ErrorKind.INVALID)
        except Exception as error:  # noqa: BLE001 - the client must hear of a failure; the session judges it itself
            _LOG.exception("the command %s failed", request.command)
            return encode_error(_line(error), ErrorKind.FAILED)


class ControlClient:
    """One account's control socket, from outside. Every call opens a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_alive(self) -> bool:
        """Whether somebody answers a ping in time."""
        try:
            with self._connected():
                return True
        except ConnectionError:
            return False

    def request(self, command: str, arguments: Mapping[str, Any], timeout_ms: int) -> dict[str, Any]:
        """Ask for a command; return the answer with its ``result``, or its ``error`` and ``kind``.

        Raises ConnectionRefusedError when nobody answers a ping, another ConnectionError when the other end hangs up
        or answers what cannot be read, TimeoutError when the command is not answered in time: in both cases nobody
        knows whether it was carried out.
        """
        with self._connected() as connection:
            return decode_answer(_exchange(connection, encode_request(command, arguments), timeout_ms))

    def _connected(self) -> socket.socket:
        """A connection whose other end answered a ping."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(PING_MS / 1_000)
        try:
            with socket_address(self._path) as address:
                connection.connect(address)
            answer = decode_answer(_exchange(connection, encode_request(PING, {}), PING_MS))
            if "error" in answer:
                raise ConnectionRefusedError(answer["error"])
        except OSError as error:
            connection.close()
            raise ConnectionRefusedError(f"no process answers at {self._path.name}") from error
        return connection


def _exchange(connection: socket.socket, request: bytes, timeout_ms: int) -> bytes:
    """Send a line and wait for one; TimeoutError and ConnectionError as in :meth:`ControlClient.request`."""
    deadline = time.monotonic() + timeout_ms / 1_000
    connection.settimeout(timeout_ms / 1_000)
    connection.sendall(request)
    received = bytearray()
    while not received.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        connection.settimeout(left)
        part = connection.recv(1 << 16)
        if not part or len(received) > ANSWER_MAX:
            raise ConnectionError("the running session hung up before its answer")
        received += part
    return bytes(received)


def _remove_stale(path: Path) -> None:
    """Remove a socket file that nobody listens behind; one that somebody does is left for ``bind`` to fail at."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(PING_MS / 1_000)
    try:
        with socket_address(path) as address:
            probe.connect(address)
    except ConnectionRefusedError:
        # A file that is no socket is not ours to remove; ``bind`` will fail at it.
        if path.is_socket():
            path.unlink(missing_ok=True)
    except (FileNotFoundError, TimeoutError, BlockingIOError):
        return
    finally:
        probe.close()


async def _answer(writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line)
    await writer.drain()


def _line(error: BaseException) -> str:
    """An exception's text in one line."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(text).split()) or type(error).__name__
