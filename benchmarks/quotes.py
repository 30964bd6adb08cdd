"""A market made for measuring: bursts of quotes, spelled as the exchange spells them, one quote per symbol a burst.

Recorded markets come in bursts too: quiet, then many frames within a millisecond. Quotes follow a seeded walk around
one price inside a full book, so that books, rules and sizes have real work. Before each burst, when everything of
the last one has come to rest, the mark prices are stated. The market is a source like any other; only that it
decodes when a frame is taken, so that decoding can be timed there.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Final

from src.domain.market.candle import Candle, make_candle
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.decoding import decode_message
from src.infrastructure.market_data.frames import MarketEvent, MarketFrame
from src.infrastructure.market_data.instruments import shipped_instrument
from src.infrastructure.market_data.source import OnFrame, SourceStatistics

_ONE: Final = Decimal(1)
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
START_MS: Final = 1_723_161_600_000
BURST_EVERY_MS: Final = 5_000
BURST_AFTER_MS: Final = 4_500
"""Off the full seconds, at which the session's watchdogs work."""
CALM_MS: Final = 250
QUOTE_EVERY_NS: Final = 20_000
TICKS_PER_UNIT: Final = 10
MIDDLE_TICKS: Final = 618_000
WANDER_TICKS: Final = 400
LEVELS: Final = 1_000

Decode = Callable[[bytes], MarketEvent]


def quote_messages(seed: int = 1) -> Iterator[bytes]:
    """Combined bookTicker messages without end, burst by burst; prices never stray far from where they began."""
    draw = random.Random(seed)
    ticks = dict.fromkeys(SYMBOLS, MIDDLE_TICKS)
    at_ms, update_id = START_MS + BURST_AFTER_MS - BURST_EVERY_MS, 5_123_107_839_020
    while True:
        at_ms += BURST_EVERY_MS
        for symbol in SYMBOLS:
            update_id += 37
            pull = (ticks[symbol] < MIDDLE_TICKS - WANDER_TICKS) - (
                ticks[symbol] > MIDDLE_TICKS + WANDER_TICKS
            )
            ticks[symbol] += draw.randint(-8, 8) + 8 * pull
            bid, ask = _price(ticks[symbol]), _price(ticks[symbol] + 1)
            yield (
                f'{{"stream":"{symbol.lower()}@bookTicker","data":{{"e":"bookTicker","u":{update_id},'
                f'"s":"{symbol}","b":"{bid}","B":"{_quantity(draw)}","a":"{ask}","A":"{_quantity(draw)}",'
                f'"T":{at_ms},"E":{at_ms}}}}}'
            ).encode()


def mark_message(symbol: str, at_ms: int) -> bytes:
    """A mark price in the middle of the walk."""
    price = _price(MIDDLE_TICKS)
    return (
        f'{{"stream":"{symbol.lower()}@markPrice@1s","data":{{"e":"markPriceUpdate","E":{at_ms},"s":"{symbol}",'
        f'"p":"{price}","i":"{price}","P":"{price}","r":"0.00010000","T":{at_ms + 3_600_000}}}}}'
    ).encode()


def snapshot_message() -> bytes:
    """The REST order book that every walk takes place in."""
    draw = random.Random(0)
    bids = [[_price(MIDDLE_TICKS - place), _quantity(draw)] for place in range(LEVELS)]
    asks = [[_price(MIDDLE_TICKS + 1 + place), _quantity(draw)] for place in range(LEVELS)]
    body = {"lastUpdateId": 5_123_107_000_000, "E": START_MS, "T": START_MS, "bids": bids, "asks": asks}
    return json.dumps(body, separators=(",", ":")).encode()


def _price(ticks: int) -> str:
    return f"{ticks // TICKS_PER_UNIT}.{ticks % TICKS_PER_UNIT}0"


def _quantity(draw: random.Random) -> str:
    return f"{draw.randint(20, 9_000) / 1_000:.3f}"


class QuoteMarket:
    """A MarketSource over the messages above; ``decode`` turns a quote's bytes into its frame, when it is taken.

    Every symbol has the filters of the first, since all walk around one price.
    """

    def __init__(self, quotes: int, decode: Decode = decode_message) -> None:
        instrument = shipped_instrument(SYMBOLS[0])
        assert instrument is not None, "the shipped table has the symbol"
        self._instruments = {symbol: replace(instrument, symbol=symbol) for symbol in SYMBOLS}
        self._messages = quote_messages()
        self._decode = decode
        self._quotes = quotes
        self._taken = 0
        self._frames = self._all_frames()
        self._next = next(self._frames, None)

    @property
    def description(self) -> str:
        """One line for people."""
        return f"{self._quotes} quotes made for measuring"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of every burst."""
        return SYMBOLS

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Their instruments."""
        return self._instruments

    @property
    def start_ns(self) -> int:
        """Receive time of the snapshots."""
        return START_MS * 1_000_000

    @property
    def next_ns(self) -> int | None:
        """Receive time of the next frame: a snapshot for each symbol first, then the bursts."""
        return self._next[0] if self._next is not None else None

    @property
    def is_quote_next(self) -> bool:
        """Whether the next frame is a quote that will lead to an order."""
        return self._next is not None and self._next[1] is self._decode

    @property
    def statistics(self) -> SourceStatistics:
        """Counts of what was read."""
        return SourceStatistics(lines=self._taken)

    def next_frame(self, by_ns: int | None = None) -> MarketFrame | None:
        """The next frame, decoded now; None when it comes later than ``by_ns``."""
        if self._next is None or (by_ns is not None and self._next[0] > by_ns):
            return None
        received_ns, decode, message = self._next
        self._taken += 1
        # Made before this one is decoded: what a market costs that is made up does not lie on a quote's way.
        self._next = next(self._frames, None)
        return received_ns, 0, self._taken, decode(message)

    def _all_frames(self) -> Iterator[tuple[int, Decode, bytes]]:
        """Receive time, decoder and bytes of every frame."""
        for symbol in SYMBOLS:
            yield self.start_ns, partial(decode_message, symbol=symbol), snapshot_message()
        messages = quote_messages()
        quotes = 0
        burst_ms = START_MS + BURST_AFTER_MS
        while quotes < self._quotes:
            for symbol in SYMBOLS:
                yield (
                    (burst_ms - CALM_MS) * 1_000_000,
                    decode_message,
                    mark_message(symbol, burst_ms - CALM_MS),
                )
            for place in range(len(SYMBOLS)):
                yield burst_ms * 1_000_000 + place * QUOTE_EVERY_NS, self._decode, next(messages)
            quotes += len(SYMBOLS)
            burst_ms += BURST_EVERY_MS

    def end(self) -> None:
        """Let the market be over after the burst that has begun."""
        self._quotes = 0

    def cursor(self) -> str:
        """The count of frames taken."""
        return str(self._taken)

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        """A measurement begins with a fresh account and is never resumed."""
        raise NotImplementedError("a measurement is not resumed")

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """Bars before the first quote, enough to warm a strategy."""
        first_ms = START_MS - count * 1_000
        return [
            candle_at(symbol, first_ms + place * 1_000, Decimal(_price(MIDDLE_TICKS + place % 7)))
            for place in range(count)
        ]

    def close(self) -> None:
        """Nothing is open."""


def candle_at(symbol: str, open_ms: int, price: Decimal) -> Candle:
    """A one-second bar at one price."""
    return make_candle(symbol, "1s", open_ms, price, price, price, price, _ONE)
