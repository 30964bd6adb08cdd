"""From the bytes of one message to a market frame, or to the reason why it is none.

msgspec decodes straight into the structs of :mod:`frames`; what it cannot see, numbers that cannot be, is checked
here. This is the hottest code of a replay: most frames pass through one function and four comparisons.
"""

from collections.abc import Container
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    Levels,
    MarketEvent,
    MarkPrice,
    TradePrint,
    Whole,
)


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
        "first_id": "f",
        "last_id": "l",
    },
):
    """Trades of one taker at one price, joined by the exchange; readers turn it into a :class:`TradePrint`."""

    symbol: str
    trade_id: Whole
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    transaction_ms: Whole
    event_ms: Whole
    first_id: Whole = 0
    last_id: Whole = 0


StreamEvent: TypeAlias = BookTicker | TradePrint | DepthUpdate | MarkPrice | AggregateTrade


class CombinedMessage(msgspec.Struct, gc=False):
    """A message of a combined stream; the stream's name says nothing that the event does not."""

    data: StreamEvent


class RawMessage(msgspec.Struct, gc=False):
    """A message of a combined stream, its event left as it is."""

    data: msgspec.Raw


class SnapshotMessage(msgspec.Struct, gc=False, rename={"transaction_ms": "T", "event_ms": "E"}):
    """The REST order book as the wire has it."""

    last_update_id: Whole = msgspec.field(name="lastUpdateId")
    bids: Levels
    asks: Levels
    transaction_ms: Whole = 0
    event_ms: Whole = 0


_ZERO: Final = Decimal(0)
_ABSURD: Final = Decimal("1e15")  # No price or quantity comes near; infinity is beyond it, too.
_NOT_POSITIVE: Final = "a price or quantity is not a positive number"

_USUAL: Final = (
    b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5123107839057,"s":"BTCUSDT","b":"61800.10",'
    b'"B":"3.142","a":"61800.20","A":"2.718","T":1723161600000,"E":1723161600000}}'
)

_decode_combined: Final = msgspec.json.Decoder(CombinedMessage).decode
_decode_raw: Final = msgspec.json.Decoder(RawMessage).decode
_decode_event: Final = msgspec.json.Decoder(StreamEvent).decode
_decode_snapshot: Final = msgspec.json.Decoder(SnapshotMessage).decode


def decode_message(message: bytes, symbol: str = "", singles: Container[str] = ()) -> MarketEvent:
    """Decode one message of a stream, combined or raw, or a REST snapshot, which is taken to be of ``symbol``.

    Trades joined by the exchange (aggTrade) come out as trades, but for symbols in ``singles``: where single trades
    are received, too, they would count twice.

    Raises :class:`BadLine` when the message is none of these, or a number is NaN, infinite, zero or negative.
    """
    try:
        event: StreamEvent | DepthSnapshot
        try:
            event = _decode_combined(message).data
        except msgspec.ValidationError:
            event = _decode_other(message, symbol)
        if isinstance(event, BookTicker):  # Most frames are one of the first two.
            if (
                _ZERO < event.bid_price < _ABSURD
                and _ZERO < event.ask_price < _ABSURD
                and _ZERO < event.bid_quantity < _ABSURD
                and _ZERO < event.ask_quantity < _ABSURD
            ):
                return event
        elif isinstance(event, TradePrint):
            if _ZERO < event.price < _ABSURD and _ZERO < event.quantity < _ABSURD:
                return event
        else:
            return _checked(event, message, singles)
    except ArithmeticError:  # A comparison with NaN.
        pass
    except UnicodeDecodeError:
        raise BadLine("not UTF-8") from None
    except msgspec.DecodeError:
        raise BadLine("not JSON") from None
    raise BadLine(_NOT_POSITIVE)


def rehearse_decoding() -> BookTicker:
    """Decode a message of the usual kind, so that the processor knows the way when one comes."""
    event = decode_message(_USUAL)
    if not isinstance(event, BookTicker):
        raise BadLine("the message of rehearsals is no quote")
    return event


def _decode_other(message: bytes, symbol: str) -> StreamEvent | DepthSnapshot:
    """What is no combined message that we know: a raw one, a snapshot, or nothing for us."""
    try:
        if b'"lastUpdateId"' in message:
            wire = _decode_snapshot(message)
            return DepthSnapshot(
                symbol, wire.last_update_id, wire.bids, wire.asks, wire.transaction_ms, wire.event_ms
            )
        event: StreamEvent = _decode_event(_data_of(message) if b'"stream"' in message else message)
        return event
    except msgspec.ValidationError as error:
        if str(error).startswith("Invalid value"):
            raise BadLine("another kind of event") from None
        raise BadLine("a field is missing or wrong") from None


def _data_of(message: bytes) -> bytes:
    """The event of a combined message, not decoded yet, so that its own error comes out."""
    return bytes(_decode_raw(message).data)


def _checked(
    event: DepthUpdate | DepthSnapshot | MarkPrice | AggregateTrade, message: bytes, singles: Container[str]
) -> MarketEvent:
    """The event if its numbers can be. May raise ArithmeticError for NaN."""
    if isinstance(event, DepthUpdate | DepthSnapshot):
        # Looking at every level would cost half as much as decoding them. Only a message that has one of these
        # bytes can hold a negative number, a NaN, an infinity or a price of zero; what else is no price never
        # enters the book.
        if b"-" in message or b"n" in message or b"N" in message or b'["0' in message:
            for levels in (event.bids, event.asks):
                if levels and not _prices_are_positive(levels):
                    raise BadLine(_NOT_POSITIVE)
        return event
    if isinstance(event, MarkPrice):
        if (
            _ZERO < event.mark_price < _ABSURD
            and _ZERO < event.index_price < _ABSURD
            and -_ABSURD < event.funding_rate < _ABSURD
        ):
            return event
    elif event.symbol in singles:
        raise BadLine("a joined trade beside the single ones")
    elif _ZERO < event.price < _ABSURD and _ZERO < event.quantity < _ABSURD:
        return TradePrint(
            event.symbol,
            event.trade_id,
            event.price,
            event.quantity,
            event.buyer_is_maker,
            event.transaction_ms,
            event.event_ms,
            event.first_id,
            event.last_id,
        )
    raise BadLine(_NOT_POSITIVE)


def spells_number(text: str) -> bool:
    """Whether a text of a level is a plain number: what else stands there is let through, for speed."""
    return text.isascii() and text.replace(".", "", 1).isdigit()


def _prices_are_positive(levels: Levels) -> bool:
    """Compare as text: a sign sorts before the digits, NaN and Infinity after them, zero before other fractions."""
    least, greatest = min(levels)[0], max(levels)[0]
    return least >= "0" and greatest < ":" and least.strip("0.") != ""
