"""Every endpoint with every parameter spoiled in every way: a documented code each time, never a 500."""

from typing import Any

import pytest

from src.infrastructure.simulated_exchange.server.routes import REST, SOCKET
from src.infrastructure.simulated_exchange.server.services import Call, Endpoint, Security
from tests.support.exchange_server import KEY, Client

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "price": "90000",
    "reduceOnly": "false",
    "positionSide": "BOTH",
    "newClientOrderId": "mine",
    "newOrderRespType": "ACK",
    "selfTradePreventionMode": "NONE",
    "goodTillDate": "0",
    "priceMatch": "NONE",
}
ALGO = {
    "algoType": "CONDITIONAL",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.010",
    "triggerPrice": "80000",
    "workingType": "MARK_PRICE",
    "reduceOnly": "true",
    "closePosition": "false",
    "priceProtect": "false",
    "clientAlgoId": "stop",
}
ID = {"symbol": "BTCUSDT", "orderId": "1", "origClientOrderId": "mine"}
PAGE = {"symbol": "BTCUSDT", "limit": "10", "startTime": "1", "endTime": "2"}
KLINES = {**PAGE, "pair": "BTCUSDT", "interval": "1m"}
BATCH = '[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.01"}]'
# What may be sent, by operation; operations not named here know a symbol at most.
PARAMETERS: dict[str, dict[str, str]] = {
    "order.place": ORDER,
    "order.test": ORDER,
    "order.modify": {**ID, "side": "BUY", "quantity": "0.02", "price": "90001", "modifyId": "1"},
    "order.cancel": ID,
    "order.query": ID,
    "batch.place": {"batchOrders": BATCH},
    "batch.modify": {"batchOrders": BATCH},
    "batch.cancel": {"symbol": "BTCUSDT", "orderIdList": "[1]", "origClientOrderIdList": '["a"]'},
    "orders.countdown": {"symbol": "BTCUSDT", "countdownTime": "0"},
    "algo.place": ALGO,
    "algo.cancel": {"algoId": "1", "clientAlgoId": "stop"},
    "algo.query": {"algoId": "1", "clientAlgoId": "stop"},
    "algos.open": {"symbol": "BTCUSDT", "algoId": "1"},
    "algos.all": {**PAGE, "algoId": "1"},
    "orders.all": {**PAGE, "orderId": "1"},
    "orders.forced": {**PAGE, "autoCloseType": "ADL"},
    "trades.user": {**PAGE, "fromId": "1", "orderId": "1"},
    "income": {**PAGE, "incomeType": "COMMISSION"},
    "order.amendments": {**ID, **PAGE},
    "position_margin": {"symbol": "BTCUSDT", "amount": "1", "type": "1", "positionSide": "BOTH"},
    "position_margin.changes": {**PAGE, "type": "1"},
    "fee_burn.set": {"feeBurn": "false"},
    "leverage": {"symbol": "BTCUSDT", "leverage": "5"},
    "margin_type": {"symbol": "BTCUSDT", "marginType": "CROSSED"},
    "position_mode.set": {"dualSidePosition": "false"},
    "multi_assets.set": {"multiAssetsMargin": "false"},
    "depth": {"symbol": "BTCUSDT", "limit": "5"},
    "trades": {"symbol": "BTCUSDT", "limit": "5", "fromId": "1"},
    "historical_trades": {"symbol": "BTCUSDT", "limit": "5", "fromId": "1"},
    "agg_trades": {**PAGE, "fromId": "1"},
    "klines": KLINES,
    "mark_klines": KLINES,
    "index_klines": KLINES,
    "premium_klines": KLINES,
    "funding_rate": PAGE,
}
SPOILED = [
    *("", " ", "0", "-1", "1e3", "NaN", "Infinity", "null", "true", "none", "[]", "{}", "[1,2", '[{"a":1}]'),
    *(
        "99999999999999999999999",
        "9" * 4_400,
        "9223372036854775807",
        "-9223372036854775807",
        "²",
        "0.000000000000000001",
        "币安人生USDT",
        "btcusdt",
        "a" * 300,
        "%00",
        "'--",
        "\x00",
    ),
]


def spoiled_requests(known: dict[str, str]) -> list[dict[str, str]]:
    """None of the parameters; each one missing; each one with each bad value."""
    without = [{name: known[name] for name in known if name != missing} for missing in known]
    changed = [known | {name: value} for name in known for value in SPOILED]
    return [{}, *without, *changed]


def is_documented(status: int, answer: Any) -> bool:
    """Success, or a refusal with a code and a text of its own."""
    if status == 200:
        return True
    return status in (400, 401) and answer["code"] <= -1013 and bool(answer["msg"])


@pytest.mark.parametrize("route", REST)
async def test_no_input_breaks_an_endpoint(client: Client, route: str):
    endpoint = REST[route]
    method, path = route.split(" ")
    limits = client.server.services.limits
    limits.weight = limits.orders_10s = limits.orders_1m = None
    send = client.call if endpoint.security in (Security.NONE, Security.KEY) else client.signed
    known = PARAMETERS.get(endpoint.operation, {"symbol": "BTCUSDT"})

    broken = []
    for params in spoiled_requests(known):
        status, answer = await send(method, path, **params)
        if not is_documented(status, answer):
            broken.append((params, status, answer))

    assert not broken


