"""The admin API takes what can be, says in one line what cannot, and changes nothing then."""

from typing import Any

import pytest
from aiohttp import WSServerHandshakeError

from src.infrastructure.simulated_exchange.server.bars import DAY_MS
from tests.support.exchange_server import Client

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}


async def refused(client: Client, request: str, body: dict[str, Any] | bytes) -> str:
    """The line that a request to the admin API is refused with."""
    method, path = request.split(" ")
    sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with client.session.request(method, f"{client.server.url}/admin/{path}", **sent) as answer:
        document = await answer.json()
        assert (answer.status, list(document)) == (400, ["error"])
        assert "\n" not in document["error"]
        return str(document["error"])


@pytest.mark.parametrize(
    ("request_line", "body", "said"),
    [
        ("POST deposits", {"account": 1, "amount": "1e30"}, "amount has to be a number from"),
        ("POST deposits", {"account": 1, "amount": "NaN"}, "amount has to be a number from"),
        ("POST deposits", {"account": 1, "amount": "much"}, "amount has to be a number from"),
        ("POST deposits", {"account": 1, "amount": "999999999"}, "a wallet holds 1000000000 at most"),
        ("POST accounts", {"account": 2**70}, "account has to be a whole number from 1 to"),
        ("POST accounts", {"account": True}, "account has to be a whole number from 1 to"),
        ("GET truth", {"account": 2**70}, "account has to be a whole number from 1 to"),
        ("POST funding", {"symbol": "BTCUSDT", "rate": "1e30"}, "rate has to be a number from -1 to 1"),
        ("POST settlement", {"symbol": "BTCUSDT", "price": "1e30"}, "price has to be a number from"),
        ("POST adl", {"account": 1, "symbol": "BTCUSDT", "price": "-1"}, "price has to be a number from"),
        ("POST deposits", b'{"account":1,"amount":1e400000000}', "out of range"),
        ("POST deposits", {"account": 1, "amount": "1e400000000"}, "amount has to be a number from"),
        ("POST deposits", {"account": 1, "amount": "Infinity"}, "amount has to be a number from"),
        ("POST funding", {"symbol": "BTCUSDT", "rate": "Infinity"}, "rate has to be a number from"),
        ("POST streams/mute", {"ms": 10**400}, "ms has to be a whole number from 0 to"),
        ("POST faults", {"rules": [{"operation": "*", "fault": "drop", "ms": 10**15}]}, "<= 86400000"),
        ("POST deposits", b'{"a":' * 7_000, "nested too deep"),
        ("POST deposits", b'{"account":"\xff"}', "utf-8"),
        (
            "POST owner_trades",
            {"account": 1, "symbol": "BTCUSDT", "side": "BUY", "quantity": "1e30"},
            "quantity has to be a number from 0 to",
        ),
    ],
)
async def test_an_amount_beyond_all_bounds_is_refused(
    client: Client, request_line: str, body: dict[str, Any] | bytes, said: str
):
    await client.signed("POST", "/fapi/v1/order", **BUY)

    assert said in await refused(client, request_line, body)
    assert (await client.signed("POST", "/fapi/v1/order", **BUY))[0] == 200


