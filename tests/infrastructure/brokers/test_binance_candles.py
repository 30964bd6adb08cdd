"""Candles of the past: every one that has closed, also those of periods without a trade, which have no row."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from src.domain.market.candle import Candle, CandleBuilder
from src.infrastructure.brokers.binance_reads import BinanceReads
from src.infrastructure.brokers.venue_clock import NS_PER_MS
from tests.infrastructure.streams.small_exchange import small_exchange

SYMBOL = "BTCUSDT"
MINUTE_MS = 60_000


async def minutes_before(
    folder: Path, server_ms: int, rows: list[int], count: int = 3, trip_ms: int = 0
) -> list[int]:
    """The minutes of which candles are told when the exchange has rows of ``rows`` at ``server_ms``.

    With ``trip_ms`` its time is known already, by an answer that took so long.
    """

    async def klines(request: web.Request) -> web.Response:
        limit = int(request.query["limit"])
        return web.json_response([a_row(minute * MINUTE_MS) for minute in rows][-limit:])

    async def time(request: web.Request) -> web.Response:
        return web.json_response({"serverTime": server_ms})

    routes = [web.get("/fapi/v1/klines", klines), web.get("/fapi/v1/time", time)]
    async with small_exchange(folder, routes) as (client, _):
        if trip_ms:
            now_ns = client._clock.local_ns()
            client._clock.sample(now_ns - trip_ms * NS_PER_MS, now_ns, server_ms)
        found = await BinanceReads(client, client._clock).candles(SYMBOL, "1m", count)
    assert found == as_a_session_makes_them(found, rows)
    return [candle.open_ms // MINUTE_MS for candle in found]


def as_a_session_makes_them(found: list[Candle], rows: list[int]) -> list[Candle]:
    """The candles of the same minutes, made of one trade in each minute that has a row."""
    builder = CandleBuilder(SYMBOL, "1m")
    made: list[Candle] = []
    for minute in rows:
        made += builder.add_trade(Decimal(minute), Decimal(1), minute * MINUTE_MS)
    made += builder.advance(max((candle.close_ms for candle in found), default=0))
    return [candle for candle in made if found and candle.open_ms >= found[0].open_ms]


def a_row(open_ms: int) -> list[Any]:
    price = f"{open_ms // MINUTE_MS}"
    return [open_ms, price, price, price, price, "1", open_ms + MINUTE_MS - 1, "1", 1, "1", "1", "0"]


@pytest.mark.parametrize(
    ("into_minute_10_ms", "rows", "told"),
    [
        (5_000, [6, 7, 8, 9, 10], [7, 8, 9]),
        (5_000, [6, 7, 8, 9], [7, 8, 9]),
        (5_000, [4, 7, 8], [6, 7, 8]),
        (5_000, [4, 10], [7, 8, 9]),
        (5_000, [4], [6, 7, 8]),
        (5_000, [9], [9]),
        (5_000, [10], []),
        (5_000, [], []),
        (-5_000, [6, 7, 8, 9], [6, 7, 8]),
    ],
)
async def test_the_last_row_is_left_out_only_while_its_period_runs(
    tmp_path: Path, into_minute_10_ms: int, rows: list[int], told: list[int]
):
    assert await minutes_before(tmp_path, 10 * MINUTE_MS + into_minute_10_ms, rows) == told


async def test_a_candle_that_may_still_be_open_by_the_error_of_the_clock_is_left_out(tmp_path: Path):
    # Whether the time was read on the way there or on the way back cannot be told: the minute may still run.
    assert await minutes_before(tmp_path, 10 * MINUTE_MS - 100, [8, 9], trip_ms=400) == [8]


async def test_no_more_candles_are_told_than_were_asked_for(tmp_path: Path):
    assert await minutes_before(tmp_path, 10 * MINUTE_MS + 5_000, [6, 7, 8, 9], count=0) == []
