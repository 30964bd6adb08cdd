"""Answers of another shape than asked for: "nothing" is concluded from a list alone, never from something else."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from src.application.ports.broker import NetworkError
from src.domain.orders.news import Refused
from src.domain.orders.ticket import Attempt
from src.domain.orders.types import OrderType
from src.infrastructure.brokers.binance_answers import algo_report, fill_report, income_report, order_report
from src.infrastructure.brokers.binance_endpoints import KEEP_LISTEN_KEY
from src.infrastructure.brokers.binance_reads import BinanceReads
from src.infrastructure.brokers.binance_sending import BinanceSending, _ids
from src.infrastructure.brokers.guarded_reads import guarded
from tests.infrastructure.streams.small_exchange import small_exchange
from tests.support.broker_venue import Heard, a_ticket

NOW_MS = 1_789_478_303_600
SYMBOL = "BTCUSDT"

READS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "open orders": lambda reads: reads.open_orders(),
    "open orders of a symbol": lambda reads: reads.open_orders(SYMBOL),
    "open conditional orders": lambda reads: reads.open_algo_orders(),
    "orders": lambda reads: reads.orders(SYMBOL, NOW_MS - 60_000),
    "positions": lambda reads: reads.positions(),
    "balances": lambda reads: reads.balances(),
    "trades": lambda reads: reads.trades(SYMBOL, 1),
    "first trades": lambda reads: reads.first_trades(SYMBOL, NOW_MS - 60_000),
    "income": lambda reads: reads.income(NOW_MS - 60_000),
    "leverage": lambda reads: reads.leverage(SYMBOL),
    "instruments": lambda reads: reads.instruments(),
    "candles": lambda reads: reads.candles(SYMBOL, "1m", 3),
}


async def ask(folder: Path, read: str, answer: str) -> Any:
    """Ask an exchange that knows its time, and answers everything else alike."""

    async def clock(_: web.Request) -> web.Response:
        return web.json_response({"serverTime": NOW_MS})

    async def always(_: web.Request) -> web.Response:
        return web.Response(text=answer, content_type="application/json")

    routes = [web.get("/fapi/v1/time", clock), web.get("/{anything:.*}", always)]
    async with small_exchange(folder, routes) as (client, _):
        broker: Any = BinanceReads(client, client._clock)
        for name in ("submit", "cancel", "interpret", "venue_time"):
            setattr(broker, name, None)  # what a guard takes over beside the reads
        return await READS[read](guarded(broker, 0))


@pytest.mark.parametrize("answer", ["{}", '""', "null", '{"code":200,"msg":"ok"}', "7"])
@pytest.mark.parametrize("read", READS)
async def test_what_is_no_list_is_no_answer(tmp_path: Path, read: str, answer: str):
    with pytest.raises(NetworkError):
        await ask(tmp_path, read, answer)


@pytest.mark.parametrize("body", [b'{"msg":"verw\xe4hrt"}', b"[" * 100_000])
async def test_an_answer_in_another_encoding_or_without_end_is_none_and_asked_for_again(
    tmp_path: Path, body: bytes
):
    async def unreadable(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with small_exchange(tmp_path, [web.put("/fapi/v1/listenKey", unreadable)]) as (client, _):
        with pytest.raises(NetworkError, match="without a readable answer"):
            await client.read(KEEP_LISTEN_KEY)


@pytest.mark.parametrize("rows", ['[{"contractType":"PERPETUAL"}]', "[7]", "[[]]", "[null]"])
@pytest.mark.parametrize("read", READS)
async def test_rows_that_are_none_are_no_answer(tmp_path: Path, read: str, rows: str):
    answer = f'{{"symbols":{rows}}}' if read == "instruments" else rows

    with pytest.raises(NetworkError):
        await ask(tmp_path, read, answer)


@pytest.mark.parametrize("read", sorted(set(READS) - {"leverage", "instruments"}))
async def test_an_empty_list_says_that_there_is_nothing(tmp_path: Path, read: str):
    assert await ask(tmp_path, read, "[]") == []


ORDER = {
    "symbol": SYMBOL,
    "side": "BUY",
    "positionSide": "BOTH",
    "clientOrderId": "c-1",
    "orderId": 8886774,
    "type": "LIMIT",
    "status": "NEW",
    "price": "76000",
    "origQty": "1",
    "executedQty": "0",
    "reduceOnly": False,
    "updateTime": NOW_MS,
}
ALGO = ORDER | {
    "algoId": 4_000_001,
    "clientAlgoId": "c-1",
    "orderType": "STOP",
    "algoStatus": "TRIGGERED",
    "actualOrderId": "33877541028",
    "quantity": "1",
    "triggerPrice": "76000",
}
TRADE = ORDER | {
    "id": 1,
    "qty": "1",
    "realizedPnl": "0",
    "commission": "0",
    "commissionAsset": "USDT",
    "maker": True,
    "time": NOW_MS,
}
INCOME = {
    "symbol": SYMBOL,
    "incomeType": "FUNDING_FEE",
    "income": "-1",
    "asset": "USDT",
    "time": NOW_MS,
    "tranId": 1,
}


def test_an_order_of_the_type_that_only_the_exchange_makes_is_read_and_one_of_an_unknown_type_is_not():
    assert order_report(ORDER | {"type": "LIQUIDATION"}).order_type is OrderType.MARKET
    with pytest.raises(ValueError, match="SOMETHING_NEW"):
        order_report(ORDER | {"type": "SOMETHING_NEW"})


@pytest.mark.parametrize(
    ("report", "row", "keys"),
    [
        (order_report, ORDER, ("orderId", "updateTime")),
        (algo_report, ALGO, ("algoId", "actualOrderId", "updateTime")),
        (fill_report, TRADE, ("id", "orderId", "time")),
        (income_report, INCOME, ("tranId", "time")),
    ],
)
def test_a_row_with_an_id_or_a_time_that_no_database_takes_is_none(
    report: Callable[[Any], Any], row: dict[str, Any], keys: tuple[str, ...]
):
    for key in keys:
        assert report(row | {key: 2**63 - 1})
        with pytest.raises(ValueError):
            report(row | {key: 2**63})


@pytest.mark.parametrize("key", ["orderId", "algoId"])
def test_an_answer_to_an_order_with_an_id_that_no_database_takes_does_not_name_it(key: str):
    answer = {"clientOrderId" if key == "orderId" else "clientAlgoId": "c-1"}

    assert any(_ids(answer | {key: 2**63 - 1}, "c-1"))
    assert _ids(answer | {key: 2**63}, "c-1") == (None, None)


async def test_filters_of_another_shape_are_not_learnt_and_end_no_session(tmp_path: Path):
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"code": -4014, "msg": "Price not increased by tick size."}, status=400)

    async def rules(_: web.Request) -> web.Response:
        return web.json_response({"symbols": [{"contractType": "PERPETUAL"}]})

    async def clock(_: web.Request) -> web.Response:
        return web.json_response({"serverTime": NOW_MS})

    routes = [web.get("/fapi/v1/time", clock), web.get("/fapi/v1/exchangeInfo", rules)]
    routes.append(web.post("/fapi/v1/order", refuse))
    posted, heard = list[Callable[[], None]](), Heard()
    async with small_exchange(tmp_path, routes) as (client, _):
        sending = BinanceSending(client, client._clock, posted.append)
        sending.answer_to(heard)
        await sending.server_time()
        sending.submit(a_ticket(), Attempt("c-1", sending.venue_time().now_ms, 5_000))
        while sending._tasks:
            await asyncio.sleep(0.001)
    for action in posted:
        action()

    assert [type(outcome) for outcome in heard.submits] == [Refused]
    assert heard.order_of_arrival == ["answer"]
