"""What the exchange keeps a record of: orders in two disjoint stores, positions, accounts.

Prices, quantities and money are integers in units of 10⁻⁸ (see units.py). Spellings of sides, types and statuses
are the exchange's own. The records are changed in place by their one owner, the engine, and only together with
an entry in the pending changes, so that every change reaches the file. What is never changed is a struct, which is
made in a fifth of the time of a frozen dataclass.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

BUY: Final = "BUY"
SELL: Final = "SELL"
LIMIT: Final = "LIMIT"
MARKET: Final = "MARKET"
STOP_MARKET: Final = "STOP_MARKET"
TAKE_PROFIT_MARKET: Final = "TAKE_PROFIT_MARKET"
STOP: Final = "STOP"
TAKE_PROFIT: Final = "TAKE_PROFIT"
TRAILING_STOP_MARKET: Final = "TRAILING_STOP_MARKET"
GTC: Final = "GTC"
IOC: Final = "IOC"
FOK: Final = "FOK"
GTX: Final = "GTX"
GTD: Final = "GTD"
CONTRACT_PRICE: Final = "CONTRACT_PRICE"
MARK_PRICE: Final = "MARK_PRICE"
BOTH: Final = "BOTH"
LONG: Final = "LONG"
SHORT: Final = "SHORT"
CROSSED: Final = "CROSSED"
ISOLATED: Final = "ISOLATED"
NONE: Final = "NONE"
EXPIRE_TAKER: Final = "EXPIRE_TAKER"
EXPIRE_MAKER: Final = "EXPIRE_MAKER"
EXPIRE_BOTH: Final = "EXPIRE_BOTH"

NEW: Final = "NEW"
PARTIALLY_FILLED: Final = "PARTIALLY_FILLED"
FILLED: Final = "FILLED"
CANCELED: Final = "CANCELED"
EXPIRED: Final = "EXPIRED"
EXPIRED_IN_MATCH: Final = "EXPIRED_IN_MATCH"
REJECTED: Final = "REJECTED"
TRIGGERING: Final = "TRIGGERING"
TRIGGERED: Final = "TRIGGERED"
FINISHED: Final = "FINISHED"

# What ORDER_TRADE_UPDATE says has happened, in "x", where it is no status.
TRADE: Final = "TRADE"
CALCULATED: Final = "CALCULATED"
AMENDMENT: Final = "AMENDMENT"

OPEN_STATUSES: Final = frozenset({NEW, PARTIALLY_FILLED})
# Of the times in force, those that let an order rest.
RESTING: Final = frozenset({GTC, GTX, GTD})

# Why an order expired, as ORDER_TRADE_UPDATE spells it in "er".
NO_EXPIRY: Final = "0"
SELF_TRADE: Final = "1"
IOC_REMAINDER: Final = "2"
IOC_SELF_TRADE: Final = "3"
KNOCKED_OUT: Final = "4"
LIQUIDATED: Final = "5"
DELISTED: Final = "7"
MARKET_REMAINDER: Final = "9"


class OrderRequest(msgspec.Struct, frozen=True, gc=False):
    """A wish as the wire carries it: quantity in base asset, prices in quote asset per base asset.

    ``trigger_price``, ``working_type`` and what follows ``close_position`` up to ``callback_rate`` (in percent) belong
    to conditional orders. ``timestamp``, ``recv_window`` and ``good_till_ms`` are in ms; the engine compares them with
    its own time. Without ``client_order_id`` the exchange makes one up.
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
    close_position: bool = False
    price_protect: bool = False
    activate_price: Decimal | None = None
    callback_rate: Decimal | None = None
    good_till_ms: int = 0
    price_match: str = NONE
    self_trade_prevention: str = EXPIRE_MAKER


@dataclass(slots=True, eq=False)
class Order:
    """An ordinary order. ``quote`` is the sum of its trades' price × quantity; 0 as ``price`` means no limit.

    ``queue_ahead`` is the quantity that stood at its price before it and has not traded since; ``rank`` is its
    place in time among the resting orders of one price. ``algo_id`` names the conditional order it came from;
    ``good_till_ms`` is 0 for one without a date; ``is_forced`` marks what the exchange itself ordered.
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
    good_till_ms: int = 0
    price_match: str = NONE
    self_trade_prevention: str = EXPIRE_MAKER
    close_position: bool = False
    is_forced: bool = False
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

    @property
    def closes(self) -> bool:
        """Whether it can only shrink a position: asked to, or on the closing side of hedge mode."""
        if self.position_side == BOTH:
            return self.reduce_only
        return (self.side == SELL) is (self.position_side == LONG)


class MarketReference(msgspec.Struct, frozen=True, gc=False):
    """What in the market a fill rests on: the book's update id or a trade print, and the frame it came by."""

    kind: str
    event_id: int
    source: int
    line: int


class Trade(msgspec.Struct, frozen=True, gc=False):
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


class Posting(msgspec.Struct, frozen=True, gc=False):
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


class UserEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of an account's user stream as it goes over the wire; ``number`` is never used twice."""

    account: int
    number: int
    kind: str
    raw: str
