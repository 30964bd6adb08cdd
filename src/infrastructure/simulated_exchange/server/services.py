"""What the handlers of all endpoints work with, and one call as they see it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from src.infrastructure.simulated_exchange.server.amendments import Amendments
from src.infrastructure.simulated_exchange.server.archive import Archive
from src.infrastructure.simulated_exchange.server.keys import ApiKey, KeyRing
from src.infrastructure.simulated_exchange.server.limits import Limits
from src.infrastructure.simulated_exchange.server.margin_changes import MarginChanges
from src.infrastructure.simulated_exchange.server.market import PublicMarket
from src.infrastructure.simulated_exchange.server.parameters import Parameters
from src.infrastructure.simulated_exchange.server.users import UserStreams
from src.infrastructure.simulated_exchange.server.venue import Venue


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the server, one of each."""

    venue: Venue
    market: PublicMarket
    users: UserStreams
    keys: KeyRing
    limits: Limits
    archive: Archive
    funding_interval_ms: int
    amendments: Amendments
    margin_changes: MarginChanges


@dataclass(slots=True)
class Call:
    """One request after the gateway: its parameters, whose it is (0: nobody's) by which key, and when it came (ms).

    ``timestamp`` and ``recv_window`` are those of a signed request.
    """

    services: Services
    params: Parameters
    now_ms: int
    account: int = 0
    key: ApiKey | None = None
    timestamp: int = 0
    recv_window: int = 5_000


class Security(Enum):
    """What a request needs: nothing, a key, a signature, a signature by a key that may trade."""

    NONE = "NONE"
    KEY = "KEY"
    READ = "READ"
    TRADE = "TRADE"


Handler = Callable[[Call], Any]
Weight = int | Callable[[Parameters], int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: who may call it, its weight, the orders it counts as (per 10 s, per minute).

    ``operation`` is the name by which faults refer to it; ``is_pooled`` marks those that count to the funding pool.
    """

    operation: str
    handler: Handler
    security: Security = Security.NONE
    weight: Weight = 1
    orders: tuple[int, int] = (0, 0)
    is_pooled: bool = False

    def weight_of(self, params: Parameters) -> int:
        """The request weight of one call."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)
