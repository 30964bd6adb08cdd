"""Candles over REST: of trades, of the prices that follow them, and of the distance between those."""

import pytest

from tests.support.exchange_server import Client

LAST_THREE = {"interval": "1m", "limit": 3}


async def closed_ones(client: Client) -> dict[str, object]:
    """What asks for the last candles that no longer change."""
    _, running = await client.call("GET", "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=1)
    return LAST_THREE | {"endTime": running[0][0] - 1}


async def test_prices_that_follow_the_trades_have_their_candles_without_volume(client: Client):
    asked = await closed_ones(client)
    _, candles = await client.call("GET", "/fapi/v1/klines", symbol="BTCUSDT", **asked)
    _, marks = await client.call("GET", "/fapi/v1/markPriceKlines", symbol="BTCUSDT", **asked)
    _, index = await client.call("GET", "/fapi/v1/indexPriceKlines", pair="BTCUSDT", **asked)

    assert [row[:5] for row in marks] == [row[:5] for row in index] == [row[:5] for row in candles]
    assert {row[5] for row in marks} == {"0"}


async def test_a_mark_price_that_is_the_index_has_no_premium(client: Client):
    asked = await closed_ones(client)
    _, candles = await client.call("GET", "/fapi/v1/klines", symbol="BTCUSDT", **asked)
    _, premiums = await client.call("GET", "/fapi/v1/premiumIndexKlines", symbol="BTCUSDT", **asked)

    assert [(row[0], row[6]) for row in premiums] == [(row[0], row[6]) for row in candles]
    assert [row[1:6] for row in premiums] == [["0"] * 5] * 3
    assert {len(row) for row in premiums} == {12}


@pytest.mark.parametrize(
    ("changed", "code"), [({"interval": "2m"}, -1120), ({"symbol": "XXX"}, -1121), ({"limit": 1_501}, -1130)]
)
async def test_candles_that_there_are_not_are_refused(client: Client, changed: dict, code: int):
    asked = {"symbol": "BTCUSDT", **LAST_THREE} | changed

    for path in ("klines", "markPriceKlines", "premiumIndexKlines"):
        status, answer = await client.call("GET", f"/fapi/v1/{path}", **asked)

        assert (status, answer["code"]) == (400, code)
