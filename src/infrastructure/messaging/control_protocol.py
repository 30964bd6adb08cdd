"""What commands and a running session say to each other: one JSON object a line, a request and its answer.

A request is ``{"command": name, "arguments": {…}}``; the answer is ``{"result": …}``, or ``{"error": one line,
"kind": why}``. Arguments are checked here, against one table, so that nothing half-understood reaches a session.
Amounts travel as strings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

REQUEST_MAX: Final = 64 * 1024
"""Longest request, bytes; a client that sends more is not one of ours."""
ANSWER_MAX: Final = 16 * 1024 * 1024

PING: Final = "ping"

COMMANDS: Final[Mapping[str, Mapping[str, object]]] = {
    PING: {},
    "status": {},
    "stop": {"flatten": False},
    "pause": {},
    "resume": {},
    "halt": {"reason": "asked for", "level": "halt"},
    "rearm": {},
    "reopen": {"symbol": ""},
    "risk": {},
    "strategies": {"action": "list", "strategy": "", "parameters": ""},
    "close": {"symbol": "", "position_side": "", "reason": "closed by hand"},
    "cancel": {"client_order_id": ""},
    "recover": {"dry_run": False},
    "release": {"client_order_id": "", "reason": ""},
}
"""Every command with its arguments' defaults, which also give their types."""


class ErrorKind(StrEnum):
    """Why a command was not carried out."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    FAILED = "failed"


class RequestRefused(ValueError):
    """A request that cannot be understood; one line with cause and fix."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose command exists and whose arguments are complete and of the right types."""

    command: str
    arguments: dict[str, Any]


def encode_request(command: str, arguments: Mapping[str, Any]) -> bytes:
    """The line that asks for a command."""
    return msgspec.json.encode({"command": command, "arguments": dict(arguments)}) + b"\n"


def decode_request(line: bytes) -> Request:
    """Read a line; raises :class:`RequestRefused`."""
    try:
        content = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        raise RequestRefused("the request is not JSON: send one JSON object a line") from None
    if not isinstance(content, dict) or not isinstance(content.get("command"), str):
        raise RequestRefused('the request names no command: send {"command": …, "arguments": {…}}')
    command, given = content["command"], content.get("arguments", {})
    known = COMMANDS.get(command)
    if known is None:
        raise RequestRefused(f"there is no command {command[:40]!r}: known are {', '.join(COMMANDS)}")
    if not isinstance(given, dict):
        raise RequestRefused(f"the arguments of {command} are no object: send them by name")
    for name, value in given.items():
        if name not in known:
            raise RequestRefused(
                f"{command} has no argument {name[:40]!r}: it has {', '.join(known) or 'none'}"
            )
        if type(value) is not type(known[name]):
            raise RequestRefused(f"{name} of {command} must be of type {type(known[name]).__name__}")
    return Request(command, {**known, **given})


def encode_result(result: object) -> bytes:
    """The answer to a command that was carried out; dataclasses become objects, Decimals strings."""
    return msgspec.json.encode({"result": result}) + b"\n"


def encode_error(text: str, kind: ErrorKind) -> bytes:
    """The answer to a command that was not."""
    return msgspec.json.encode({"error": text, "kind": kind.value}) + b"\n"


def decode_answer(line: bytes) -> dict[str, Any]:
    """Read an answer; raises ConnectionError for what no session of ours would say."""
    try:
        content = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or ("result" in content) is ("error" in content):
        raise ConnectionError("the answer of the running session cannot be read")
    return content
