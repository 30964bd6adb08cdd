"""The control socket from both ends: alive or not, right and wrong requests, stale files, long paths."""

import asyncio
import json
import socket
import stat
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.messaging.control_path import (
    PATH_MAX_BYTES,
    control_path,
    make_private_folder,
    socket_address,
)
from src.infrastructure.messaging.control_protocol import (
    COMMANDS,
    REQUEST_MAX,
    RequestRefused,
    decode_request,
    encode_request,
)
from src.infrastructure.messaging.control_socket import CLIENTS_MAX, ControlClient, ControlServer


@dataclass(frozen=True, slots=True)
class Picture:
    equity: Decimal
    symbols: tuple[str, ...]


class Session:
    """Stands for the running session: keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answered = asyncio.Event()
        self.answered.set()

    async def handle(self, command: str, arguments: dict[str, Any]) -> object:
        self.asked.append((command, arguments))
        await self.answered.wait()
        if command == "cancel":
            raise LookupError(f"no order {arguments['client_order_id']}")
        if command == "resume":
            raise ValueError("the session is not paused")
        if command == "recover":
            raise RuntimeError("the exchange\ndoes not answer")
        return Picture(Decimal("10000.50"), ("BTCUSDT",))


@asynccontextmanager
async def a_running_session(path: Path) -> AsyncIterator[Session]:
    session = Session()
    server = ControlServer(path, session.handle)
    await server.open()
    try:
        yield session
    finally:
        session.answered.set()
        await server.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "account.sock"


async def ask(path: Path, command: str, timeout_ms: int = 2_000, **arguments: Any) -> dict[str, Any]:
    return await asyncio.to_thread(ControlClient(path).request, command, arguments, timeout_ms)


async def raw(path: Path, sent: bytes) -> list[dict[str, Any]]:
    """Send bytes as they are, end the sending, and read every answer."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(sent)
    writer.write_eof()
    received = await reader.read()
    writer.close()
    return [json.loads(line) for line in received.splitlines()]


async def test_a_command_reaches_the_session_and_its_result_comes_back(path: Path):
    async with a_running_session(path) as session:
        answer = await ask(path, "stop", flatten=True)

    assert session.asked == [("stop", {"flatten": True})]
    assert answer == {"result": {"equity": "10000.50", "symbols": ["BTCUSDT"]}}


async def test_arguments_that_are_left_out_have_their_defaults(path: Path):
    async with a_running_session(path) as session:
        await ask(path, "halt")

    assert session.asked == [("halt", {"reason": "asked for", "level": "halt"})]


@pytest.mark.parametrize(
    ("command", "kind", "text"),
    [
        ("cancel", "not_found", "no order x-1"),
        ("resume", "invalid", "the session is not paused"),
        ("recover", "failed", "the exchange does not answer"),
    ],
)
async def test_a_refusal_comes_back_in_one_line_with_its_kind(path: Path, command: str, kind: str, text: str):
    arguments: dict[str, Any] = {"client_order_id": "x-1"} if command == "cancel" else {}
    async with a_running_session(path):
        answer = await ask(path, command, **arguments)

    assert answer == {"error": text, "kind": kind}


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"command": 7}',
        b'{"command": "explode"}',
        b'{"command": "stop", "arguments": []}',
        b'{"command": "stop", "arguments": {"flatten": "yes"}}',
        b'{"command": "stop", "arguments": {"now": true}}',
        b"\xff\xfe",
        b'{"command":"\xff"}',
        b"[" * 60_000,
        b"",
    ],
)
async def test_a_malformed_request_is_answered_with_an_error_and_the_next_one_is_served(
    path: Path, line: bytes
):
    async with a_running_session(path) as session:
        answers = await raw(path, line + b"\n" + encode_request("status", {}))

    assert [list(answer) for answer in answers] == [["error", "kind"], ["result"]]
    assert answers[0]["kind"] == "invalid" and "\n" not in answers[0]["error"]
    assert session.asked == [("status", {})]


@given(line=st.one_of(st.binary(max_size=200), st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(
    lambda value: json.dumps({"command": value, "arguments": value}).encode()
)))  # fmt: skip
def test_no_bytes_whatever_break_the_reader_of_requests(line: bytes):
    try:
        request = decode_request(line)
    except RequestRefused:
        return

    assert request.command in COMMANDS


async def test_a_request_that_is_too_long_is_refused_and_ends_the_connection(path: Path):
    async with a_running_session(path) as session:
        answers = await raw(path, b"x" * (REQUEST_MAX + 1) + b"\n" + encode_request("status", {}))
        alive = await asyncio.to_thread(ControlClient(path).is_alive)

    assert [answer["kind"] for answer in answers] == ["invalid"]
    assert session.asked == [] and alive


async def test_a_request_without_its_end_of_line_is_not_carried_out(path: Path):
    async with a_running_session(path) as session:
        answers = await raw(path, encode_request("stop", {}).rstrip(b"\n"))

    assert answers == [] and session.asked == []


async def test_several_clients_are_served_while_one_waits(path: Path):
    async with a_running_session(path) as session:
        session.answered.clear()
        waiting = asyncio.ensure_future(ask(path, "stop"))
        while not session.asked:
            await asyncio.sleep(0.001)
        alive = await asyncio.gather(*(asyncio.to_thread(ControlClient(path).is_alive) for _ in range(8)))
        session.answered.set()
        answer = await waiting

    assert alive == [True] * 8
    assert "result" in answer


