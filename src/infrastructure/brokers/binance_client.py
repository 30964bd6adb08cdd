"""ccxt's Binance client on our own transport: it signs, and knows markets; what is sent, how often, is ours.

Its ``fetch`` is replaced, so that every byte, also of a call that ccxt makes by itself, passes the list of endpoints,
the weight budget and the one transport. Its rate limiter and its retries stay off. Order entry does not pass through
its request pipeline at all: :meth:`BinanceClient.transmit` signs with the attempt's own time and window and sends once.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from ccxt.async_support.binanceusdm import binanceusdm

from src.application.ports.broker import BrokerRefused, NetworkError, RateLimitError
from src.infrastructure.brokers.binance_codes import NOT_IN_TIME
from src.infrastructure.brokers.binance_endpoints import ALLOWED, Api, Endpoint
from src.infrastructure.brokers.binance_outcomes import UNDECODABLE, error_of
from src.infrastructure.brokers.binance_transport import BinanceTransport, NoReply, Reply
from src.infrastructure.brokers.venue_clock import VenueClock
from src.infrastructure.brokers.weight_budget import WeightBudget

READ_WINDOW_MS: Final = 5_000
_VERSIONS: Final = {
    Api.PUBLIC: "/fapi/v1",
    Api.PRIVATE: "/fapi/v1",
    Api.PRIVATE_V2: "/fapi/v2",
    Api.PRIVATE_V3: "/fapi/v3",
    Api.SPOT: "/sapi/v1",
}
_TOO_MANY: Final = frozenset({418, 429})
_NOT_ANSWERED: Final = frozenset({-1000, -1001, -1006, -1007, -1008})
"""Codes by which the exchange says that it could not, not that it would not: the question is asked again."""
# Amounts are strings on the wire; a number with a fraction (leverage brackets) keeps its digits.
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class NotInTime(NetworkError):
    """The request came too late, or the exchange's time is another than we think."""


class EndpointNotAllowed(Exception):
    """Something tried to call an endpoint that this program has no business with."""


