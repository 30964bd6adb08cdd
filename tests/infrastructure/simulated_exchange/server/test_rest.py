"""REST as clients meet it: where parameters stand, who may ask, when, and what it costs."""

import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from src.infrastructure.simulated_exchange.server.limits import Limits
from src.infrastructure.simulated_exchange.server.signing import hmac_signature, signed_part
from tests.support.exchange_server import KEY, Client, served, standing_clock


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def market_order(client: Client, **more: object) -> tuple[int, dict]:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
    return await client.signed("POST", "/fapi/v1/order", **order | more)


def test_the_documented_signature_is_made():
    payload = (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
        "&timestamp=1591702613943"
    )

    signature = hmac_signature("2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9", payload)

    assert signature == "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"


def test_the_signature_is_left_out_of_what_is_signed_wherever_it_stands():
    assert signed_part("a=1&b=2&signature=xyz") == "a=1&b=2"
    assert signed_part("signature=xyz") == ""
    assert signed_part("signature=xyz&a=1") == "a=1"
    assert signed_part("a=1&signature=xyz&b=2") == "a=1&b=2"


async def test_an_acknowledgement_says_new_and_a_result_says_what_happened(client: Client):
    _, acknowledged = await market_order(client)
    _, result = await market_order(client, newOrderRespType="RESULT")

    assert (acknowledged["status"], acknowledged["executedQty"]) == ("NEW", "0")
    assert result["status"] == "FILLED"
    assert "avgPrice" not in result and "cumQuote" not in result


async def test_parameters_may_stand_in_the_body_or_in_both_places(client: Client):
    body = urlencode({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"})
    query = urlencode({"timestamp": now_ms(), "newOrderRespType": "RESULT"})
    headers = {"X-MBX-APIKEY": KEY.key, "Content-Type": "application/x-www-form-urlencoded"}

    for in_query, in_body in (("", f"{body}&{query}"), (query, body)):
        signature = hmac_signature(KEY.secret, in_query + in_body)
        url = f"{client.server.url}/fapi/v1/order?{in_query}"
        sent = f"{in_body}&signature={signature}"
        async with client.session.post(url, data=sent, headers=headers) as answer:
            assert (await answer.json())["status"] == "FILLED"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"timestamp": 1}, 400, -1021),
        ({"timestamp": now_ms() + 10**9}, 400, -1021),
        ({"timestamp": "soon"}, 400, -1102),
        ({"timestamp": ""}, 400, -1102),
        ({"recvWindow": 60_001}, 400, -1130),
        ({"recvWindow": 0}, 400, -1130),
    ],
)
async def test_a_request_that_is_not_of_now_is_refused(client: Client, changed: dict, status: int, code: int):
    assert (await market_order(client, **changed))[0] == status
    assert (await market_order(client, **changed))[1]["code"] == code


async def test_a_wrong_signature_and_a_wrong_key_are_told_apart(client: Client):
    secret, client.key = client.key, KEY
    wrong_secret = type(KEY)(KEY.key, "x" * 32, 1)
    unknown_key = type(KEY)("u" * 32, KEY.secret, 1)
    malformed_key = type(KEY)("no", KEY.secret, 1)

    answers = []
    for key in (wrong_secret, unknown_key, malformed_key):
        client.key = key
        answers.append(await market_order(client))
    client.key = secret

    assert [(status, answer["code"]) for status, answer in answers] == [
        (400, -1022),
        (401, -2015),
        (401, -2014),
    ]


async def test_keys_may_be_read_only_expired_or_bound_to_an_address(client: Client):
    given: dict[str, dict] = {
        "read_only": {"may_trade": False},
        "expired": {"expires_ms": 1},
        "elsewhere": {"addresses": ["10.0.0.1"]},
    }
    codes = {}

    for name, options in given.items():
        made = await client.admin(
            "POST", "keys", account=1, key=name.replace("_", "").ljust(16, "0"), **options
        )
        client.key = type(KEY)(made["key"], made["secret"], 1)
        codes[name] = [
            (await market_order(client))[1].get("code"),
            (await client.signed("GET", "/fapi/v3/balance"))[0],
        ]

    assert codes == {"read_only": [-2015, 200], "expired": [-2015, 401], "elsewhere": [-2015, 401]}