async def test_the_client_that_was_idle_longest_makes_room_for_a_new_one(path: Path):
    async with a_running_session(path) as session:
        idle = [await asyncio.open_unix_connection(path) for _ in range(CLIENTS_MAX + 8)]

        answer = await ask(path, "status")
        async with asyncio.timeout(5):
            ends = [await reader.read() for reader, _ in idle[:8]]

    assert "result" in answer and len(session.asked) == 1
    assert ends == [b""] * 8
    for _, writer in idle:
        writer.close()


async def test_where_every_client_is_at_work_a_new_one_is_turned_away(path: Path):
    async with a_running_session(path) as session:
        session.answered.clear()
        busy = [await asyncio.open_unix_connection(path) for _ in range(CLIENTS_MAX)]
        for _, writer in busy:
            writer.write(encode_request("status", {}))
        while len(session.asked) < CLIENTS_MAX:
            await asyncio.sleep(0.001)

        with pytest.raises(ConnectionRefusedError):
            await ask(path, "status")

        session.answered.set()
        assert all([b"result" in await reader.readline() for reader, _ in busy])
    for _, writer in busy:
        writer.close()


async def test_a_command_that_is_not_answered_in_time_has_an_unknown_outcome(path: Path):
    async with a_running_session(path) as session:
        session.answered.clear()
        with pytest.raises(TimeoutError):
            await ask(path, "stop", timeout_ms=50)


async def test_without_a_process_the_client_says_so_at_once(path: Path):
    with pytest.raises(ConnectionError):
        await ask(path, "status")

    assert not ControlClient(path).is_alive()


async def test_the_file_that_a_killed_process_left_is_replaced(path: Path):
    path.parent.mkdir()
    killed = socket.socket(socket.AF_UNIX)
    killed.bind(str(path))
    killed.close()

    async with a_running_session(path):
        assert await asyncio.to_thread(ControlClient(path).is_alive)

    assert not path.exists()


async def test_a_socket_that_somebody_answers_at_is_left_alone(path: Path):
    async with a_running_session(path):
        with pytest.raises(OSError, match="in use"):
            await ControlServer(path, Session().handle).open()

        assert await asyncio.to_thread(ControlClient(path).is_alive)


async def test_a_file_that_is_no_socket_is_not_removed(path: Path):
    path.parent.mkdir()
    path.write_text("mine")

    with pytest.raises(OSError, match="in use"):
        await ControlServer(path, Session().handle).open()

    assert path.read_text() == "mine"


async def test_what_is_in_the_place_of_the_socket_is_named(path: Path):
    path.mkdir(parents=True)

    with pytest.raises(OSError, match="in use") as refused:
        await ControlServer(path, Session().handle).open()

    assert refused.value.filename == str(path)


async def test_at_a_socket_that_is_claimed_nobody_answers_before_it_is_opened(path: Path):
    server = ControlServer(path, Session().handle)
    server.claim()
    claimed = path.stat().st_ino
    assert not await asyncio.to_thread(ControlClient(path).is_alive)

    await server.open()
    assert path.stat().st_ino == claimed
    assert await asyncio.to_thread(ControlClient(path).is_alive)
    await server.close()

    assert not path.exists()


async def test_a_socket_that_was_claimed_and_never_opened_is_closed_and_gone(path: Path):
    server = ControlServer(path, Session().handle)
    server.claim()

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        await server.close()

    assert not path.exists()


async def test_only_the_owner_can_reach_the_socket(path: Path):
    path.parent.mkdir(mode=0o755)

    async with a_running_session(path):
        modes = [stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path)]

    assert modes == [0o700, 0o600]


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(PermissionError):
        make_private_folder(tmp_path / "run")


@given(depth=st.integers(0, 40), account=st.text("0123456789abcdef-", min_size=1, max_size=36))
def test_the_address_fits_a_socket_however_long_the_path_is(depth: int, account: str):
    with tempfile.TemporaryDirectory() as top:
        path = control_path(Path(top, *["data"] * depth), account)
        path.parent.mkdir(parents=True)

        with socket_address(path) as address:
            assert len(address.encode()) <= PATH_MAX_BYTES
            assert Path(address).parent.samefile(path.parent)


@pytest.mark.parametrize("account", ["", "../x", ".hidden", "a/b"])
def test_an_account_id_that_is_no_file_name_is_refused(account: str):
    with pytest.raises(ValueError, match="cannot be an account's id"):
        control_path(Path("data"), account)


async def test_a_folder_with_a_long_path_is_reached_by_each_of_its_names_from_any_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, link = tmp_path / ("deep" * 30), tmp_path / "link"
    link.symlink_to(folder)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    async with a_running_session(control_path(folder, "account")):
        monkeypatch.delenv("XDG_RUNTIME_DIR")
        paths = [control_path(folder, "account"), control_path(link, "account")]
        alive = [await asyncio.to_thread(ControlClient(each).is_alive) for each in paths]

    assert alive == [True, True]
    assert list((folder / "run").iterdir()) == []
