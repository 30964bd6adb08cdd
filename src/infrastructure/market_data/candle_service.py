"""Closed candles of a market, for strategies that run without a session: published on a bus of its own."""

import asyncio

from src.application.ports.event_bus import Handler
from src.application.trading.live_strategy_runner import CANDLE_TOPIC
from src.domain.market.candle import CandleBuilder
from src.infrastructure.market_data.frames import BarPoint, TradePrint
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.messaging.event_bus import InProcessEventBus

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_FRAMES_PER_TURN = 256


class CandleService:
    """Plays a market and publishes each candle as it closes, under ``candle.closed``.

    ``speed`` is market seconds per second, None as quick as possible. The source is closed at the end of a run.
    """

    def __init__(self, source: MarketSource, timeframe: str = "1m", speed: float | None = 1.0) -> None:
        self._source = source
        self._timeframe = timeframe
        self._speed = speed
        self._bus = InProcessEventBus()
        self._builders: dict[str, CandleBuilder] = {}

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Call ``handler`` with every closed candle; there is no other topic than ``candle.closed``."""
        if topic != CANDLE_TOPIC:
            raise ValueError(
                f"there is no topic {topic!r} here: candles are published under {CANDLE_TOPIC!r}"
            )
        self._bus.subscribe(topic, handler)

    async def run(self) -> None:
        """Play the market to its end, or until cancelled."""
        played_ns = self._source.start_ns
        frames = 0
        try:
            while (frame := self._source.next_frame()) is not None:
                frames += 1
                if self._speed is not None and frame[0] - played_ns >= _NS_PER_MS:
                    await asyncio.sleep((frame[0] - played_ns) / _NS_PER_S / self._speed)
                    played_ns = frame[0]
                event = frame[3]
                if isinstance(event, TradePrint | BarPoint):
                    self._take(event, frame[0] // _NS_PER_MS)
                if frames % _FRAMES_PER_TURN == 0:
                    await self._bus.drain()
                    await asyncio.sleep(0)
            await self._bus.drain()
        finally:
            self._source.close()

    def _take(self, trade: TradePrint | BarPoint, now_ms: int) -> None:
        builder = self._builders.get(trade.symbol)
        if builder is None:
            builder = self._builders[trade.symbol] = CandleBuilder(trade.symbol, self._timeframe)
        for candle in builder.add_trade(trade.price, trade.quantity, now_ms):
            self._bus.publish(CANDLE_TOPIC, candle)
