"""What a client may say on a stream connection, and what it is answered (Live Subscribing, WebSocket streams)."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from src.infrastructure.simulated_exchange.server.hub import Listener

METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
STREAMS_MAX: Final = 1_024

Change = Callable[[str], None]


class BadRequest(Exception):
    """A request that is answered with an error object; the connection lives on."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def answer(listener: Listener, text: str, join: Change, leave: Change) -> bytes:
    """Do what a message asks for; return the reply. ``join`` and ``leave`` are given stream names."""
    request_id: Any = None
    try:
        request = _parsed(text)
        request_id = _id_of(request)
        result = _perform(listener, request, join, leave)
    except BadRequest as error:
        reply = {"error": {"code": error.code, "msg": error.message}}
        return msgspec.json.encode(reply if request_id is None else reply | {"id": request_id})
    return msgspec.json.encode({"result": result, "id": request_id})


def _parsed(text: str) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise BadRequest(3, "Invalid JSON: expected value at line 1 column 1") from None
    if not isinstance(request, dict):
        raise BadRequest(2, "Invalid request: expected an object")
    if "method" not in request:
        raise BadRequest(2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
    return request


def _id_of(request: dict[str, Any]) -> int | str | None:
    """Numbers, and the texts that the official connector sends."""
    found = request.get("id")
    if found is None or isinstance(found, str) or (isinstance(found, int) and found >= 0):
        return found
    raise BadRequest(2, "Invalid request: request ID must be an unsigned integer")


def _perform(listener: Listener, request: dict[str, Any], join: Change, leave: Change) -> Any:
    method, params = request["method"], request.get("params", [])
    if not isinstance(method, str):
        raise BadRequest(2, "Invalid request: method must be a string")
    if method not in METHODS:
        known = ", ".join(f"`{name}`" for name in METHODS)
        raise BadRequest(2, f"Invalid request: unknown variant {method[:40]}, expected one of {known}")
    if not isinstance(params, list):
        raise BadRequest(2, "Invalid request: params must be a list")
    if method == "LIST_SUBSCRIPTIONS":
        return list(listener.streams)
    if method.endswith("PROPERTY"):
        return _property(listener, method, params)
    if not params or not all(isinstance(name, str) for name in params):
        raise BadRequest(2, "Invalid request: stream names must be strings")
    for name in params:
        (join if method == "SUBSCRIBE" else leave)(name)
    return None


def _property(listener: Listener, method: str, params: list[Any]) -> Any:
    if not params or not isinstance(params[0], str):
        raise BadRequest(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise BadRequest(0, "Unknown property")
    if method == "GET_PROPERTY":
        return listener.is_combined
    if len(params) > 2:
        raise BadRequest(2, "Invalid request: too many parameters")
    if len(params) != 2 or not isinstance(params[1], bool):
        raise BadRequest(1, "Invalid value type: expected Boolean")
    listener.is_combined = params[1]
    return None
