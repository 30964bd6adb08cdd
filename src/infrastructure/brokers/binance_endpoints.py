"""Every endpoint that this program may call, with its request weight. Anything else raises before a byte leaves.

Nothing here can withdraw or transfer. Weights: USDⓈ-M REST documentation; ``symbol_weight`` is that of a request about
one symbol, where it is lower. ``urgent`` ones (orders, cancels, the stream's upkeep, time) may use the reserve.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Api(StrEnum):
    """ccxt's names for the groups of endpoints: the version in the path, and whether requests are signed."""

    PUBLIC = "fapiPublic"
    PRIVATE = "fapiPrivate"
    PRIVATE_V2 = "fapiPrivateV2"
    PRIVATE_V3 = "fapiPrivateV3"
    SPOT = "sapi"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Method, path and weight of one call; ``urgent`` ones may spend what is kept back for them.

    ``lists`` are answered with a list: whatever else comes is no answer, least of all that there is nothing.
    """

    method: str
    api: Api
    path: str
    weight: int
    urgent: bool = False
    symbol_weight: int | None = None
    lists: bool = False

    def weight_of(self, query: str) -> int:
        """The weight of a request with these parameters."""
        if self.symbol_weight is not None and "symbol=" in query:
            return self.symbol_weight
        return self.weight


TIME: Final = Endpoint("GET", Api.PUBLIC, "time", 1, urgent=True)
EXCHANGE_INFO: Final = Endpoint("GET", Api.PUBLIC, "exchangeInfo", 1)
DEPTH: Final = Endpoint("GET", Api.PUBLIC, "depth", 10)
KLINES: Final = Endpoint("GET", Api.PUBLIC, "klines", 10, lists=True)

NEW_ORDER: Final = Endpoint("POST", Api.PRIVATE, "order", 0, urgent=True)
MODIFY_ORDER: Final = Endpoint("PUT", Api.PRIVATE, "order", 1, urgent=True)
CANCEL_ORDER: Final = Endpoint("DELETE", Api.PRIVATE, "order", 1, urgent=True)
NEW_ALGO: Final = Endpoint("POST", Api.PRIVATE, "algoOrder", 0, urgent=True)
CANCEL_ALGO: Final = Endpoint("DELETE", Api.PRIVATE, "algoOrder", 1, urgent=True)
COUNTDOWN: Final = Endpoint("POST", Api.PRIVATE, "countdownCancelAll", 10, urgent=True)
SET_LEVERAGE: Final = Endpoint("POST", Api.PRIVATE, "leverage", 1)
SET_MARGIN_TYPE: Final = Endpoint("POST", Api.PRIVATE, "marginType", 1)
SET_POSITION_MODE: Final = Endpoint("POST", Api.PRIVATE, "positionSide/dual", 1)

QUERY_ORDER: Final = Endpoint("GET", Api.PRIVATE, "order", 1, urgent=True)
OPEN_ORDERS: Final = Endpoint("GET", Api.PRIVATE, "openOrders", 40, symbol_weight=1, lists=True)
QUERY_ALGO: Final = Endpoint("GET", Api.PRIVATE, "algoOrder", 1, urgent=True)
OPEN_ALGOS: Final = Endpoint("GET", Api.PRIVATE, "openAlgoOrders", 40, symbol_weight=1, lists=True)
ALL_ORDERS: Final = Endpoint("GET", Api.PRIVATE, "allOrders", 5, lists=True)
ALL_ALGOS: Final = Endpoint("GET", Api.PRIVATE, "allAlgoOrders", 5, lists=True)
USER_TRADES: Final = Endpoint("GET", Api.PRIVATE, "userTrades", 5, lists=True)
INCOME: Final = Endpoint("GET", Api.PRIVATE, "income", 30, lists=True)
POSITION_MODE: Final = Endpoint("GET", Api.PRIVATE, "positionSide/dual", 30)
SYMBOL_CONFIG: Final = Endpoint("GET", Api.PRIVATE, "symbolConfig", 5, lists=True)
LEVERAGE_BRACKET: Final = Endpoint("GET", Api.PRIVATE, "leverageBracket", 1)
BALANCE: Final = Endpoint("GET", Api.PRIVATE_V3, "balance", 5, lists=True)
POSITION_RISK: Final = Endpoint("GET", Api.PRIVATE_V3, "positionRisk", 5, lists=True)

KEY_RESTRICTIONS: Final = Endpoint("GET", Api.SPOT, "account/apiRestrictions", 1)

CREATE_LISTEN_KEY: Final = Endpoint("POST", Api.PRIVATE, "listenKey", 1, urgent=True)
KEEP_LISTEN_KEY: Final = Endpoint("PUT", Api.PRIVATE, "listenKey", 1, urgent=True)

ALLOWED: Final = frozenset(value for value in globals().values() if isinstance(value, Endpoint))
