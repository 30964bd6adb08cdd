"""Market frames: what Binance's public streams say, decoded once and never changed again.

The structs carry the project's names and are filled straight from the wire's one-letter keys by msgspec, with the
exact decimals. Keys that a later year adds are ignored. Nothing here knows files, sockets or books: readers of
recordings, the live stream and the synthetic market all speak these types.

Wire format: Binance USDⓈ-M Futures, "WebSocket Market Streams" (bookTicker, trade, aggTrade, depthUpdate,
markPriceUpdate) and the REST order book (``GET /fapi/v1/depth``). :mod:`decoding` fills them.
"""

from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec

Levels: TypeAlias = list[tuple[str, str]]
"""Price levels as the wire spells them: (price, quantity); a quantity of zero removes the level."""


Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""An id, or a time in ms since the epoch, that every store takes; what a wire says beyond cannot be read."""


class BookTicker(
    msgspec.Struct,
    gc=False,
    tag="bookTicker",
    tag_field="e",
    rename={
        "symbol": "s",
        "bid_price": "b",
        "bid_quantity": "B",
        "ask_price": "a",
        "ask_quantity": "A",
        "update_id": "u",
        "transaction_ms": "T",
        "event_ms": "E",
    },
):
    """The best bid and ask after one update of the book. Times are ms since the epoch, UTC."""

    symbol: str
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal
    update_id: Whole
    transaction_ms: Whole
    event_ms: Whole


class TradePrint(
    msgspec.Struct,
    gc=False,
    tag="trade",
    tag_field="e",
    rename={
        "symbol": "s",
        "trade_id": "t",
        "price": "p",
        "quantity": "q",
        "buyer_is_maker": "m",
        "transaction_ms": "T",
        "event_ms": "E",
    },
):
    """One public trade; ``buyer_is_maker`` means that a seller took a resting bid.

    Several that the exchange joined are one; ``first_id`` and ``last_id`` are those of the single ones then, else 0.
    """

    symbol: str
    trade_id: Whole
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    transaction_ms: Whole
    event_ms: Whole
    first_id: Whole = 0
    last_id: Whole = 0


class BarPoint(msgspec.Struct, gc=False):
    """A quote and the print that comes right after it, at one point of a bar's path; no wire speaks of it.

    In a market of bars every print has its quote, so that one frame for both is half the work. Whoever takes it lets
    the quote come first. Times are ms since the epoch, UTC; the ids of both are the same number.
    """

    symbol: str
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal
    update_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    event_ms: int

    @property
    def trade_id(self) -> int:
        """The id of the print."""
        return self.update_id

    def parts(self) -> tuple[BookTicker, TradePrint]:
        """The quote and the print, for those who pass them on one by one."""
        at_ms = self.event_ms
        prices = self.bid_price, self.bid_quantity, self.ask_price, self.ask_quantity
        quote = BookTicker(self.symbol, *prices, self.update_id, at_ms, at_ms)
        trade = (self.symbol, self.trade_id, self.price, self.quantity, self.buyer_is_maker, at_ms, at_ms)
        return quote, TradePrint(*trade)


class DepthUpdate(
    msgspec.Struct,
    gc=False,
    tag="depthUpdate",
    tag_field="e",
    rename={
        "symbol": "s",
        "first_update_id": "U",
        "final_update_id": "u",
        "previous_final_update_id": "pu",
        "bids": "b",
        "asks": "a",
        "transaction_ms": "T",
        "event_ms": "E",
    },
):
    """Changed levels of the book; ``previous_final_update_id`` must equal the last one's ``final_update_id``."""

    symbol: str
    first_update_id: Whole
    final_update_id: Whole
    previous_final_update_id: Whole
    bids: Levels
    asks: Levels
    transaction_ms: Whole
    event_ms: Whole


class MarkPrice(
    msgspec.Struct,
    gc=False,
    tag="markPriceUpdate",
    tag_field="e",
    rename={
        "symbol": "s",
        "mark_price": "p",
        "index_price": "i",
        "funding_rate": "r",
        "next_funding_ms": "T",
        "event_ms": "E",
    },
):
    """Mark and index price, the funding rate as a fraction per interval, and when it is next paid (ms)."""

    symbol: str
    mark_price: Decimal
    index_price: Decimal
    funding_rate: Decimal
    next_funding_ms: Whole
    event_ms: Whole


class DepthSnapshot(msgspec.Struct, gc=False):
    """The REST order book; the wire does not name its symbol, the reader supplies it."""

    symbol: str
    last_update_id: Whole
    bids: Levels
    asks: Levels
    transaction_ms: Whole
    event_ms: Whole


MarketEvent: TypeAlias = BookTicker | TradePrint | DepthUpdate | DepthSnapshot | MarkPrice


def one_by_one(event: MarketEvent | BarPoint) -> tuple[MarketEvent, ...]:
    """What a wire would tell of an event: the quote and the print of a point, anything else as it is."""
    if isinstance(event, BarPoint):
        return event.parts()
    return (event,)


MarketFrame: TypeAlias = tuple[int, int, int, MarketEvent | BarPoint]
"""(receive time in ns since the epoch, index of the source's file, line number from 1, event)."""


class BookGap(msgspec.Struct, frozen=True, gc=False):
    """No frame, but that some are missing: a symbol's book is not known from here on, until its next snapshot."""

    symbol: str


News: TypeAlias = MarketEvent | BookGap
"""What a market says that nobody can ask again."""
