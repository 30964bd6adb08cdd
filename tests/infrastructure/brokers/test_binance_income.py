"""Rows of income as Binance tells them: each is money, and none is dropped for looking like another."""

from pathlib import Path
from typing import Any

from aiohttp import web

from src.infrastructure.brokers.binance_reads import BinanceReads
from tests.infrastructure.streams.small_exchange import small_exchange

NOW_MS = 1_789_478_303_600


def a_row(income_type: str, asset: str = "USDT") -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "incomeType": income_type,
        "income": "-0.01",
        "asset": asset,
        "time": NOW_MS - 1_000,
        "tranId": 9689322392,
        "tradeId": "2059192",
    }


async def test_a_transaction_may_have_a_row_of_each_type_and_asset(tmp_path: Path):
    rows = [a_row("COMMISSION"), a_row("REALIZED_PNL"), a_row("COMMISSION", "BNB")]

    async def income(_: web.Request) -> web.Response:
        return web.json_response(rows)

    async def clock(_: web.Request) -> web.Response:
        return web.json_response({"serverTime": NOW_MS})

    routes = [web.get("/fapi/v1/income", income), web.get("/fapi/v1/time", clock)]
    async with small_exchange(tmp_path, routes) as (client, _):
        found = await BinanceReads(client, client._clock).income(NOW_MS - 60_000)

    assert [(row.income_type, row.asset) for row in found] == [
        ("COMMISSION", "USDT"),
        ("REALIZED_PNL", "USDT"),
        ("COMMISSION", "BNB"),
    ]
