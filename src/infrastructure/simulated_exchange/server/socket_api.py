"""The WebSocket API (/ws-fapi/v1): the operations of REST, asked for by messages.

HMAC keys sign each request; an Ed25519 key may log the connection on, whose later requests need neither key nor
signature. Source: "WebSocket API General Info" of USDⓈ-M futures. What a connection may keep waiting is bounded: the
requests under way, each one's length, and the bytes of answers that the client does not read.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from aiohttp import WSMsgType, web

from src.infrastructure.simulated_exchange.errors import ExchangeError, ExchangeFailure
from src.infrastructure.simulated_exchange.server.fault_bodies import BODIES
from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule, Faults
from src.infrastructure.simulated_exchange.server.gateway import Gateway, Usage
from src.infrastructure.simulated_exchange.server.hub import Listener
from src.infrastructure.simulated_exchange.server.keys import ApiKey
from src.infrastructure.simulated_exchange.server.parameters import Parameters
from src.infrastructure.simulated_exchange.server.refusals import OverLimit, last_resort, refuse, status_of
from src.infrastructure.simulated_exchange.server.routes import SOCKET
from src.infrastructure.simulated_exchange.server.services import Endpoint, Security
from src.infrastructure.simulated_exchange.server.signing import sorted_payload

PATH: Final = "/ws-fapi/v1"
HANDSHAKE_WEIGHT: Final = 5
REFUSAL_WEIGHT: Final = 1
"""Of a request that names no operation."""
MESSAGE_MAX: Final = 1 << 16
"""Bytes of a request; a longer one ends its connection."""
UNDER_WAY_MAX: Final = 128
"""Requests of one connection at a time; further ones are not read before one of these is answered."""
ID_MAX: Final = 36
encode: Final = msgspec.json.Encoder().encode


class _Session:
    """What a connection remembers: the key it logged on with, and whether it wants to see the limits."""

    def __init__(self, address: str, shows_limits: bool) -> None:
        self.address = address
        self.shows_limits = shows_limits
        self.key: ApiKey | None = None
        self.logged_on_ms = 0


class SocketApi:
    """Answers the messages of WebSocket API connections."""

    def __init__(self, gateway: Gateway, faults: Faults) -> None:
        self._gateway = gateway
        self._faults = faults

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One connection from handshake to end."""
        services = self._gateway.services
        address = request.remote or ""
        try:
            services.limits.count_weight(address, services.venue.clock.now_ms(), HANDSHAKE_WEIGHT)
        except OverLimit as error:
            return web.Response(status=error.status, headers={"Retry-After": str(error.retry_after_s)})
        shows = parse_qs(request.query_string).get("returnRateLimits", ["true"])[0] != "false"
        session = _Session(address, shows)
        socket = web.WebSocketResponse(autoping=True, compress=False, max_msg_size=MESSAGE_MAX)
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        listener = Listener(transport, is_combined=False)
        running: set[asyncio.Task[None]] = set()
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            if len(running) >= UNDER_WAY_MAX:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(self._serve(socket, listener, session, message.data))
            running.add(task)
            task.add_done_callback(running.discard)
        return socket

    async def _serve(
        self, socket: web.WebSocketResponse, listener: Listener, session: _Session, text: str
    ) -> None:
        """One request; who does not read the answers is cut off, as on a stream."""
        reply = await self._reply(session, text)
        if reply is None:
            await socket.close()
        elif not socket.closed:
            listener.reply(encode(reply))

    async def _reply(self, session: _Session, text: str) -> dict[str, Any] | None:
        """The reply to one message; None to drop the connection."""
        usage = Usage()
        request_id: Any = None
        shows = session.shows_limits
        try:
            document = _parsed(text)
            if document is None:
                raise self._refusal(session, usage, -1102, "method")
            if not _is_id(document.get("id")):
                raise self._refusal(session, usage, -1102, "id")
            request_id = document.get("id")
            method, values = document["method"], document.get("params") or {}
            shows = shows and str(values.get("returnRateLimits", "true")).lower() != "false"
            with last_resort(_Dropped, _Canned):
                result = await self._perform(session, method, values, usage)
            reply: dict[str, Any] = {"id": request_id, "status": 200, "result": result}
        except _Dropped:
            return None
        except _Canned as canned:
            reply = {"id": request_id, "status": canned.status, "error": canned.error}
        except OverLimit as error:
            details = {"code": error.code, "msg": error.message, "data": {"retryAfter": error.retry_after_s}}
            reply = {"id": request_id, "status": error.status, "error": details}
        except ExchangeError as error:
            details = {"code": error.code, "msg": error.message}
            reply = {"id": request_id, "status": status_of(error.code), "error": details}
        except ExchangeFailure:
            reply = {"id": request_id, "status": 500, "error": {"code": -1000, "msg": refuse(-1000).message}}
        return reply | {"rateLimits": self._limits(usage)} if shows else reply

    async def _perform(self, session: _Session, method: str, values: dict[str, Any], usage: Usage) -> Any:
        if method.startswith("session."):
            return self._session_method(session, method, values, usage)
        endpoint = SOCKET.get(method)
        if endpoint is None:
            raise self._refusal(session, usage, -1020)
        rule = self._faults.draw(endpoint.operation)
        if rule is None:
            return await self._answer(session, endpoint, values, usage)
        return await self._go_wrong(session, endpoint, values, usage, rule)

    async def _answer(
        self, session: _Session, endpoint: Endpoint, values: Mapping[str, Any], usage: Usage
    ) -> Any:
        params = Parameters(values)
        known = session.key if "signature" not in values and endpoint.security is not Security.NONE else None
        key = values.get("apiKey")
        call = self._gateway.admit(
            endpoint,
            params,
            session.address,
            key if isinstance(key, str) else None,
            lambda: sorted_payload(values),
            usage,
            known,
        )
        answer = self._gateway.perform(endpoint, call)
        await self._gateway.services.venue.durable()
        return answer

    async def _go_wrong(
        self, session: _Session, endpoint: Endpoint, values: dict[str, Any], usage: Usage, rule: FaultRule
    ) -> Any:
        """The same faults as over REST, as far as a message can have them."""
        if rule.fault in ("drop_request", "reset_before"):
            raise _Dropped
        if rule.fault == "respond" and not rule.executed:
            raise _canned(rule, self._gateway.services.venue.clock.now_ms())
        if rule.fault == "delay_request":
            await asyncio.sleep(rule.ms / 1_000)
        answer = await self._answer(session, endpoint, values, usage)
        if rule.fault == "respond":
            raise _canned(rule, self._gateway.services.venue.clock.now_ms())
        await asyncio.sleep(rule.ms / 1_000 if rule.fault != "delay_request" else 0)
        if rule.fault in ("drop_answer", "reset_inside", "reset_after", "truncate"):
            raise _Dropped
        return answer

    def _session_method(self, session: _Session, method: str, values: dict[str, Any], usage: Usage) -> Any:
        """session.logon, session.status, session.logout."""
        services = self._gateway.services
        now_ms = services.venue.clock.now_ms()
        if method == "session.logon":
            endpoint = Endpoint("session.logon", lambda call: None, Security.READ, 2)
            key = values.get("apiKey")
            name = key if isinstance(key, str) else None
            self._gateway.admit(
                endpoint, Parameters(values), session.address, name, lambda: sorted_payload(values), usage
            )
            found = services.keys.find(name, session.address, now_ms)
            if not found.is_ed25519:
                raise refuse(-2015)
            session.key, session.logged_on_ms = found, now_ms
        elif method == "session.logout":
            session.key = None
        elif method != "session.status":
            raise self._refusal(session, usage, -1020)
        usage.weight = services.limits.count_weight(session.address, now_ms, 2 * (method != "session.logon"))
        return {
            "apiKey": session.key.key if session.key else None,
            "authorizedSince": session.logged_on_ms if session.key else None,
            "connectedSince": session.logged_on_ms or now_ms,
            "returnRateLimits": session.shows_limits,
            "serverTime": now_ms,
        }

    def _refusal(self, session: _Session, usage: Usage, code: int, *details: object) -> ExchangeError:
        """The refusal of what names no operation, which counts nevertheless; raises :class:`OverLimit`."""
        services = self._gateway.services
        now_ms = services.venue.clock.now_ms()
        usage.weight = services.limits.count_weight(session.address, now_ms, REFUSAL_WEIGHT)
        return refuse(code, *details)

    def _limits(self, usage: Usage) -> list[dict[str, Any]]:
        limits = self._gateway.services.limits
        rows = [("REQUEST_WEIGHT", "MINUTE", 1, limits.weight or 2_400, usage.weight)]
        if usage.orders_10s is not None:
            rows.append(("ORDERS", "SECOND", 10, limits.orders_10s or 300, usage.orders_10s))
            rows.append(("ORDERS", "MINUTE", 1, limits.orders_1m or 1_200, usage.orders_1m or 0))
        names = ("rateLimitType", "interval", "intervalNum", "limit", "count")
        return [dict(zip(names, row, strict=True)) for row in rows]


class _Dropped(Exception):
    """The connection goes without an answer."""


class _Canned(Exception):
    """An answer from the list of broken ones."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.error = error


def _canned(rule: FaultRule, now_ms: int) -> _Canned:
    canned = BODIES[rule.body](now_ms)
    try:
        error = msgspec.json.decode(canned.body, type=dict[str, Any])
    except msgspec.DecodeError:
        error = {"code": -1000, "msg": canned.body.decode()}
    return _Canned(canned.status, error)


def _parsed(text: str) -> dict[str, Any] | None:
    """The request that a message spells, or None."""
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
    except (ValueError, RecursionError):
        return None
    params = document.get("params")
    is_request = isinstance(document.get("method"), str) and (params is None or isinstance(params, dict))
    return document if is_request else None


def _is_id(value: Any) -> bool:
    """Numbers, short texts, and none."""
    if isinstance(value, str):
        return len(value) <= ID_MAX
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)
