"""The gateway in front of the engine: who may ask what, and when; then the operation itself.

Order of the checks: address weight (429, 418), key (-2014, -2015), timestamp and signature (-1102, -1021, -1022),
order counts (-1015), and then whatever the operation refuses. The engine checks the timestamp once more by the time
at which it gets the request; what came through here and is late there is -5028.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from src.infrastructure.simulated_exchange.errors import AHEAD_OF_SERVER, OUTSIDE_WINDOW, ExchangeError
from src.infrastructure.simulated_exchange.server.keys import ApiKey
from src.infrastructure.simulated_exchange.server.parameters import Parameters
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.services import Call, Endpoint, Security, Services

RECV_WINDOW: Final = 5_000
RECV_WINDOW_MAX: Final = 60_000
CLOCK_LEAD_MS: Final = 1_000

Payload = Callable[[], str]


@dataclass(slots=True)
class Usage:
    """What a request has used of the limits, for headers and `rateLimits`; None for what it did not count to.

    ``earlier`` is what the same question was answered before, kept while faults may ask for it.
    """

    weight: int = 0
    orders_10s: int | None = None
    orders_1m: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    earlier: Any = None


class Gateway:
    """Admits requests to the operations."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def admit(
        self,
        endpoint: Endpoint,
        params: Parameters,
        address: str,
        key: str | None,
        payload: Payload,
        usage: Usage,
        known: ApiKey | None = None,
    ) -> Call:
        """Check everything that comes before the operation; raises ExchangeError.

        ``payload`` makes the text that was signed; ``known`` is the key of a connection that has logged on, whose
        requests need no signature.
        """
        services = self.services
        now_ms = services.venue.clock.now_ms()
        usage.weight = services.limits.count_weight(address, now_ms, endpoint.weight_of(params))
        if endpoint.is_pooled:
            services.limits.count_pool(address, now_ms)
        call = Call(services, params, now_ms)
        security = endpoint.security
        if security is Security.NONE:
            return call
        is_trade = security is Security.TRADE
        owner = services.keys.find(known.key if known else key, address, now_ms, trades=is_trade)
        call.account, call.key = owner.account, owner
        if security is not Security.KEY:
            self._check_time(call)
            if known is None:
                services.keys.check_signature(owner, payload(), params.need("signature"))
        if endpoint.orders[0]:
            counts = services.limits.count_orders(call.account, now_ms, *endpoint.orders)
            usage.orders_10s, usage.orders_1m = counts.ten_seconds.used, counts.minute.used
        return call

    def _check_time(self, call: Call) -> None:
        params = call.params
        call.timestamp = params.need_integer("timestamp")
        window = params.integer("recvWindow")
        call.recv_window = RECV_WINDOW if window is None else window
        if not 0 < call.recv_window <= RECV_WINDOW_MAX:
            raise refuse(-1130, "recvWindow")
        if call.timestamp >= call.now_ms + CLOCK_LEAD_MS:
            raise ExchangeError(-1021, AHEAD_OF_SERVER)
        if call.now_ms - call.timestamp > call.recv_window:
            raise ExchangeError(-1021, OUTSIDE_WINDOW)

    def perform(self, endpoint: Endpoint, call: Call) -> Any:
        """Run the operation; its answer is not durable before the venue's group is."""
        try:
            return endpoint.handler(call)
        except ExchangeError as error:
            if error.code == -1021:
                raise refuse(-5028) from None
            raise


def usage_headers(usage: Usage) -> dict[str, str]:
    """The headers that tell a client what it has used."""
    headers = usage.headers
    headers["X-MBX-USED-WEIGHT-1M"] = str(usage.weight)
    if usage.orders_10s is not None:
        headers["X-MBX-ORDER-COUNT-10S"] = str(usage.orders_10s)
        headers["X-MBX-ORDER-COUNT-1M"] = str(usage.orders_1m)
    return headers


def merged(query: Mapping[str, str], body: Mapping[str, str]) -> Mapping[str, str]:
    """Parameters of query and body; the query's win."""
    if not body:
        return query
    return {**body, **query}
