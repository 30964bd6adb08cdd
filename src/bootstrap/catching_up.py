"""Brings a paper session to where its market stopped: books, and the candles that strategies warm up with."""

from collections.abc import Callable

from src.application.trading.market_desk import MarketDesk
from src.domain.market.candle import Candle, CandleBuilder
from src.infrastructure.market_data.frames import (
    BarPoint,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketFrame,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.time.timeline import NS_PER_MS


class PastCandles:
    """Closed candles before the session: the source's own, then those of the frames that were caught up on.

    What it learns from, ``desk`` learns from as well.
    """

    def __init__(self, source: MarketSource, timeframe: str, desk: MarketDesk) -> None:
        self._source = source
        self._desk = desk
        self._timeframe = timeframe
        self._builders: dict[str, CandleBuilder] = {}
        self._caught_up: dict[str, list[Candle]] = {}

    def learn(self, frame: MarketFrame) -> None:
        """A frame of the time before the session goes on: books and candles know of it."""
        now_ms = frame[0] // NS_PER_MS
        event = frame[3]
        if isinstance(event, BookTicker):
            self._desk.on_ticker(event, now_ms)
        elif isinstance(event, DepthUpdate):
            self._desk.on_depth(event, now_ms)
        elif isinstance(event, DepthSnapshot):
            self._desk.on_snapshot(event, now_ms)
        elif isinstance(event, MarkPrice):
            self._desk.on_mark_price(event, now_ms)
        elif isinstance(event, BarPoint):
            self._on_trade(event, now_ms)
            self._desk.on_point(event, now_ms)
        elif isinstance(event, TradePrint):
            self._on_trade(event, now_ms)
            self._desk.on_trade(event, now_ms)

    def _on_trade(self, trade: TradePrint | BarPoint, now_ms: int) -> None:
        builder = self._builders.get(trade.symbol)
        if builder is None:
            builder = self._builders[trade.symbol] = CandleBuilder(trade.symbol, self._timeframe)
        closed = builder.add_trade(trade.price, trade.quantity, now_ms)
        if closed:
            self._caught_up.setdefault(trade.symbol, []).extend(closed)

    def candles(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """The last ``count`` closed candles, oldest first."""
        recent = self._caught_up.get(symbol, [])
        if len(recent) >= count:
            return recent[len(recent) - count :]
        return [*self._source.history(symbol, timeframe, count - len(recent)), *recent]


def catch_up(source: MarketSource, engine: Engine, learn: Callable[[MarketFrame], None]) -> int:
    """Bring books and history to the exchange's cursor; returns the time of the last frame, ns."""
    latest_ns = source.start_ns

    def on_frame(frame: MarketFrame) -> None:
        nonlocal latest_ns
        latest_ns = max(latest_ns, frame[0])
        engine.warm(frame)
        learn(frame)

    source.catch_up(engine.committed_cursor, on_frame)
    return latest_ns
