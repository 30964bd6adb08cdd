"""REST requests on their way: parsed, admitted, performed, durable, answered, or torn on purpose.

One low-level aiohttp handler for all paths: no router, no middlewares. An answer leaves only after the commit of
what it says.
"""

import asyncio
import socket
import struct
from typing import Any, Final

import msgspec
from aiohttp import web

from src.infrastructure.simulated_exchange.errors import ExchangeError, ExchangeFailure
from src.infrastructure.simulated_exchange.server.fault_bodies import BODIES, CannedAnswer
from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule, Faults
from src.infrastructure.simulated_exchange.server.gateway import Gateway, Usage, merged, usage_headers
from src.infrastructure.simulated_exchange.server.parameters import Parameters, split_pairs
from src.infrastructure.simulated_exchange.server.refusals import OverLimit, last_resort, refuse, status_of
from src.infrastructure.simulated_exchange.server.routes import REST
from src.infrastructure.simulated_exchange.server.services import Endpoint
from src.infrastructure.simulated_exchange.server.signing import signed_part

encode: Final = msgspec.json.Encoder().encode
_JSON: Final = "application/json"


class Torn(Exception):
    """The connection was closed on purpose; there is nobody to answer."""


class RestApi:
    """Answers REST requests."""

    def __init__(self, gateway: Gateway, faults: Faults) -> None:
        self._gateway = gateway
        self._faults = faults
        self._earlier: dict[str, Any] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request."""
        usage = Usage()
        try:
            with last_resort(Torn, web.HTTPException, ConnectionError):
                return await self._respond(request, usage)
        except OverLimit as error:
            usage.headers["Retry-After"] = str(error.retry_after_s)
            return _respond(error.status, _error_body(error), usage)
        except ExchangeError as error:
            return _respond(status_of(error.code), _error_body(error), usage)
        except ExchangeFailure:
            return _respond(500, _error_body(refuse(-1000)), usage)
        except Torn:
            return web.Response()

    async def _respond(self, request: web.BaseRequest, usage: Usage) -> web.StreamResponse:
        endpoint = REST.get(f"{request.method} {request.path}")
        if endpoint is None:
            raise refuse(-5000, request.path, request.method)
        rule = self._faults.draw(endpoint.operation)
        if rule is None:
            answer = await self._answer(request, endpoint, usage)
            return _respond(200, encode(answer), usage)
        return await self._go_wrong(request, endpoint, usage, rule)

    async def _answer(
        self,
        request: web.BaseRequest,
        endpoint: Endpoint,
        usage: Usage,
        times: int = 1,
        pause_s: float = 0.0,
    ) -> Any:
        """Perform the operation and wait until it is durable; ``pause_s`` is between gateway and engine."""
        _, _, query = request.raw_path.partition("?")
        body = await _body(request)
        params = Parameters(merged(split_pairs(query), split_pairs(body)))
        call = self._gateway.admit(
            endpoint,
            params,
            request.remote or "",
            request.headers.get("X-MBX-APIKEY"),
            lambda: signed_part(query) + signed_part(body),
            usage,
        )
        if pause_s:
            await asyncio.sleep(pause_s)
        answer = self._gateway.perform(endpoint, call)
        for _ in range(times - 1):
            self._perform_again(endpoint, call)
        await self._gateway.services.venue.durable()
        if self._faults.is_active and request.method == "GET":
            place = f"{call.account} {request.path} {params.text('symbol') or ''}"
            usage.earlier = self._earlier.get(place)
            self._earlier[place] = answer
        return answer

    def _perform_again(self, endpoint: Endpoint, call: Any) -> None:
        """A request that the network delivered twice: the second one's answer reaches nobody."""
        try:
            self._gateway.perform(endpoint, call)
        except ExchangeError:
            return

    async def _go_wrong(
        self, request: web.BaseRequest, endpoint: Endpoint, usage: Usage, rule: FaultRule
    ) -> web.StreamResponse:
        fault = rule.fault
        if fault in ("drop_request", "reset_before"):
            await _body(request)
            await asyncio.sleep(rule.ms / 1_000)
            raise _torn(request, with_reset=fault == "reset_before")
        if fault == "respond" and not rule.executed:
            await _body(request)
            return self._canned(rule, usage)
        if fault == "delay_request":
            await asyncio.sleep(rule.ms / 1_000)
        try:
            times, pause_s = 1 + (fault == "duplicate"), rule.ms / 1_000 if fault == "delay_engine" else 0.0
            answer = await self._answer(request, endpoint, usage, times, pause_s)
            status, body = 200, encode(self._distorted(rule, answer, usage.earlier))
        except ExchangeError as error:
            status, body = status_of(error.code), _error_body(error)
        return await self._send_wrong(request, rule, usage, status, body)

    async def _send_wrong(
        self, request: web.BaseRequest, rule: FaultRule, usage: Usage, status: int, body: bytes
    ) -> web.StreamResponse:
        """Answer something that happened in the way that the rule says."""
        fault = rule.fault
        if fault in ("drop_answer", "delay_answer"):
            await asyncio.sleep(rule.ms / 1_000)
        if fault == "drop_answer":
            raise _torn(request)
        if fault == "respond":
            return self._canned(rule, usage)
        if fault in ("truncate", "reset_inside"):
            await _send_part(request, status, body, rule.bytes or len(body) // 2)
            raise _torn(request, with_reset=fault == "reset_inside")
        if fault == "reset_after":
            await _send_part(request, status, body, len(body))
            raise _torn(request, with_reset=True)
        return _respond(status, body, usage)

    def _distorted(self, rule: FaultRule, answer: Any, earlier: Any) -> Any:
        """A true answer, or one that is old or about something else."""
        if rule.fault == "stale":
            if earlier is None and not isinstance(answer, list):
                raise refuse(-2013)  # It had not been there yet.
            return earlier or []
        if rule.fault == "wrong_symbol":
            return _with_symbol(answer, list(self._gateway.services.market.views))
        return answer

    def _canned(self, rule: FaultRule, usage: Usage) -> web.Response:
        canned: CannedAnswer = BODIES[rule.body](self._gateway.services.venue.clock.now_ms())
        return _respond(canned.status, canned.body, usage, canned.content_type, canned.headers)


def _respond(
    status: int,
    body: bytes,
    usage: Usage,
    content_type: str = _JSON,
    more: dict[str, str] | None = None,
) -> web.Response:
    headers = usage_headers(usage)
    if more:
        headers.update(more)
    return web.Response(body=body, status=status, content_type=content_type, headers=headers)


def _error_body(error: ExchangeError) -> bytes:
    return encode({"code": error.code, "msg": error.message})


async def _body(request: web.BaseRequest) -> str:
    """The body as text; clients that put everything into the query send none."""
    try:
        return (await request.read()).decode() if request.can_read_body else ""
    except (UnicodeDecodeError, web.RequestPayloadError):
        raise refuse(-1100, "body", "UTF-8") from None


async def _send_part(request: web.BaseRequest, status: int, body: bytes, length: int) -> None:
    """An answer that promises more than it brings."""
    transport = request.transport
    if transport is None:
        return
    head = f"HTTP/1.1 {status} \r\nContent-Type: {_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    transport.write(head.encode() + body[:length])
    await asyncio.sleep(0.02)  # Let the part reach the client before the connection goes.


def _torn(request: web.BaseRequest, with_reset: bool = False) -> Torn:
    """Close the connection, politely or with a reset."""
    transport = request.transport
    if transport is not None:
        if with_reset:
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    return Torn()


def _with_symbol(answer: Any, symbols: list[str]) -> Any:
    """The same answer about the symbol after the one it is about."""
    if isinstance(answer, list):
        return [_with_symbol(row, symbols) for row in answer]
    if isinstance(answer, dict) and answer.get("symbol") in symbols:
        other = symbols[(symbols.index(answer["symbol"]) + 1) % len(symbols)]
        return answer | {"symbol": other}
    return answer
