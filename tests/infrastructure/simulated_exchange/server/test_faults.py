"""What goes wrong on demand: with requests, with events, with accounts and markets; and what is true all the while."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from src.infrastructure.simulated_exchange.server.fault_bodies import BODIES
from src.infrastructure.simulated_exchange.server.fault_rules import (
    Accident,
    FaultRule,
    Faults,
    FaultSchedule,
    read_schedule,
)
from tests.support.engine_builders import Frames
from tests.support.exchange_server import KEY, Client, served
from tests.support.venue_on_sockets import SilentMarket

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}


async def order_that_goes_wrong(client: Client, **rule: Any) -> Any:
    """Its status and answer, or the exception that the client got."""
    await client.admin("POST", "faults", rules=[{"operation": "order.place", **rule}])
    try:
        return await client.signed("POST", "/fapi/v1/order", **ORDER)
    except (aiohttp.ClientError, msgspec.DecodeError) as error:
        return error


async def executed(client: Client) -> int:
    """How many orders the exchange really has."""
    return len((await client.admin("GET", "truth", account=1))["orders"])


@pytest.mark.parametrize(
    ("rule", "orders"),
    [
        ({"fault": "drop_request"}, 0),
        ({"fault": "reset_before"}, 0),
        ({"fault": "drop_answer"}, 1),
        ({"fault": "reset_inside"}, 1),
        ({"fault": "truncate", "bytes": 10}, 1),
    ],
)
async def test_a_connection_that_breaks_says_nothing_about_the_order(
    client: Client, rule: dict[str, Any], orders: int
):
    broken = await order_that_goes_wrong(client, **rule)

    assert isinstance(broken, aiohttp.ClientError)
    assert await executed(client) == orders


@pytest.mark.parametrize("is_executed", [False, True])
@pytest.mark.parametrize("body", BODIES)
async def test_each_broken_answer_may_hide_either_outcome(client: Client, body: str, is_executed: bool):
    expected = BODIES[body](0)

    status, _ = await order_that_goes_wrong(client, fault="respond", body=body, executed=is_executed)

    assert status == expected.status
    assert await executed(client) == int(is_executed)


async def test_a_request_delivered_twice_trades_twice(client: Client):
    status, _ = await order_that_goes_wrong(client, fault="duplicate")

    assert status == 200
    assert await executed(client) == 2


@pytest.mark.parametrize(("fault", "code"), [("delay_request", -1021), ("delay_engine", -5028)])
async def test_an_order_that_is_delayed_too_long_is_refused_where_it_arrives_late(
    client: Client, fault: str, code: int
):
    await client.admin("POST", "faults", rules=[{"operation": "order.place", "fault": fault, "ms": 300}])

    _, answer = await client.signed("POST", "/fapi/v1/order", **ORDER, recvWindow=100)

    assert answer["code"] == code
    assert await executed(client) == 0


async def test_a_stale_read_shows_what_was(client: Client):
    rule = {"operation": "positions", "fault": "stale", "first": 2}
    await client.admin("POST", "faults", rules=[rule])
    before = await client.signed("GET", "/fapi/v3/positionRisk")
    await client.signed("POST", "/fapi/v1/order", **ORDER)

    stale = await client.signed("GET", "/fapi/v3/positionRisk")
    fresh = await client.signed("GET", "/fapi/v3/positionRisk")

    assert stale == before == (200, [])
    assert fresh[1][0]["positionAmt"] == "0.001"


async def test_an_order_may_not_be_visible_yet(client: Client):
    await client.admin("POST", "faults", rules=[{"operation": "order.query", "fault": "stale"}])
    _, placed = await client.signed("POST", "/fapi/v1/order", **ORDER)
    name = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}

    _, unseen = await client.signed("GET", "/fapi/v1/order", **name)
    _, seen = await client.signed("GET", "/fapi/v1/order", **name)

    assert (unseen["code"], seen["status"]) == (-2013, "FILLED")


async def test_accidents_of_the_schedule_happen_at_their_time(tmp_path: Path):
    funding = {"symbol": "BTCUSDT", "rate": "0.001"}
    owner = {"account": 1, "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.001"}
    schedule = FaultSchedule(
        accidents=(
            Accident(0, "POST adl", {"account": 1, "symbol": "BTCUSDT"}),
            Accident(300, "POST owner_trades", owner),
            Accident(400, "POST funding", funding),
        )
    )

    async with served(tmp_path, faults=schedule) as client:
        async with asyncio.timeout(5):
            while len(injected := await client.admin("GET", "faults")) < len(schedule.accidents):
                await asyncio.sleep(0.01)
        truth = await client.admin("GET", "truth", account=1)

    assert [trade["quantity"] for trade in truth["trades"]] == [100_000]
    assert "FUNDING_FEE" in {posting["income_type"] for posting in truth["postings"]}
    assert injected == {"refused POST adl -4054": 1, "POST owner_trades": 1, "POST funding": 1}


async def test_an_answer_may_be_about_another_symbol(client: Client):
    status, answer = await order_that_goes_wrong(client, fault="wrong_symbol")

    assert (status, answer["symbol"]) == (200, "ETHUSDT")


async def user_events(client: Client, rules: list[dict[str, Any]], wanted: int) -> list[str]:
    """The kinds of the first events that one market order brings."""
    key = (await client.call("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    await client.admin("POST", "faults", rules=rules)
    url = f"{client.server.url}/private/ws/{key}"
    async with client.session.ws_connect(url) as socket:
        await client.signed("POST", "/fapi/v1/order", **ORDER)
        kinds: list[str] = []
        while len(kinds) < wanted:
            event = await socket.receive_json(timeout=5)
            kinds.append(event["e"] + event.get("o", {}).get("x", ""))
        return kinds


async def test_events_are_dropped_duplicated_and_reordered_across_types(client: Client):
    usual = await user_events(client, [], 4)
    doubled = await user_events(client, [{"operation": "stream.ACCOUNT_UPDATE", "fault": "duplicate"}], 5)
    dropped = await user_events(client, [{"operation": "stream.ACCOUNT_UPDATE", "fault": "drop"}], 3)
    first = usual.index("ACCOUNT_UPDATE")

    assert sorted(doubled) == sorted([*usual, "ACCOUNT_UPDATE"])
    assert dropped == usual[:first] + usual[first + 1 :]


async def opens(client: Client, fault: str) -> bool:
    """Whether a stream connection opens while a rule for everything about streams holds."""
    rule = {"operation": "stream.*", "fault": fault, "ms": 50, "count": None}
    await client.admin("PUT", "faults", seed=0, rules=[rule])
    try:
        async with client.session.ws_connect(f"{client.server.url}/public/ws"):
            return True
    except aiohttp.WSServerHandshakeError as refusal:
        assert refusal.status == 503
        return False


async def test_an_opening_connection_is_refused_or_late_and_no_fault_of_events_is_its(client: Client):
    assert not await opens(client, "drop")
    before = asyncio.get_running_loop().time()
    assert await opens(client, "delay")
    assert asyncio.get_running_loop().time() - before >= 0.05
    assert await opens(client, "duplicate")
    assert await opens(client, "mute")


async def test_an_event_may_come_long_after_the_answer(client: Client):
    rule = {"operation": "stream.[A-Z]*", "fault": "delay", "ms": 200, "count": None}
    before = asyncio.get_running_loop().time()

    await user_events(client, [rule], 4)

    assert asyncio.get_running_loop().time() - before >= 0.2


async def test_streams_may_be_cut_or_fall_silent(client: Client):
    async with client.session.ws_connect(f"{client.server.url}/ws/btcusdt@bookTicker") as socket:
        await socket.receive_json(timeout=5)
        assert (await client.admin("POST", "streams/mute", ms=60_000))["mute"] == 1
        await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":9}')
        while (await socket.receive_json(timeout=5)).get("id") != 9:
            continue
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.3)
        assert (await client.admin("POST", "streams/cut"))["cut"] == 1


async def test_a_liquidation_befalls_an_account_and_the_public_sees_it(client: Client):
    await client.signed("POST", "/fapi/v1/order", **ORDER)
    url = f"{client.server.url}/market/ws/!forceOrder@arr"
    async with client.session.ws_connect(url) as socket:
        await client.admin("POST", "liquidation", account=1, symbol="BTCUSDT")
        forced = await socket.receive_json(timeout=5)

    assert (forced["o"]["s"], forced["o"]["S"]) == ("BTCUSDT", "SELL")
    assert (await client.signed("GET", "/fapi/v3/positionRisk"))[1] == []
    _, rows = await client.signed("GET", "/fapi/v1/forceOrders", symbol="BTCUSDT")
    assert rows[0]["clientOrderId"].startswith("autoclose-")


async def test_the_owner_trades_by_hand_and_funding_is_paid(client: Client):
    await client.admin("POST", "owner_trades", account=1, symbol="BTCUSDT", side="BUY", quantity="0.001")
    await client.admin("POST", "funding", symbol="BTCUSDT", rate="0.001")

    _, trades = await client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    _, paid = await client.signed("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    assert len(trades) == 1
    assert float(paid[0]["income"]) < 0


async def test_a_symbol_is_halted_and_its_filters_change(client: Client):
    await client.admin("POST", "symbol_status", symbol="BTCUSDT", status="TRADING_HALT")
    _, refused = await client.signed("POST", "/fapi/v1/order", **ORDER)
    await client.admin("POST", "symbol_status", symbol="BTCUSDT", status="TRADING")
    await client.admin("POST", "filters", symbol="BTCUSDT", notional_min="5000")
    _, too_small = await client.signed("POST", "/fapi/v1/order", **ORDER)
    _, info = await client.call("GET", "/fapi/v1/exchangeInfo")

    assert (refused["code"], too_small["code"]) == (-4140, -4164)
    filters = {row["filterType"]: row for row in info["symbols"][0]["filters"]}
    assert filters["MIN_NOTIONAL"]["notional"] == "5000"


async def test_triggers_hang_until_they_are_let_go(tmp_path: Path):
    stop = {"symbol": "BTCUSDT", "side": "BUY", "algoType": "CONDITIONAL", "type": "STOP_MARKET"}
    name = {"clientAlgoId": "s-1"}
    async with served(tmp_path, open_market=SilentMarket) as client:
        venue = client.server.services.venue
        frames = Frames(start_ms=venue.clock.now_ms())
        venue.writing().on_frame(frames.ticker("76000.00", "76000.10"))
        await client.admin("POST", "hanging_triggers", symbol="BTCUSDT")
        await client.signed(
            "POST", "/fapi/v1/algoOrder", **stop, **name, quantity="0.01", triggerPrice="76500"
        )
        venue.writing().on_frame(frames.trade("76500.00", "0.1"))

        _, listed = await client.signed("GET", "/fapi/v1/openAlgoOrders")
        status, no = await client.signed("DELETE", "/fapi/v1/algoOrder", **name)
        await client.admin("POST", "hanging_triggers", symbol="BTCUSDT", hangs=False)
        _, found = await client.signed("GET", "/fapi/v1/algoOrder", **name)
        _, trades = await client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")

    assert [(one["clientAlgoId"], one["algoStatus"]) for one in listed] == [("s-1", "TRIGGERING")]
    assert (status, no["code"]) == (400, -2011)
    assert (found["algoStatus"], [trade["qty"] for trade in trades]) == ("FINISHED", ["0.01"])


async def test_a_revoked_key_and_a_skewed_clock_refuse_everything(client: Client):
    await client.admin("POST", "clock", skew_ms=30_000)
    skewed = await client.signed("GET", "/fapi/v3/balance")
    await client.admin("DELETE", "keys", key=KEY.key)
    revoked = await client.signed("GET", "/fapi/v3/balance")

    assert (skewed[1]["code"], revoked[1]["code"]) == (-1021, -2015)


async def test_the_admin_api_is_there_only_when_asked_for(tmp_path: Path):
    async with served(tmp_path, admin=False) as client:
        status, _ = await client.call("GET", "/admin/keys")

    assert status == 404


async def test_the_admin_api_says_what_is_wrong(client: Client):
    for path, body in (
        ("faults", {"rules": [{"operation": "*", "fault": "sneeze"}]}),
        ("accounts", {}),
        ("deposits", {"account": 9, "amount": "1"}),
        ("liquidation", {"account": 1, "symbol": "BTCUSDT"}),
        ("filters", {"symbol": "BTCUSDT", "colour": 1}),
    ):
        async with client.session.post(f"{client.server.url}/admin/{path}", json=body) as answer:
            assert answer.status == 400, path
            assert (await answer.json())["error"]


def test_equal_seeds_fail_alike_and_other_seeds_do_not():
    rule = FaultRule("order.*", "drop_answer", chance=0.5, count=None)

    def drawn(seed: int) -> list[bool]:
        faults = Faults(FaultSchedule(seed, (rule,)))
        return [faults.draw("order.place") is not None for _ in range(64)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 16 < sum(drawn(1)) < 48


def test_a_rule_holds_from_its_first_call_for_so_many():
    faults = Faults(FaultSchedule(0, (FaultRule("order.place", "drop_answer", first=2, count=2),)))

    assert [faults.draw("order.place") is not None for _ in range(5)] == [False, True, True, False, False]
    assert faults.draw("order.cancel") is None


@pytest.mark.parametrize(
    "document", [b"", b"[]", b'{"rules":[{}]}', b'{"rules":[{"operation":"*","fault":"x"}]}']
)
def test_a_schedule_that_cannot_be_read_is_refused(document: bytes):
    with pytest.raises(ValueError, match="fault schedule"):
        read_schedule(document)
