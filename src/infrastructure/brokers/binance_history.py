"""Closed candles from before the session, from klines. Source: Kline/Candlestick Data (there is no interval of 1s)."""

from decimal import Decimal
from typing import Final

from src.domain.market.candle import Candle
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_endpoints import KLINES

INTERVALS: Final = frozenset({"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"})


async def candles_before(client: BinanceClient, symbol: str, timeframe: str, count: int) -> list[Candle]:
    """The last ``count`` closed candles, oldest first; none for a timeframe that the exchange does not keep."""
    if timeframe not in INTERVALS:
        return []
    rows = await client.read(KLINES, {"symbol": symbol, "interval": timeframe, "limit": count + 1})
    # The last one is still open.
    return [Candle(symbol, timeframe, row[0], *(Decimal(each) for each in row[1:6])) for row in rows[:-1]]
