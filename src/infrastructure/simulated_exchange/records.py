"""What the exchange keeps a record of: orders in two disjoint stores, positions, accounts.

Prices, quantities and money are integers in units of 10⁻⁸ (see units.py). Spellings of sides, types and statuses
are the exchange's own. The records are changed in place by their one owner, the engine, and only together with
an entry in the pending changes, so that every change reaches the file.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

BUY: Final = "BUY"
SELL: Final = "SELL"
LIMIT: Final = "LIMIT"
MARKET: Final = "MARKET"
STOP_MARKET: Final = "STOP_MARKET"
TAKE_PROFIT_MARKET: Final = "TAKE_PROFIT_MARKET"
GTC: Final = "GTC"
IOC: Final = "IOC"
GTX: Final = "GTX"
CONTRACT_PRICE: Final = "CONTRACT_PRICE"
MARK_PRICE: Final = "MARK_PRICE"
BOTH: Final = "BOTH"
CROSSED: Final = "CROSSED"

NEW: Final = "NEW"
PARTIALLY_FILLED: Final = "PARTIALLY_FILLED"
FILLED: Final = "FILLED"
CANCELED: Final = "CANCELED"
EXPIRED: Final = "EXPIRED"
REJECTED: Final = "REJECTED"
TRIGGERED: Final = "TRIGGERED"
FINISHED: Final = "FINISHED"

OPEN_STATUSES: Final = frozenset({NEW, PARTIALLY_FILLED})

# Why an order expired, as ORDER_TRADE_UPDATE spells it in "er".
NO_EXPIRY: Final = "0"
IOC_REMAINDER: Final = "2"
KNOCKED_OUT: Final = "4"
MARKET_REMAINDER: Final = "9"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A wish as the wire carries it: quantity in base asset, prices in quote asset per base asset.

    ``trigger_price`` and ``working_type`` belong to conditional orders. ``timestamp`` and ``recv_window`` are in
    ms; the engine compares them with its own time. Without ``client_order_id`` the exchange makes one up.
    """

    symbol: str
    side: str
    type: str
    quantity: Decimal | None
    timestamp: int
    recv_window: int = 5000
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: str | None = None
    reduce_only: bool = False
    position_side: str = BOTH
    working_type: str = CONTRACT_PRICE
    client_order_id: str | None = None


@dataclass(slots=True, eq=False)
class Order:
    """An ordinary order. ``quote`` is the sum of its trades' price × quantity; 0 as ``price`` means no limit.

    ``queue_ahead`` is the quantity that stood at its price before it and has not traded since; ``rank`` is its
    place in time among the resting orders of one price. ``algo_id`` names the conditional order it came from.
    """

    order_id: int
    account: int
    symbol: str
    client_order_id: str
    side: str
    type: str
    time_in_force: str
    quantity: int
    price: int
    reduce_only: bool
    position_side: str
    created_ms: int
    updated_ms: int
    algo_id: int = 0
    status: str = NEW
    executed: int = 0
    quote: int = 0
    expiry_reason: str = NO_EXPIRY
    modifications: int = 0
    rank: int = 0
    queue_ahead: int = 0

    @property
    def remaining(self) -> int:
        """What has not been executed yet."""
        return self.quantity - self.executed

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in OPEN_STATUSES


@dataclass(slots=True, eq=False)
class AlgoOrder:
    """A conditional order. Once triggered, ``actual_order_id`` names the ordinary order that took its place."""

    algo_id: int
    account: int
    symbol: str
    client_algo_id: str
    side: str
    type: str
    time_in_force: str
    quantity: int
    trigger_price: int
    working_type: str
    reduce_only: bool
    position_side: str
    created_ms: int
    updated_ms: int
    status: str = NEW
    triggered_ms: int = 0
    actual_order_id: int = 0
    actual_price: int = 0
    actual_quantity: int = 0
    reject_reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.status == NEW

    @property
    def rises(self) -> bool:
        """Whether it is triggered by a price at or above the trigger price, rather than at or below."""
        return (self.side == BUY) is (self.type == STOP_MARKET)


@dataclass(slots=True, eq=False)
class Position:
    """A one-way position: signed quantity and what it cost (both in units, cost never negative).

    ``realized`` is the profit realised since the account opened, before fees (the "cr" of ACCOUNT_UPDATE).
    """

    quantity: int = 0
    cost: int = 0
    realized: int = 0
    updated_ms: int = 0


@dataclass(slots=True, eq=False)
class Account:
    """One account: wallets by asset, positions and leverage by symbol, and its open orders by both ids."""

    number: int
    account_id: str
    wallets: dict[str, int] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    order_ids: dict[str, Order] = field(default_factory=dict)
    algos: dict[int, AlgoOrder] = field(default_factory=dict)
    algo_ids: dict[str, AlgoOrder] = field(default_factory=dict)

    def position(self, symbol: str) -> Position:
        """The position of a symbol, flat if there was none."""
        found = self.positions.get(symbol)
        if found is None:
            found = self.positions[symbol] = Position()
        return found


@dataclass(frozen=True, slots=True)
class MarketReference:
    """What in the market a fill rests on: the book's update id or a trade print, and the frame it came by."""

    kind: str
    event_id: int
    source: int
    line: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of one order, with the market it was made from."""

    trade_id: int
    account: int
    symbol: str
    order_id: int
    client_order_id: str
    side: str
    position_side: str
    price: int
    quantity: int
    realized: int
    commission: int
    commission_asset: str
    is_maker: bool
    time_ms: int
    reference: MarketReference


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry of the books. The two postings of an entry share ``tran_id`` and add up to zero.

    The posting to the book "WALLET" carries the change of the wallet; the other one stands in the book of the
    income type. ``trade_id`` is 0 when no trade caused it.
    """

    tran_id: int
    book: str
    account: int
    asset: str
    amount: int
    income_type: str
    symbol: str
    time_ms: int
    trade_id: int


@dataclass(frozen=True, slots=True)
class UserEvent:
    """One event of an account's user stream as it goes over the wire; ``number`` is never used twice."""

    account: int
    number: int
    kind: str
    raw: str
