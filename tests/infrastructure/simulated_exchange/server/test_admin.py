"""The admin API takes what can be, says in one line what cannot, and changes nothing then."""

from typing import Any

import pytest

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
        (
            "POST owner_trades",
            {"account": 1, "symbol": "BTCUSDT", "side": "BUY", "quantity": "1e30"},
            "quantity has to be a number from 0 to",
        ),
    ],
)
async def test_an_amount_beyond_all_bounds_is_refused(
    client: Client, request_line: str, body: dict[str, Any], said: str
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
