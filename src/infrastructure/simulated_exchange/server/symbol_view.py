"""One symbol as the public sees it: what REST answers from and what its streams are told."""

from typing import Final

from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketEvent,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.simulated_exchange.server import market_wire
from src.infrastructure.simulated_exchange.server.bars import INTERVALS, Bars, end_of, start_of
from src.infrastructure.simulated_exchange.server.depth_book import DepthBook, DepthChannel
from src.infrastructure.simulated_exchange.server.hub import StreamHub
from src.infrastructure.simulated_exchange.server.prints import Prints

SPEEDS: Final = {"@0ms": 1, "@100ms": 2, "": 5, "@500ms": 10}
"""Depth streams by the end of their name, with their period in ticks of 50 ms.

0 ms, as it happens, is in no documentation; clients ask for it all the same, and are served."""
PARTIAL: Final = (5, 10, 20)


class SymbolView:
    """Takes the symbol's frames, keeps what may be asked for, and publishes what somebody listens to."""

    def __init__(self, instrument: Instrument, hub: StreamHub, bars: Bars) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.book = DepthBook()
        self.prints = Prints()
        self.bars = bars
        self.ticker: BookTicker | None = None
        self.mark: MarkPrice | None = None
        self.is_unknown = False
        self._has_depth = False
        self._hub = hub
        lower = self.symbol.lower()
        self._lower = lower
        self._ticker_stream = f"{lower}@bookTicker"
        self._trade_stream = f"{lower}@trade"
        self._aggregate_stream = f"{lower}@aggTrade"
        self._depths = {f"{lower}@depth{speed}": (ticks, DepthChannel()) for speed, ticks in SPEEDS.items()}
        self._kline_streams = {f"{lower}@kline_{interval}": (interval, False) for interval in INTERVALS} | {
            f"{lower}_perpetual@continuousKline_{interval}": (interval, True) for interval in INTERVALS
        }
        self._bar_starts: dict[str, int] = {}

    def take(self, event: MarketEvent) -> None:
        """Learn from a frame and pass it on."""
        if isinstance(event, BookTicker):
            self.ticker = event
            if not self._has_depth:
                self._take_depth(self.book.follow(event))
            if self._hub.wants(self._ticker_stream):
                self._hub.publish(self._ticker_stream, market_wire.book_ticker(event))
        elif isinstance(event, TradePrint):
            self._take_trade(event)
        elif isinstance(event, DepthUpdate):
            if not self._has_depth:
                self._begin_depth()
            self._take_depth(event)
        elif isinstance(event, MarkPrice):
            self.mark = event
        elif isinstance(event, DepthSnapshot):
            self._has_depth = True
            self.book.restart(event)

    def warm(self, event: MarketEvent) -> None:
        """Learn from a frame of the time before the server's start; nobody is told."""
        if isinstance(event, TradePrint):
            self.bars.add(event)
            self.prints.add(event)
        else:
            self.take(event)

    def tick(self, number: int, now_ms: int) -> None:
        """Publish what is due at this tick of 50 ms."""
        if number % 2 == 0:
            running = self.prints.open
            if running is not None and now_ms - running.time_ms >= 100:
                self._tell_aggregate(now_ms)
        for stream, (ticks, channel) in self._depths.items():
            if number % ticks == 0:
                self._tell_depth(stream, channel, now_ms)
        if number % 5 == 0:
            self._tell_partial_depths(number, now_ms)
            self._tell_klines(now_ms)
        if number % 20 == 0:
            self._tell_second(number, now_ms)

    def _take_depth(self, update: DepthUpdate) -> None:
        self.book.update(update)
        for _, channel in self._depths.values():
            channel.add(update)

    def _begin_depth(self) -> None:
        """From now on the market tells the depth itself; what the ticker stood in for goes."""
        self._has_depth = True
        self.book.bids.clear()
        self.book.asks.clear()

    def _take_trade(self, print_: TradePrint) -> None:
        self.bars.add(print_)
        ended = self.prints.add(print_)
        if ended is not None and self._hub.wants(self._aggregate_stream):
            self._hub.publish(
                self._aggregate_stream, market_wire.aggregate(self.symbol, ended, print_.event_ms)
            )
        if self._hub.wants(self._trade_stream):
            self._hub.publish(self._trade_stream, market_wire.trade(print_))

    def _tell_aggregate(self, now_ms: int) -> None:
        ended = self.prints.close()
        if ended is not None and self._hub.wants(self._aggregate_stream):
            self._hub.publish(self._aggregate_stream, market_wire.aggregate(self.symbol, ended, now_ms))

    def _tell_depth(self, stream: str, channel: DepthChannel, now_ms: int) -> None:
        taken = channel.take()
        if taken is not None and self._hub.wants(stream):
            self._hub.publish(stream, market_wire.depth(self.symbol, now_ms, *taken))

    def _tell_partial_depths(self, number: int, now_ms: int) -> None:
        """Full tops; the faster speeds share the pace of 250 ms, in which the book changes anyway."""
        for count in PARTIAL:
            for speed, ticks in SPEEDS.items():
                stream = f"{self._lower}@depth{count}{speed}"
                if self._hub.wants(stream) and (ticks < 10 or number % ticks == 0):
                    final = self.book.final_id
                    bids, asks = self.book.top(count)
                    text = market_wire.depth(self.symbol, now_ms, (final, final, final), bids, asks)
                    self._hub.publish(stream, text)

    def _tell_klines(self, now_ms: int) -> None:
        for stream in [stream for stream in self._kline_streams if self._hub.wants(stream)]:
            interval, is_continuous = self._kline_streams[stream]
            write = market_wire.continuous_kline if is_continuous else market_wire.kline
            start_ms = start_of(interval, now_ms)
            before_ms = self._bar_starts.get(stream, start_ms)
            self._bar_starts[stream] = start_ms
            if before_ms != start_ms and (ended := self.bars.bar_at(interval, before_ms)) is not None:
                end_ms = end_of(interval, before_ms)
                self._hub.publish(stream, write(self.symbol, ended, interval, end_ms, True, now_ms))
            running = self.bars.running(interval, now_ms)
            if running is not None:
                end_ms = end_of(interval, start_ms)
                self._hub.publish(stream, write(self.symbol, running, interval, end_ms, False, now_ms))

    def _tell_second(self, number: int, now_ms: int) -> None:
        lower = self._lower
        # An old mark price is not told as the one of now.
        if self.mark is not None and not self.is_unknown:
            text = market_wire.mark_price(self.mark, now_ms)
            self._hub.publish(f"{lower}@markPrice@1s", text)
            if number % 60 == 0:
                self._hub.publish(f"{lower}@markPrice", text)
        if number % 40 == 0 and (
            self._hub.wants(f"{lower}@ticker") or self._hub.wants(f"{lower}@miniTicker")
        ):
            day = self.bars.day(now_ms)
            if day is not None:
                self._hub.publish(f"{lower}@ticker", market_wire.ticker(self.symbol, day, now_ms))
                self._hub.publish(f"{lower}@miniTicker", market_wire.mini_ticker(self.symbol, day, now_ms))
