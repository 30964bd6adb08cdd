"""Orders and trades on the account that the session did not make: somebody's own, or forced by the exchange.

Forced orders are named by the exchange (Binance USDⓈ-M, user data streams, ORDER_TRADE_UPDATE): ``autoclose-…`` is a
liquidation, ``adl_autoclose`` an auto-deleveraging, ``settlement_autoclose-…`` and ``delivery_autoclose-…`` end a
contract.
"""

from enum import StrEnum
from typing import Final

EXTERNAL: Final = "external"
"""The strategy of a trade that no order of ours made."""

_FORCED: Final = (
    ("settlement_autoclose", "a settlement"),
    ("delivery_autoclose", "a delivery"),
    ("adl_autoclose", "an auto-deleveraging"),
    ("autoclose-", "a liquidation"),
)


class ExternalPolicy(StrEnum):
    """What is done about orders and trades that are not ours. Whatever it is, every trade is booked."""

    ADOPT = "adopt"
    """They are taken as those of whoever owns the position, or of an order by hand: strategies go on."""
    COUNT = "count"
    """They count in position, exposure and money; what they open belongs to nobody and is protected."""
    HALT = "halt"
    """They count as well, and trading halts until a person re-arms."""


def forced(client_order_id: str) -> str | None:
    """What kind of forced order has such an id; None for any other order."""
    return next((kind for prefix, kind in _FORCED if client_order_id.startswith(prefix)), None)
