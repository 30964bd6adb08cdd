"""The past as Binance tells it: closed candles, and orders that have ended.

Sources: Kline/Candlestick Data (there is no interval of 1s); All Orders, Query All Algo Orders: one question spans
seven days at most, and its ``limit`` shows the newest of them.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from src.application.ports.broker import NetworkError
from src.domain.market.candle import Candle, timeframe_ms
from src.domain.orders.news import OrderReport
from src.infrastructure.brokers.binance_answers import UNREADABLE, algo_report, order_report
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_endpoints import ALL_ALGOS, ALL_ORDERS, KLINES, Endpoint

CLOCK_ERROR_MS: Final = 1_000
SPAN_MS: Final = 7 * 86_400_000 - 1
PAGE: Final = 1_000
INTERVALS: Final = frozenset({"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"})


async def candles_before(
    client: BinanceClient, symbol: str, timeframe: str, count: int, now_ms: int
) -> list[Candle]:
    """The last ``count`` candles closed before ``now_ms``, venue time and at the earliest, oldest first.

    A period without a trade has no row: it gets the flat candle that a session makes of it. None for a timeframe that
    the exchange does not keep.
    """
    if timeframe not in INTERVALS:
        return []
    rows = await client.read(KLINES, {"symbol": symbol, "interval": timeframe, "limit": count + 1})
    length_ms = timeframe_ms(timeframe)
    try:
        # The last row is still open, unless nothing was traded since.
        closed = [row for row in rows if row[6] < now_ms]
        candles = [Candle(symbol, timeframe, row[0], *map(Decimal, row[1:6])) for row in closed]
        # A row may come late: without a newer one, only a period that ended a whole one ago is known to have none.
        until_ms = rows[len(closed)][0] if len(closed) < len(rows) else (now_ms // length_ms - 1) * length_ms
        return _without_holes(candles, until_ms, length_ms, count)
    except UNREADABLE as error:
        raise NetworkError(f"candles that cannot be read: {type(error).__name__} {error}") from error


def _without_holes(candles: list[Candle], until_ms: int, length_ms: int, count: int) -> list[Candle]:
    """The last ``count`` candles, with a flat one for each that is missing between them and up to ``until_ms``."""
    found: list[Candle] = []
    for candle in reversed(candles):
        close = candle.close
        while candle.close_ms < until_ms and len(found) < count:
            until_ms -= length_ms
            found.append(
                replace(candle, open_ms=until_ms, open=close, high=close, low=close, volume=Decimal(0))
            )
        if len(found) == count:
            break
        found.append(candle)
        until_ms = candle.open_ms
    return found[::-1]


async def orders_since(client: BinanceClient, symbol: str, since_ms: int, now_ms: int) -> list[OrderReport]:
    """Orders of a symbol made since a moment, ended ones included; of a triggered one its ordinary order is told."""
    # Our estimate of the exchange's time may be behind it.
    until_ms = now_ms + CLOCK_ERROR_MS
    since_ms = max(since_ms, until_ms - SPAN_MS)
    if since_ms > until_ms:
        return []
    found = {}
    for row in await _newest_first(client, ALL_ALGOS, symbol, since_ms, until_ms):
        report = algo_report(row)
        found[report.client_order_id] = report
    for row in await _newest_first(client, ALL_ORDERS, symbol, since_ms, until_ms):
        report = order_report(row)
        algo = found.get(report.client_order_id)
        found[report.client_order_id] = report if algo is None else replace(report, algo_id=algo.algo_id)
    return list(found.values())


async def _newest_first(
    client: BinanceClient, endpoint: Endpoint, symbol: str, since_ms: int, until_ms: int
) -> list[Any]:
    """Every row of a span, asked for page by page back in time; returned oldest first."""
    made = "createTime" if endpoint is ALL_ALGOS else "time"
    rows: list[Any] = []
    while True:
        question = {"symbol": symbol, "startTime": since_ms, "endTime": until_ms, "limit": PAGE}
        page = await client.read(endpoint, question)
        rows = page + rows
        # More than a page in one millisecond would need pages by id; nobody sends as many.
        if len(page) < PAGE or page[0][made] <= since_ms:
            return rows
        until_ms = page[0][made] - 1
