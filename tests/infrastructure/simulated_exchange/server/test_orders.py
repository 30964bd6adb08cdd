"""Every kind of order and setting through the wire, there and back."""

import asyncio
import base64
import time
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from src.infrastructure.simulated_exchange.server.bars import DAY_MS
from src.infrastructure.simulated_exchange.server.signing import hmac_signature, sorted_payload
from tests.support.exchange_server import KEY, Client

MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
STOP = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.010"}


async def limit(client: Client, factor: float, **more: object) -> Any:
    """A buy at so many times the bid."""
    price = f"{await client.price() * factor:.1f}"
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
    return (await client.signed("POST", "/fapi/v1/order", **(order | {"price": price} | more)))[1]


@pytest.mark.parametrize(
    ("factor", "more", "code"),
    [
        (0.98, {"timeInForce": "FOK"}, -5021),
        (1.01, {"timeInForce": "GTX"}, -5022),
        (0.98, {"timeInForce": "GTD", "goodTillDate": "1"}, -5040),
        (0.98, {"selfTradePreventionMode": "HOPE"}, -5039),
    ],
)
async def test_a_limit_order_that_cannot_be_as_asked_leaves_no_record(
    client: Client, factor: float, more: dict[str, Any], code: int
):
    assert (await limit(client, factor, **more))["code"] == code
    assert (await client.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT"))[1] == []


async def test_an_order_good_till_a_date_says_so(client: Client):
    until_ms = (time.time_ns() // 1_000_000_000 + 3_600) * 1_000

    placed = await limit(client, 0.98, timeInForce="GTD", goodTillDate=str(until_ms))

    assert (placed["status"], placed["goodTillDate"]) == ("NEW", until_ms)


@pytest.mark.parametrize(
    "more",
    [
        {"type": "STOP_MARKET", "triggerPrice": "80000.0"},
        {"type": "STOP", "triggerPrice": "80000.0", "price": "79000.0"},
        {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "120000.0", "workingType": "MARK_PRICE"},
        {"type": "TRAILING_STOP_MARKET", "callbackRate": "1", "reduceOnly": "true"},
    ],
)
async def test_conditional_orders_wait_in_their_own_store_until_they_are_canceled(
    client: Client, more: dict[str, str]
):
    await client.signed("POST", "/fapi/v1/order", **MARKET)

    _, placed = await client.signed("POST", "/fapi/v1/algoOrder", **STOP, **more)
    _, waiting = await client.signed("GET", "/fapi/v1/openAlgoOrders")
    _, ordinary = await client.signed("GET", "/fapi/v1/openOrders")
    _, canceled = await client.signed("DELETE", "/fapi/v1/algoOrder", algoId=placed["algoId"])

    assert (placed["algoStatus"], placed["orderType"]) == ("NEW", more["type"])
    assert [order["algoId"] for order in waiting] == [placed["algoId"]]
    assert ordinary == []
    assert canceled["code"] == "200"
    _, again = await client.signed("DELETE", "/fapi/v1/algoOrder", algoId=placed["algoId"])
    assert again["code"] == -2011


async def test_a_stop_may_close_the_whole_position(client: Client):
    await client.signed("POST", "/fapi/v1/order", **MARKET)
    closing = {name: value for name, value in STOP.items() if name != "quantity"}
    closing |= {"type": "STOP_MARKET", "triggerPrice": "80000.0", "closePosition": "true"}

    _, first = await client.signed("POST", "/fapi/v1/algoOrder", **closing)
    _, second = await client.signed("POST", "/fapi/v1/algoOrder", **closing)

    assert first["closePosition"] is True
    assert second["code"] == -4130


async def test_long_and_short_are_kept_apart_in_hedge_mode(client: Client):
    assert (await client.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true"))[1][
        "code"
    ] == 200
    for side, position_side in (("BUY", "LONG"), ("SELL", "SHORT")):
        await client.signed(
            "POST", "/fapi/v1/order", **(MARKET | {"side": side, "positionSide": position_side})
        )

    _, rows = await client.signed("GET", "/fapi/v3/positionRisk")
    _, account = await client.signed("GET", "/fapi/v2/account")
    _, one_way = await client.signed("POST", "/fapi/v1/order", **MARKET)

    assert {row["positionSide"]: row["positionAmt"] for row in rows} == {"LONG": "0.01", "SHORT": "-0.01"}
    assert {row["positionSide"] for row in account["positions"]} == {"LONG", "SHORT", "BOTH"}
    assert one_way["code"] == -4061
    assert (await client.signed("GET", "/fapi/v1/positionSide/dual"))[1] == {"dualSidePosition": True}


async def test_a_position_may_have_a_wallet_of_its_own(client: Client):
    _, changed = await client.signed("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    _, again = await client.signed("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    await client.signed("POST", "/fapi/v1/order", **MARKET)
    before = float((await client.signed("GET", "/fapi/v3/positionRisk"))[1][0]["isolatedWallet"])
    _, added = await client.signed(
        "POST", "/fapi/v1/positionMargin", symbol="BTCUSDT", amount="100", type="1"
    )
    after = float((await client.signed("GET", "/fapi/v3/positionRisk"))[1][0]["isolatedWallet"])
    _, config = await client.signed("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")

    assert (changed["code"], again["code"], added["code"]) == (200, -4046, 200)
    assert after == pytest.approx(before + 100)
    assert config[0]["marginType"] == "ISOLATED"


async def test_a_batch_is_answered_member_by_member(client: Client):
    rows = '[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.01"},'
    rows += '{"symbol":"BTCUSDT","side":"SELL","type":"MARKET","quantity":"5","reduceOnly":true}]'

    status, answers = await client.signed("POST", "/fapi/v1/batchOrders", batchOrders=rows)

    assert status == 200
    assert answers[0]["orderId"] == 1
    assert answers[1]["code"] == -1102


async def test_orders_are_canceled_in_a_batch_all_at_once_and_by_a_countdown(client: Client):
    placed = [await limit(client, 0.98) for _ in range(3)]
    ids = f"[{placed[0]['orderId']},{placed[0]['orderId']}]"

    _, batch = await client.signed("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderidlist=ids)
    _, every = await client.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    await limit(client, 0.98)
    await client.signed("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=1)
    async with asyncio.timeout(5):
        while (await client.signed("GET", "/fapi/v1/openOrders"))[1]:
            await asyncio.sleep(0.01)

    assert (batch[0]["status"], batch[1]["code"], every["code"]) == ("CANCELED", -2011, 200)


async def test_a_change_of_an_order_is_told_and_remembered(client: Client):
    placed = await limit(client, 0.98)
    changed = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"], "price": placed["price"]}

    _, answer = await client.signed("PUT", "/fapi/v1/order", **changed, quantity="0.020", modifyId=77)
    _, same = await client.signed("PUT", "/fapi/v1/order", **changed, quantity="0.020")
    _, amendments = await client.signed("GET", "/fapi/v1/orderAmendment", symbol="BTCUSDT")

    assert (answer["origQty"], answer["modifyId"], answer["pair"]) == ("0.02", 77, "BTCUSDT")
    assert same["code"] == -5027
    assert amendments[0]["amendment"]["origQty"] == {"before": "0.01", "after": "0.02"}


async def test_an_order_may_be_moved_to_a_place_in_the_book(client: Client):
    placed = await limit(client, 0.98)
    where = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"], "quantity": "0.010"}

    _, neither = await client.signed("PUT", "/fapi/v1/order", **where, priceMatch="NONE")
    _, moved = await client.signed("PUT", "/fapi/v1/order", **where, priceMatch="QUEUE_5")

    assert neither["code"] == -1102
    assert (moved["orderId"], moved["priceMatch"]) == (placed["orderId"], "QUEUE_5")
    assert Decimal(moved["price"]) > Decimal(placed["price"])


async def test_a_canceled_order_without_a_fill_is_forgotten_after_three_days(client: Client):
    placed = await limit(client, 0.98)
    name = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    await client.signed("DELETE", "/fapi/v1/order", **name)
    before = await client.signed("GET", "/fapi/v1/order", **name)

    now_ms = (await client.admin("POST", "clock", skew_ms=3 * DAY_MS + 60_000))["now_ms"]
    _, gone = await client.signed("GET", "/fapi/v1/order", **name, timestamp=now_ms)
    _, orders = await client.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT", timestamp=now_ms)

    assert before[1]["status"] == "CANCELED"
    assert (gone["code"], orders) == (-2013, [])


async def test_a_canceled_conditional_order_is_forgotten_after_three_days_too(client: Client):
    stop = STOP | {"type": "STOP_MARKET", "triggerPrice": "80000.0"}
    _, placed = await client.signed("POST", "/fapi/v1/algoOrder", **stop)
    name = {"algoId": placed["algoId"]}
    await client.signed("DELETE", "/fapi/v1/algoOrder", **name)
    before = await client.signed("GET", "/fapi/v1/algoOrder", **name)

    now_ms = (await client.admin("POST", "clock", skew_ms=3 * DAY_MS + 60_000))["now_ms"]
    _, gone = await client.signed("GET", "/fapi/v1/algoOrder", **name, timestamp=now_ms)
    _, orders = await client.signed("GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT", timestamp=now_ms)

    assert before[1]["algoStatus"] == "CANCELED"
    assert (gone["code"], orders) == (-2013, [])


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("allOrders", {"startTime": 1_700_000_000_000, "endTime": 1_700_000_000_000 + 8 * DAY_MS}, -1127),
        ("userTrades", {"fromId": 1, "startTime": 1_700_000_000_000}, -1128),
        ("userTrades", {"startTime": 1_700_000_000_000}, -4166),
        ("income", {"startTime": 2, "endTime": 1}, -1128),
        ("allOrders", {"limit": 1_001}, -1130),
    ],
)
async def test_the_past_is_told_within_its_windows(
    client: Client, path: str, params: dict[str, int], code: int
):
    _, answer = await client.signed("GET", f"/fapi/v1/{path}", symbol="BTCUSDT", **params)

    assert answer["code"] == code


async def ask(socket: Any, method: str, params: dict[str, Any]) -> dict[str, Any]:
    await socket.send_json({"id": "x-1", "method": method, "params": params})
    reply: dict[str, Any] = await socket.receive_json(timeout=5)
    return reply


async def test_a_connection_logs_on_with_ed25519_and_then_needs_no_signature(client: Client):
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    made = await client.admin("POST", "keys", account=1, secret=public)
    params: dict[str, Any] = {"apiKey": made["key"], "timestamp": time.time_ns() // 1_000_000}
    signature = base64.b64encode(private.sign(sorted_payload(params).encode())).decode()

    async with client.session.ws_connect(f"{client.server.url}/ws-fapi/v1") as socket:
        unknown = await ask(socket, "order.place", {**MARKET, "timestamp": params["timestamp"]})
        logged_on = await ask(socket, "session.logon", {**params, "signature": signature})
        placed = await ask(socket, "order.place", {**MARKET, "timestamp": params["timestamp"]})
        await ask(socket, "session.logout", {})
        after = await ask(socket, "order.place", {**MARKET, "timestamp": params["timestamp"]})

    assert (unknown["status"], after["status"]) == (401, 401)
    assert logged_on["result"]["apiKey"] == made["key"]
    assert (placed["status"], placed["result"]["status"]) == (200, "NEW")


async def test_every_operation_of_an_order_goes_over_the_websocket_api(client: Client):
    price = f"{await client.price() * 0.98:.1f}"
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": price}

    async with client.session.ws_connect(f"{client.server.url}/ws-fapi/v1") as socket:

        async def signed(method: str, params: dict[str, Any]) -> dict[str, Any]:
            stamped = {**params, "apiKey": KEY.key, "timestamp": time.time_ns() // 1_000_000}
            return await ask(
                socket, method, {**stamped, "signature": hmac_signature(KEY.secret, sorted_payload(stamped))}
            )

        placed = await signed("order.place", {**order, "quantity": "0.01"})
        name = {"symbol": "BTCUSDT", "orderId": placed["result"]["orderId"]}
        changed = await signed("order.modify", {**name, "side": "BUY", "price": price, "quantity": "0.02"})
        found = await signed("order.status", name)
        canceled = await signed("order.cancel", name)
        gone = await signed("order.cancel", name)
        balance = await signed("v2/account.balance", {"returnRateLimits": False})

    assert changed["result"]["origQty"] == found["result"]["origQty"] == "0.02"
    assert canceled["result"]["status"] == "CANCELED"
    assert (gone["status"], gone["error"]["code"]) == (400, -2011)
    assert [row["rateLimitType"] for row in placed["rateLimits"]] == ["REQUEST_WEIGHT", "ORDERS", "ORDERS"]
    assert "rateLimits" not in balance
