"""ccxt and ccxt.pro, unchanged, trade on the local exchange."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest

from tests.support.exchange_server import KEY, served

SYMBOL = "BTC/USDT:USDT"
pytestmark = pytest.mark.slow


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Any]:
    async with served(tmp_path) as client:
        await client.price()
        made = ccxt.pro.binanceusdm(
            {"apiKey": KEY.key, "secret": KEY.secret, "options": {"fetchCurrencies": False}}
        )
        url = client.server.url
        api = made.urls["api"]
        for version, names in (
            ("v1", ("fapiPublic", "fapiPrivate")),
            ("v2", ("fapiPublicV2", "fapiPrivateV2")),
            ("v3", ("fapiPublicV3", "fapiPrivateV3")),
        ):
            for name in names:
                api[name] = f"{url}/fapi/{version}"
        api["ws"]["linear"] = f"ws://{client.server.address}/ws"
        api["ws"]["ws-api"]["linear"] = f"ws://{client.server.address}/ws-fapi/v1"
        # ccxt chooses its table of errors by the host's name.
        made.exceptions["exact"].update(made.exceptions["linear"]["exact"])
        try:
            await made.load_markets()
            yield made
        finally:
            await made.close()


async def test_an_order_lives_and_ends(exchange: Any):
    bid = (await exchange.fetch_order_book(SYMBOL))["bids"][0][0]

    placed = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, bid * 0.98)
    edited = await exchange.edit_order(placed["id"], SYMBOL, "limit", "buy", 0.02, bid * 0.97)
    open_orders = await exchange.fetch_open_orders(SYMBOL)
    canceled = await exchange.cancel_order(placed["id"], SYMBOL)

    assert (placed["status"], edited["amount"], canceled["status"]) == ("open", 0.02, "canceled")
    assert [order["id"] for order in open_orders] == [placed["id"]]
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.cancel_order(placed["id"], SYMBOL)


async def test_a_position_is_opened_protected_and_closed(exchange: Any):
    await exchange.set_leverage(10, SYMBOL)

    opened = await exchange.create_order(SYMBOL, "market", "buy", 0.01)
    entry = (await exchange.fetch_my_trades(SYMBOL))[0]["price"]
    stop = await exchange.create_order(
        SYMBOL, "STOP_MARKET", "sell", 0.01, None, {"stopPrice": entry * 0.9, "reduceOnly": True}
    )
    position = (await exchange.fetch_positions([SYMBOL]))[0]
    waiting = await exchange.fetch_open_orders(SYMBOL, params={"trigger": True})
    await exchange.cancel_order(stop["id"], SYMBOL, {"trigger": True})
    closed = await exchange.create_order(SYMBOL, "market", "sell", 0.01, None, {"reduceOnly": True})

    assert (opened["status"], closed["status"]) == ("closed", "closed")
    assert (position["contracts"], position["side"]) == (0.01, "long")
    assert [order["id"] for order in waiting] == [stop["id"]]
    assert (await exchange.fetch_positions([SYMBOL])) == []
    ledger = await exchange.fetch_ledger("USDT")
    assert (
        abs(
            (await exchange.fetch_balance())["USDT"]["total"]
            - sum(e["amount"] * (1 if e["direction"] == "in" else -1) for e in ledger)
        )
        < 1e-6
    )


async def test_refusals_become_ccxts_own_errors(exchange: Any):
    with pytest.raises(ccxt.InsufficientFunds):
        await exchange.create_order(SYMBOL, "market", "buy", 100)
    with pytest.raises(ccxt.InvalidOrder):
        await exchange.create_order(SYMBOL, "market", "sell", 0.01, None, {"reduceOnly": True})
    with pytest.raises(ccxt.BadSymbol):
        await exchange.fapiPublicGetDepth({"symbol": "NOSUCH"})


async def test_market_data_is_read(exchange: Any):
    candles = await exchange.fetch_ohlcv(SYMBOL, "1h", limit=10)
    rates = await exchange.fetch_funding_rate(SYMBOL)

    assert len(candles) == 10
    assert all(later[0] - earlier[0] == 3_600_000 for earlier, later in itertools.pairwise(candles))
    assert rates["markPrice"] > 0 and rates["fundingTimestamp"] > exchange.milliseconds()
    assert (await exchange.fetch_bids_asks([SYMBOL]))[SYMBOL]["ask"] > 0
    assert (await exchange.fetch_leverage_tiers([SYMBOL]))[SYMBOL][0]["maxLeverage"] >= 100


async def test_market_streams_are_watched(exchange: Any):
    async def within(work: Any) -> Any:
        return await asyncio.wait_for(work, 10)

    book = await within(exchange.watch_order_book(SYMBOL))
    for _ in range(5):
        book = await within(exchange.watch_order_book(SYMBOL))

    assert book["bids"][0][0] < book["asks"][0][0]
    assert (await within(exchange.watch_ticker(SYMBOL)))["last"] > 0
    assert (await within(exchange.watch_trades(SYMBOL)))[0]["price"] > 0
    assert (await within(exchange.watch_ohlcv(SYMBOL, "1m")))[0][4] > 0
    assert (await within(exchange.watch_mark_price(SYMBOL)))["markPrice"] > 0
    assert (await within(exchange.watch_bids_asks([SYMBOL])))[SYMBOL]["bid"] > 0


async def test_orders_and_positions_are_watched(exchange: Any):
    waiting = [
        asyncio.create_task(exchange.watch_orders(SYMBOL)),
        asyncio.create_task(exchange.watch_my_trades(SYMBOL)),
        asyncio.create_task(exchange.watch_balance()),
    ]
    await asyncio.sleep(0.5)  # that they are subscribed, ccxt does not say

    over_socket = await exchange.create_order_ws(SYMBOL, "market", "buy", 0.01)
    orders, trades, balance = await asyncio.wait_for(asyncio.gather(*waiting), 10)

    assert over_socket["status"] == "closed"
    assert orders[-1]["id"] == trades[0]["order"] == over_socket["id"]
    assert balance["USDT"]["total"] < 10_000
