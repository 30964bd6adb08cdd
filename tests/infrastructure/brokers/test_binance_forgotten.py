"""Conditional orders of which Binance still knows, whose ordinary order it does not know any more."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from src.domain.orders.types import OrderStatus
from src.infrastructure.brokers.binance_answers import FORGETS_MS
from src.infrastructure.brokers.binance_reads import BinanceReads
from tests.infrastructure.streams.small_exchange import small_exchange

NOW_MS = 1_789_478_303_600


def a_row(status: str, updated_ms: int) -> dict[str, Any]:
    return {
        "algoId": 4_000_001,
        "clientAlgoId": "c-1",
        "orderType": "STOP",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "positionSide": "BOTH",
        "quantity": "0.010",
        "algoStatus": status,
        "actualOrderId": "33877541028",
        "actualQty": "0.0",
        "triggerPrice": "76000",
        "price": "76010",
        "closePosition": False,
        "reduceOnly": False,
        "updateTime": updated_ms,
    }


@pytest.mark.parametrize(
    ("status", "age_ms", "found"),
    [
        # How it ended is in its ordinary order, which a read may not show yet.
        ("FINISHED", FORGETS_MS - 60_000, OrderStatus.TRIGGERED),
        ("FINISHED", FORGETS_MS + 60_000, OrderStatus.EXPIRED),
        ("TRIGGERED", FORGETS_MS + 60_000, OrderStatus.TRIGGERED),
    ],
)
async def test_a_finished_one_has_ended_without_a_fill_once_that_is_forgotten(
    status: str, age_ms: int, found: OrderStatus, tmp_path: Path
):
    async def algo(_: web.Request) -> web.Response:
        return web.json_response(a_row(status, NOW_MS - age_ms))

    async def order(_: web.Request) -> web.Response:
        return web.json_response({"code": -2013, "msg": "Order does not exist."}, status=400)

    async def clock(_: web.Request) -> web.Response:
        return web.json_response({"serverTime": NOW_MS})

    routes = [
        web.get("/fapi/v1/algoOrder", algo),
        web.get("/fapi/v1/order", order),
        web.get("/fapi/v1/time", clock),
    ]
    async with small_exchange(tmp_path, routes) as (client, _):
        report = await BinanceReads(client, client._clock).find("BTCUSDT", "c-1")

    assert report is not None
    assert report.status is found
