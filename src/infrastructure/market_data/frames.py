"""Market frames: what Binance's public streams say, decoded once and never changed again.

The structs carry the project's names and are filled straight from the wire's one-letter keys by msgspec, with the
exact decimals. Keys that a later year adds are ignored. Nothing here knows files, sockets or books: readers of
recordings, the live stream and the synthetic market all speak these types.

Wire format: Binance USDⓈ-M Futures, "WebSocket Market Streams" (bookTicker, trade, aggTrade, depthUpdate,
markPriceUpdate) and the REST order book (``GET /fapi/v1/depth``).
"""

from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

Levels: TypeAlias = list[tuple[str, str]]
"""Price levels as the wire spells them: (price, quantity); a quantity of zero removes the level."""


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
    update_id: int
    transaction_ms: int
    event_ms: int


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
    """One public trade; ``buyer_is_maker`` means that a seller took a resting bid."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    transaction_ms: int
    event_ms: int


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
    first_update_id: int
    final_update_id: int
    previous_final_update_id: int
    bids: Levels
    asks: Levels
    transaction_ms: int
    event_ms: int


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
    next_funding_ms: int
    event_ms: int


class DepthSnapshot(msgspec.Struct, gc=False):
    """The REST order book; the wire does not name its symbol, the reader supplies it."""

    symbol: str
    last_update_id: int
    bids: Levels
    asks: Levels
    transaction_ms: int
    event_ms: int


MarketEvent: TypeAlias = BookTicker | TradePrint | DepthUpdate | DepthSnapshot | MarkPrice

MarketFrame: TypeAlias = tuple[int, int, int, MarketEvent]
"""(receive time in ns since the epoch, index of the source's file, line number from 1, event)."""


class BadLine(ValueError):
    """A line that is no usable market frame; ``reason`` is a short text to count by."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AggregateTrade(
    msgspec.Struct,
    gc=False,
    tag="aggTrade",
    tag_field="e",
    rename={
        "symbol": "s",
        "trade_id": "a",
        "price": "p",
        "quantity": "q",
        "buyer_is_maker": "m",
        "transaction_ms": "T",
        "event_ms": "E",
    },
):
    """Trades of one taker at one price, joined by the exchange; readers turn it into a :class:`TradePrint`."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    transaction_ms: int
    event_ms: int


StreamEvent: TypeAlias = BookTicker | TradePrint | DepthUpdate | MarkPrice | AggregateTrade


class Envelope(msgspec.Struct, gc=False):
    """Either a combined-stream message (``stream`` and ``data``) or a REST snapshot (the other keys)."""

    stream: str = ""
    data: StreamEvent | None = None
    last_update_id: int = msgspec.field(default=0, name="lastUpdateId")
    bids: Levels | None = None
    asks: Levels | None = None
    transaction_ms: int = msgspec.field(default=0, name="T")
    event_ms: int = msgspec.field(default=0, name="E")
    kind: str = msgspec.field(default="", name="e")


_ZERO: Final = Decimal(0)
_ABSURD: Final = Decimal("1e15")  # No price or quantity comes near; infinity is beyond it, too.

_decode_envelope: Final = msgspec.json.Decoder(Envelope).decode
_decode_event: Final = msgspec.json.Decoder(StreamEvent).decode


def objection_to_event(event: MarketEvent) -> str | None:
    """Why the numbers of an event cannot be: a price or quantity that is NaN, infinite, zero or negative.

    Levels of depth updates are looked at only as text, at C speed: their numbers are read when somebody asks.
    """
    kind = type(event)
    if kind is BookTicker or kind is TradePrint or kind is MarkPrice:
        return None if _numbers_are_sound(event) else "a price or quantity is not a positive number"
    for levels in (event.bids, event.asks):  # type: ignore[union-attr]
        if levels and (max(levels)[0] > ":" or min(levels)[0] < "0"):
            return "a price or quantity is not a positive number"
    return None


def _numbers_are_sound(event: MarketEvent) -> bool:
    try:
        if type(event) is BookTicker:
            return (
                _ZERO < event.bid_price < _ABSURD
                and _ZERO < event.ask_price < _ABSURD
                and _ZERO < event.bid_quantity < _ABSURD
                and _ZERO < event.ask_quantity < _ABSURD
            )
        if type(event) is TradePrint:
            return _ZERO < event.price < _ABSURD and _ZERO < event.quantity < _ABSURD
        if type(event) is MarkPrice:
            return _ZERO < event.mark_price < _ABSURD and _ZERO < event.index_price < _ABSURD
    except ArithmeticError:  # A comparison with NaN.
        return False
    return True


def decode_message(message: bytes | str, symbol: str = "") -> MarketEvent:
    """Decode one message of a stream, combined or raw, or a REST snapshot of ``symbol``.

    Raises :class:`BadLine` when it is none of them or its numbers cannot be.
    """
    try:
        envelope = _decode_envelope(message)
        event = _decode_event(message) if envelope.kind else _opened(envelope, symbol)
    except msgspec.ValidationError as error:
        raise BadLine(_reason_of(error)) from None
    except msgspec.DecodeError:
        raise BadLine("not JSON") from None
    except UnicodeDecodeError:
        raise BadLine("not UTF-8") from None
    if type(event) is AggregateTrade:
        event = _as_trade(event)
    if (objection := objection_to_event(event)) is not None:  # type: ignore[arg-type]
        raise BadLine(objection)
    return event  # type: ignore[return-value]


def _reason_of(error: msgspec.ValidationError) -> str:
    return (
        "another kind of event" if "Invalid value" in str(error) else "a field is missing or of a wrong type"
    )


def _opened(envelope: Envelope, symbol: str) -> MarketEvent | AggregateTrade:
    if envelope.data is not None:
        return envelope.data
    if envelope.last_update_id and envelope.bids is not None and envelope.asks is not None:
        return DepthSnapshot(
            symbol,
            envelope.last_update_id,
            envelope.bids,
            envelope.asks,
            envelope.transaction_ms,
            envelope.event_ms,
        )
    raise BadLine("not a market frame")


def _as_trade(event: AggregateTrade) -> TradePrint:
    return TradePrint(
        event.symbol,
        event.trade_id,
        event.price,
        event.quantity,
        event.buyer_is_maker,
        event.transaction_ms,
        event.event_ms,
    )
