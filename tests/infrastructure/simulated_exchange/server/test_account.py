"""What clients ask of an account beside its orders: changes of margin, ranks, fees, restrictions."""

import pytest

from tests.support.exchange_server import Client

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


async def isolated_position(client: Client) -> None:
    await client.signed("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    await client.signed("POST", "/fapi/v1/order", **BUY)


async def change_margin(client: Client, amount: str, kind: int) -> int:
    _, answer = await client.signed(
        "POST", "/fapi/v1/positionMargin", symbol="BTCUSDT", amount=amount, type=kind
    )
    code: int = answer["code"]
    return code


async def test_changes_of_a_positions_margin_are_remembered(client: Client):
    await isolated_position(client)
    codes = [await change_margin(client, *change) for change in (("100.50", 1), ("20", 2), ("10000000", 1))]

    _, changes = await client.signed("GET", "/fapi/v1/positionMargin/history", symbol="BTCUSDT")
    _, reduced = await client.signed("GET", "/fapi/v1/positionMargin/history", symbol="BTCUSDT", type=2)
    _, newest = await client.signed("GET", "/fapi/v1/positionMargin/history", symbol="BTCUSDT", limit=1)
    _, other = await client.signed("GET", "/fapi/v1/positionMargin/history", symbol="ETHUSDT")

    assert codes == [200, 200, -4050]
    assert [(change["amount"], change["type"]) for change in changes] == [("100.5", 1), ("20", 2)]
    assert changes[0] == {
        "symbol": "BTCUSDT",
        "type": 1,
        "deltaType": "USER_ADJUST",
        "amount": "100.5",
        "asset": "USDT",
        "time": changes[0]["time"],
        "positionSide": "BOTH",
    }
    assert reduced == newest == changes[1:]
    assert other == []


async def test_changes_of_margin_are_asked_for_by_time(client: Client):
    await isolated_position(client)
    await change_margin(client, "100", 1)
    path = "/fapi/v1/positionMargin/history"
    time_ms = (await client.signed("GET", path, symbol="BTCUSDT"))[1][0]["time"]

    _, before = await client.signed("GET", path, symbol="BTCUSDT", endTime=time_ms - 1)
    _, since = await client.signed("GET", path, symbol="BTCUSDT", startTime=time_ms)

    assert (len(before), len(since)) == (0, 1)


@pytest.mark.parametrize(
    ("changed", "code"), [({"symbol": ""}, -1102), ({"symbol": "XXX"}, -1121), ({"type": 3}, -1130)]
)
async def test_a_question_about_margin_that_makes_no_sense_is_refused(
    client: Client, changed: dict, code: int
):
    asked = {"symbol": "BTCUSDT"} | changed

    status, answer = await client.signed("GET", "/fapi/v1/positionMargin/history", **asked)

    assert (status, answer["code"]) == (400, code)


async def test_only_positions_have_a_rank_among_those_to_be_deleveraged(client: Client):
    _, none = await client.signed("GET", "/fapi/v1/adlQuantile")
    await client.signed("POST", "/fapi/v1/order", **BUY)
    _, every = await client.signed("GET", "/fapi/v1/adlQuantile")
    _, one = await client.signed("GET", "/fapi/v1/adlQuantile", symbol="BTCUSDT")
    _, other = await client.signed("GET", "/fapi/v1/adlQuantile", symbol="ETHUSDT")

    assert none == other == []
    assert every == one == [{"symbol": "BTCUSDT", "adlQuantile": {"LONG": 0, "SHORT": 0, "BOTH": 0}}]


async def test_in_hedge_mode_both_sides_of_a_symbol_share_a_row_of_ranks(client: Client):
    await client.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    for side, position_side in (("BUY", "LONG"), ("SELL", "SHORT")):
        order = BUY | {"side": side, "positionSide": position_side}
        await client.signed("POST", "/fapi/v1/order", **order)

    _, ranks = await client.signed("GET", "/fapi/v1/adlQuantile")

    assert ranks == [{"symbol": "BTCUSDT", "adlQuantile": {"LONG": 0, "SHORT": 0, "HEDGE": 0}}]


async def test_fees_are_paid_in_the_margin_asset_and_nothing_else(client: Client):
    _, off = await client.signed("POST", "/fapi/v1/feeBurn", feeBurn="false")
    status, on = await client.signed("POST", "/fapi/v1/feeBurn", feeBurn="true")

    assert off == {"code": 200, "msg": "success"}
    assert (status, on["code"]) == (400, -1020)
    assert (await client.signed("GET", "/fapi/v1/feeBurn"))[1] == {"feeBurn": False}


async def test_no_account_is_restricted_for_how_it_trades(client: Client):
    _, status = await client.signed("GET", "/fapi/v1/apiTradingStatus")

    assert status["indicators"] == {}
    assert status["updateTime"] > 0


async def test_no_symbol_is_in_danger_of_deleveraging(client: Client):
    _, one = await client.call("GET", "/fapi/v1/symbolAdlRisk", symbol="BTCUSDT")
    _, every = await client.call("GET", "/fapi/v1/symbolAdlRisk")

    assert (one["symbol"], one["adlRisk"]) == ("BTCUSDT", "LOW")
    assert {row["symbol"] for row in every} == {"BTCUSDT", "ETHUSDT"}