class _Ccxt(binanceusdm):  # type: ignore[misc]  # ccxt is not typed
    """The client with its ``fetch`` in our hands, and the exchange's clock for its own."""

    # It has no connection of its own whose end would take a moment.
    timeout_on_exit = 0

    fetcher: Any
    venue_ms: Any

    def nonce(self) -> int:
        """The time a request is signed with."""
        return int(self.venue_ms())

    async def fetch(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Any:
        """Every request of ccxt comes through here."""
        return await self.fetcher(url, method, headers, body)


class BinanceClient:
    """Calls of one key at one host. ``base_url`` is the REST root, without a path.

    ``spot_url`` is the root of the spot exchange, which alone knows what a key may do; without one, where futures are.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        secret: str,
        transport: BinanceTransport,
        budget: WeightBudget,
        clock: VenueClock,
        spot_url: str | None = None,
    ) -> None:
        base_url = base_url.rstrip("/")
        spot_url = (spot_url or base_url).rstrip("/")
        roots = {api: spot_url if api is Api.SPOT else base_url for api in Api}
        self._transport = transport
        self._budget = budget
        self._clock = clock
        self._ccxt = _Ccxt(
            {
                "apiKey": api_key,
                "secret": secret,
                "enableRateLimit": False,
                "options": {"recvWindow": READ_WINDOW_MS, "fetchCurrencies": False},
            }
        )
        self._ccxt.fetcher = self._fetch
        self._ccxt.venue_ms = lambda: clock.now().now_ms
        self._ccxt.urls["api"] = {api.value: roots[api] + path for api, path in _VERSIONS.items()}
        self._allowed = {(e.method, f"{roots[e.api]}{_VERSIONS[e.api]}/{e.path}"): e for e in ALLOWED}

    async def read(self, endpoint: Endpoint, params: Mapping[str, object] | None = None) -> Any:
        """The decoded answer of a call that may be repeated.

        Raises :class:`BrokerRefused`, :class:`RateLimitError` or :class:`NetworkError`.
        """
        return await self._ccxt.request(
            endpoint.path, [endpoint.api.value], endpoint.method, dict(params or {})
        )

    async def transmit(self, endpoint: Endpoint, params: Mapping[str, object]) -> Reply:
        """Sign ``params`` as they are, their own timestamp and recvWindow included, and send them once.

        Raises :class:`NoReply`; a spent budget or a ban counts as not sent.
        """
        signed = self._signed(endpoint, params)
        try:
            self._budget.spend(endpoint.weight, urgent=endpoint.urgent)
        except RateLimitError as error:
            raise NoReply(str(error), sent=False) from None
        reply = await self._transport.send(signed["method"], signed["url"], signed["headers"], signed["body"])
        self._budget.learn(reply.status, reply.headers, reply.body)
        return reply

    def rehearse(self, endpoint: Endpoint, params: Mapping[str, object]) -> None:
        """Sign a request as :meth:`transmit` does, and forget it."""
        self._signed(endpoint, params)

    def _signed(self, endpoint: Endpoint, params: Mapping[str, object]) -> dict[str, Any]:
        signed: dict[str, Any] = self._ccxt.sign(
            endpoint.path, [endpoint.api.value], endpoint.method, dict(params)
        )
        self._check(signed["method"], signed["url"])
        return signed

    async def _fetch(self, url: str, method: str, headers: Mapping[str, str] | None, body: str | None) -> Any:
        endpoint = self._check(method, url)
        self._budget.spend(endpoint.weight_of(url.partition("?")[2]), urgent=endpoint.urgent)
        sent_ns = self._clock.local_ns()
        try:
            reply = await self._transport.send(method, url, headers, body)
        except NoReply as error:
            raise NetworkError(f"{method} {endpoint.path}: {error}") from None
        self._budget.learn(reply.status, reply.headers, reply.body)
        try:
            answer = _decoded(reply, f"{method} {endpoint.path}")
        except NotInTime:
            self._clock.doubt()
            raise
        if isinstance(answer, dict) and isinstance(answer.get("serverTime"), int):
            self._clock.sample(sent_ns, self._clock.local_ns(), answer["serverTime"])
        if endpoint.lists and not isinstance(answer, list):
            raise NetworkError(f"{method} {endpoint.path}: the answer is no list")
        return answer

    def _check(self, method: str, url: str) -> Endpoint:
        endpoint = self._allowed.get((method, url.partition("?")[0]))
        if endpoint is None:
            raise EndpointNotAllowed(
                f"{method} {urlsplit(url).path} is not among the endpoints of this program"
            )
        return endpoint

    async def close(self) -> None:
        """Close the connections."""
        await self._ccxt.close()
        await self._transport.close()


def _decoded(reply: Reply, what: str) -> Any:
    """The JSON of a good answer; otherwise the error that says what it was."""
    try:
        body = _decode(reply.body)
    except UNDECODABLE:
        raise NetworkError(f"{what}: HTTP {reply.status} without a readable answer") from None
    if reply.status in _TOO_MANY:
        wait = reply.headers.get("retry-after", "")
        raise RateLimitError(f"{what}: HTTP {reply.status}", float(wait) if wait.isdigit() else 10.0)
    code, message = error_of(body) if isinstance(body, dict) else (0, "")
    if reply.status >= 500 or reply.status == 408:
        raise NetworkError(f"{what}: HTTP {reply.status} {message}".rstrip())
    if code in NOT_IN_TIME:
        raise NotInTime(f"{what}: {message} ({code})")
    if code in _NOT_ANSWERED:
        raise NetworkError(f"{what}: {message} ({code})")
    if code < 0:
        raise BrokerRefused(code, message)
    if reply.status >= 300:
        raise NetworkError(f"{what}: HTTP {reply.status}")
    return body