@pytest.mark.parametrize("method", SOCKET)
async def test_no_message_breaks_the_websocket_api(client: Client, method: str):
    messages = ["", "[]", "{}", '{"method":1}', '{"method":"x"}', '{"method":"order.place","params":[]}']
    values: list[Any] = [None, 1, 1.5, True, [], {}, "", "x"]

    async with client.session.ws_connect(f"{client.server.url}/ws-fapi/v1") as socket:
        for message in messages:
            await socket.send_str(message)
            assert (await socket.receive_json(timeout=5))["status"] == 400
        for value in values:
            names = ("symbol", "apiKey", "signature", "timestamp", "quantity", "orderId", "limit")
            await socket.send_json({"id": 1, "method": method, "params": dict.fromkeys(names, value)})
            reply = await socket.receive_json(timeout=5)
            assert reply["status"] == 200 or reply["error"]["code"] <= -1013


NESTED = "[" * 7_000 + "]" * 7_000


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_batch_nested_without_end_is_refused(client: Client, method: str):
    status, answer = await client.post_signed(method, "/fapi/v1/batchOrders", batchOrders=NESTED)

    assert (status, answer["code"]) == (400, -1130)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"symbol=\xff\xfe", {}),
        (b"symbol=BTCUSDT", {"Content-Type": "text/plain; charset=nope"}),
        (b"symbol=BTCUSDT", {"Content-Type": "text/plain; charset=base64"}),
        (b"symbol=BTCUSDT", {"Content-Encoding": "gzip"}),
        (b"\x1f\x8b\x08\x00\x00", {"Content-Encoding": "gzip"}),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(client: Client, body: bytes, headers: dict[str, str]):
    url = f"{client.server.url}/fapi/v1/order/test"
    async with client.session.post(url, data=body, headers={"X-MBX-APIKEY": KEY.key} | headers) as answer:
        document = await answer.json()

    assert answer.status == 400
    assert document["code"] in (-1100, -1102)


async def test_messages_nested_without_end_are_answered(client: Client):
    for path in ("ws-fapi/v1", "ws"):
        async with client.session.ws_connect(f"{client.server.url}/{path}") as socket:
            for message in (
                NESTED,
                f'{{"id":1,"method":{NESTED}}}',
                '{"id":1,"method":"ping","params":[[]]}',
            ):
                await socket.send_str(message)
                assert (await socket.receive_json(timeout=5))["error"]["code"] in (-1102, 2, 3)
            await socket.send_json({"id": 7, "method": "ping"})
            assert (await socket.receive_json(timeout=5))["id"] == 7


def fails(call: Call) -> Any:
    raise ZeroDivisionError


async def test_what_nobody_foresaw_is_answered_as_json_and_logged(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setitem(REST, "GET /fapi/v1/broken", Endpoint("broken", fails))
    monkeypatch.setitem(SOCKET, "broken", Endpoint("broken", fails))
    said = {"code": -1000, "msg": "An unknown error occured while processing the request."}

    over_rest = await client.call("GET", "/fapi/v1/broken")
    async with client.session.ws_connect(f"{client.server.url}/ws-fapi/v1") as socket:
        await socket.send_json({"id": 7, "method": "broken"})
        reply = await socket.receive_json(timeout=5)

    assert over_rest == (500, said)
    assert (reply["id"], reply["status"], reply["error"]) == (7, 500, said)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["request.failed"] * 2


@pytest.mark.parametrize("span", [{"endTime": 1 - 2**63}, {"startTime": 2**63 - 1}])
@pytest.mark.parametrize(
    "path",
    [
        *("allOrders", "allAlgoOrders", "userTrades", "income", "forceOrders", "orderAmendment"),
        *("positionMargin/history", "klines", "aggTrades", "fundingRate"),
    ],
)
async def test_beyond_the_calendar_nothing_happened(client: Client, path: str, span: dict[str, int]):
    await client.signed(
        "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01"
    )

    assert await client.signed("GET", f"/fapi/v1/{path}", symbol="BTCUSDT", interval="1m", **span) == (
        200,
        [],
    )


async def test_a_path_that_is_not_there_is_named(client: Client):
    assert await client.call("GET", "/fapi/v1/nothing") == (
        404,
        {"code": -5000, "msg": "Path /fapi/v1/nothing, Method GET is invalid"},
    )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"symbol": "NOSUCH"}, -1121),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "ICEBERG"}, -1116),
        ({"side": "HOLD"}, -1117),
        ({"timeInForce": "FOREVER"}, -1115),
        ({"quantity": "0.0101234"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": "1e3"}, -1100),
        ({"quantity": "0.001", "price": "40000"}, -4164),
        ({"price": "90000.05"}, -4014),
        ({"price": "150000"}, -4016),
        ({"newClientOrderId": "not allowed"}, -4015),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "maybe"}, -1102),
        ({"positionSide": "LONG"}, -4061),
        ({"quantity": "900"}, -2019),
        ({"newOrderRespType": "FULL"}, -1130),
    ],
)
async def test_an_order_that_cannot_be_has_the_code_that_says_why(
    client: Client, changed: dict[str, str], code: int
):
    _, answer = await client.signed("POST", "/fapi/v1/order", **(ORDER | changed))

    assert answer["code"] == code