async def test_an_ed25519_key_signs_requests(client: Client):
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    made = await client.admin("POST", "keys", account=1, secret=public)
    query = urlencode({"timestamp": now_ms()})

    import base64

    signature = urlencode({"signature": base64.b64encode(private.sign(query.encode())).decode()})
    url = f"{client.server.url}/fapi/v3/balance?{query}&{signature}"
    async with client.session.get(url, headers={"X-MBX-APIKEY": made["key"]}) as answer:
        rows = await answer.json()

    assert rows[0]["balance"] == "10000"


async def test_each_answer_says_what_was_used_of_the_limits(client: Client):
    client.server.services.limits.forget()
    await client.signed("GET", "/fapi/v3/account")
    weight = client.headers["X-MBX-USED-WEIGHT-1M"]
    await market_order(client)

    assert weight == "5"
    assert (client.headers["X-MBX-ORDER-COUNT-10S"], client.headers["X-MBX-ORDER-COUNT-1M"]) == ("1", "1")


async def test_too_many_requests_are_429_and_going_on_is_418(tmp_path: Path):
    async with served(tmp_path, limits=Limits(weight=5), clock=standing_clock()) as client:
        statuses = [(await client.call("GET", "/fapi/v1/ping"))[0] for _ in range(17)]
        _, banned = await client.call("GET", "/fapi/v1/ping")

        assert statuses == [200] * 5 + [429] * 10 + [418] * 2
        assert banned["code"] == -1003 and "banned until" in banned["msg"]
        assert int(client.headers["Retry-After"]) > 100


async def test_funding_endpoints_share_a_pool_of_their_own(tmp_path: Path):
    paths = ("/fapi/v1/fundingRate", "/fapi/v1/fundingInfo")
    async with served(tmp_path, clock=standing_clock()) as client:
        for _ in range(250):
            for path in paths:
                assert (await client.call("GET", path))[0] == 200

        assert [(await client.call("GET", path))[0] for path in paths] == [429, 429]
        assert (await client.call("GET", "/fapi/v1/ping"))[0] == 200


async def test_too_many_orders_are_refused_with_their_own_code(tmp_path: Path):
    async with served(tmp_path, limits=Limits(orders_10s=2), clock=standing_clock()) as client:
        await client.price()
        answers = [await market_order(client) for _ in range(3)]

        assert [answer.get("code") for _, answer in answers] == [None, None, -1015]
        assert answers[-1][0] == 429


async def test_accounts_are_apart(client: Client):
    made = await client.admin("POST", "accounts", account=2, balance="500")
    other = Client(client.server, client.session, type(KEY)(made["key"], made["secret"], 2))
    await market_order(client)

    assert len((await client.signed("GET", "/fapi/v3/positionRisk"))[1]) == 1
    assert (await other.signed("GET", "/fapi/v3/positionRisk"))[1] == []
    assert (await other.signed("GET", "/fapi/v3/balance"))[1][0]["balance"] == "500"


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path):
    async with served(tmp_path) as client:
        price = await client.price()
        order = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.010",
        }
        _, placed = await client.signed("POST", "/fapi/v1/order", **order, price=f"{price * 0.98:.1f}")

    async with served(tmp_path) as client:
        _, orders = await client.signed("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")

        assert [order["orderId"] for order in orders] == [placed["orderId"]]


async def test_user_trades_page_from_the_oldest_and_orders_from_the_newest(client: Client):
    ids = [(await market_order(client))[1]["orderId"] for _ in range(3)]

    _, trades = await client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", limit=1)
    _, orders = await client.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT", limit=2)
    _, from_first = await client.signed(
        "GET", "/fapi/v1/allOrders", symbol="BTCUSDT", orderId=ids[0], limit=1
    )

    assert trades[0]["orderId"] == ids[0]
    assert [order["orderId"] for order in orders] == ids[1:]
    assert [order["orderId"] for order in from_first] == ids[:1]