@pytest.mark.parametrize("skew", [2**62, -(2**62), 10**400, "soon", 1.5, 100 * DAY_MS + 1])
async def test_a_clock_is_set_forward_or_back_by_a_hundred_days_at_most(client: Client, skew: Any):
    before = client.server.services.venue.clock.skew_ms

    assert "skew_ms has to be a whole number from -864" in await refused(
        client, "POST clock", {"skew_ms": skew}
    )
    assert client.server.services.venue.clock.skew_ms == before
    assert (await client.call("GET", "/fapi/v1/time"))[0] == 200
    await client.admin("POST", "clock", skew_ms=100 * DAY_MS)
    assert (await client.call("GET", "/fapi/v1/time"))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:18080"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "10.0.0.7"},
        {"Host": "[::1"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example:18080"},
        {"Origin": "null"},
        {"Host": "localhost", "Origin": "https://evil.example"},
    ],
)
async def test_a_page_of_the_web_can_neither_command_nor_listen(client: Client, headers: dict[str, str]):
    admin = f"{client.server.url}/admin/accounts"
    async with client.session.post(admin, data=b'{"account":7}', headers=headers) as answer:
        assert (answer.status, b"secret" in await answer.read()) == (403, False)
    for path in ("ws-fapi/v1", "ws/btcusdt@bookTicker"):
        with pytest.raises(WSServerHandshakeError) as refused_with:
            await client.session.ws_connect(f"{client.server.url}/{path}", headers=headers)
        assert refused_with.value.status == 403
    await client.admin("POST", "accounts", account=7)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost"},
        {"Host": "LOCALHOST:18080"},
        {"Host": "[::1]:18080"},
        {"Host": "127.0.0.1", "Origin": "http://127.0.0.1:18080"},
        {"Origin": "http://localhost:3000"},
    ],
)
async def test_programs_and_pages_of_this_machine_are_served(client: Client, headers: dict[str, str]):
    async with client.session.get(f"{client.server.url}/admin/keys", headers=headers) as answer:
        assert answer.status == 200
    for path in ("ws-fapi/v1", "ws/btcusdt@bookTicker"):
        async with client.session.ws_connect(f"{client.server.url}/{path}", headers=headers) as connection:
            assert not connection.closed


@pytest.mark.parametrize(
    "wrong",
    [
        {"balance": "NaN"},
        {"balance": "-1"},
        {"key": "short"},
        {"secret": "BEGIN PUBLIC KEY"},
        {"addresses": "10.0.0.1"},
        {"expires_ms": -1},
        {"may_trade": "perhaps"},
        {"account": -1},
        {"account": 0},
    ],
)
async def test_an_account_that_is_refused_does_not_exist(client: Client, wrong: dict[str, Any]):
    await refused(client, "POST accounts", {"account": 7, "balance": "5"} | wrong)

    engine = client.server.services.venue.engine
    assert [engine.account_id(number) for number in (-1, 0, 7)] == [None] * 3
    made = await client.admin("POST", "accounts", account=7, balance="5")
    assert made["account"] == 7


@pytest.mark.parametrize(
    "wrong",
    [
        *({"tick_size": text} for text in ("0", "-1", "1e30", "NaN", "wide", "[]")),
        *({"step_size": text} for text in ("0", "-1", "1e30", "1e-9")),
        {"tick_size": "0.5", "step_size": "0"},
        {"price_precision": 9},
        {"leverage_max": 0},
        {"taker_rate": "2"},
        {"price_min": "900000000"},
        {"quantity_max": "0.0001"},
        {"price_precision": True},
        {"symbol": "XXX"},
    ],
)
async def test_filters_that_are_refused_change_nothing(client: Client, wrong: dict[str, Any]):
    engine = client.server.services.venue.engine
    before = engine.instruments

    await refused(client, "POST filters", {"symbol": "BTCUSDT"} | wrong)

    assert engine.instruments == before
    assert (await client.signed("POST", "/fapi/v1/order", **BUY))[0] == 200


async def test_a_symbol_has_no_status_that_there_is_not(client: Client):
    said = await refused(client, "POST symbol_status", {"symbol": "BTCUSDT", "status": "FOO"})

    assert "TRADING_HALT" in said
    assert client.server.services.venue.engine.symbol_status("BTCUSDT") == "TRADING"


async def test_limits_that_are_refused_change_nothing(client: Client):
    limits = client.server.services.limits

    await refused(client, "POST limits", {"weight": 1, "orders_10s": -1})
    await refused(client, "POST limits", {"weight": 1, "ban": "10.0.0.1", "ms": "long"})

    assert limits.weight == 2_400
