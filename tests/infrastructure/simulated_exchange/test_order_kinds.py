"""Fill-or-kill, good-till-date, price match, limit orders by trigger, trailing stops, closing orders."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine

FAR_MS = 3_600_000


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def engine(frames: Frames) -> Engine:
    return begun(frames)


def begun(frames: Frames, path: Path | str = ":memory:") -> Engine:
    engine = an_engine(path)
    engine.on_frame(frames.ticker("76000.00", "76000.10", "2", "2"))
    engine.on_frame(frames.trade("76000.00", "0.1"))
    engine.take_events()
    return engine


def order(engine: Engine, **changes: Any) -> dict[str, Any]:
    return engine.new_order(ACCOUNT, a_request(engine, **changes))


def algo(engine: Engine, **changes: Any) -> dict[str, Any]:
    return engine.new_algo_order(ACCOUNT, a_request(engine, **changes))


def code_of(engine: Engine, **changes: Any) -> int:
    """The code an order is refused with; conditional types go to their own store."""
    is_algo = changes.get("type", "").startswith(("STOP", "TAKE", "TRAIL")) or "trigger_price" in changes
    engine.take_events()
    with pytest.raises(ExchangeError) as refused:
        (algo if is_algo else order)(engine, **changes)
    assert engine.take_events() == []
    return refused.value.code


def algo_updates(engine: Engine) -> list[dict[str, Any]]:
    events = [json.loads(event.raw) for event in engine.take_events()]
    return [event["o"] for event in events if event["e"] == "ALGO_UPDATE"]


def status_of(engine: Engine, client_id: str) -> str:
    return engine.query_algo_order(ACCOUNT, client_algo_id=client_id)["algoStatus"]


def trailing(engine: Engine, **changes: Any) -> dict[str, Any]:
    values = {"type": "TRAILING_STOP_MARKET", "callback_rate": Decimal(1), "client_order_id": "t-1"}
    return algo(engine, **(values | changes))


# --- fill or kill, good till date, price match ---------------------------------------------------------------


def test_fill_or_kill_fills_whole_over_several_levels(engine: Engine, frames: Frames):
    engine.on_frame(frames.snapshot([("76000.00", "2")], [("76000.10", "2"), ("76000.50", "3")]))

    answer = order(engine, price="76000.50", quantity="4", time_in_force="FOK")

    assert (answer["status"], answer["executedQty"]) == ("FILLED", "4")


def test_fill_or_kill_that_cannot_be_filled_leaves_no_record(engine: Engine):
    assert (
        code_of(engine, price="76000.10", quantity="2.001", time_in_force="FOK", client_order_id="c-1")
        == -5021
    )
    with pytest.raises(ExchangeError, match="-2013"):
        engine.query_order(ACCOUNT, BTC, client_order_id="c-1")


def test_fill_or_kill_knows_what_was_taken_before(engine: Engine):
    order(engine, quantity="1.5")

    assert code_of(engine, price="76000.10", quantity="0.6", time_in_force="FOK") == -5021


def test_an_order_ends_at_its_date(engine: Engine):
    till = engine.now_ms + FAR_MS
    order(engine, price="75000.00", time_in_force="GTD", good_till_ms=till, client_order_id="c-1")
    engine.advance_time(till - 1)
    before = engine.query_order(ACCOUNT, BTC, client_order_id="c-1")
    engine.advance_time(till)

    after = engine.query_order(ACCOUNT, BTC, client_order_id="c-1")
    assert (before["status"], before["goodTillDate"]) == ("NEW", till)
    assert after["status"] == "CANCELED"


def test_a_date_survives_the_process(tmp_path: Path, frames: Frames):
    engine = begun(frames, tmp_path / "exchange.sqlite")
    till = engine.now_ms + FAR_MS
    order(engine, price="75000.00", time_in_force="GTD", good_till_ms=till, client_order_id="c-1")

    again = an_engine(tmp_path / "exchange.sqlite")
    again.advance_time(till)

    assert again.open_orders(ACCOUNT) == []


def test_dates_of_ended_orders_are_forgotten(engine: Engine):
    for number in range(3_000):
        till = engine.now_ms + FAR_MS + number
        order(engine, price="75000.00", time_in_force="GTD", good_till_ms=till, client_order_id="c-1")
        engine.cancel_order(ACCOUNT, BTC, client_order_id="c-1")
    order(engine, price="75000.00", time_in_force="GTD", good_till_ms=engine.now_ms + FAR_MS)

    assert len(engine._state.deadlines) < 1_100
    engine.advance_time(engine.now_ms + FAR_MS)
    assert engine.open_orders(ACCOUNT) == []


@pytest.mark.parametrize(
    ("lead_ms", "code"),
    [(600_000, -5040), (0, -5040), (253_402_300_799_000, -5040)],
    ids=["lead", "now", "too far"],
)
def test_a_date_is_neither_near_nor_beyond_the_last(engine: Engine, lead_ms: int, code: int):
    till = engine.now_ms + lead_ms
    assert code_of(engine, price="75000.00", time_in_force="GTD", good_till_ms=till) == code


def test_a_date_belongs_to_good_till_date(engine: Engine):
    assert code_of(engine, price="75000.00", good_till_ms=engine.now_ms + FAR_MS) == -1106
    assert code_of(engine, price="75000.00", time_in_force="GTD") == -1102


@pytest.mark.parametrize(
    ("side", "match", "price"),
    [
        ("BUY", "OPPONENT", "76000.1"),
        ("BUY", "QUEUE", "76000"),
        ("SELL", "QUEUE", "76000.1"),
        ("SELL", "QUEUE_5", ""),
    ],
)
def test_a_matched_price_is_a_level_of_the_book(engine: Engine, side: str, match: str, price: str):
    changes = {"type": "LIMIT", "time_in_force": "GTC", "side": side, "price_match": match}
    if not price:
        assert code_of(engine, **changes) == -5041
        return

    answer = order(engine, **changes)

    assert (answer["price"], answer["priceMatch"]) == (price, match)


def test_an_unknown_match_or_one_without_limit_is_refused(engine: Engine):
    assert code_of(engine, type="LIMIT", time_in_force="GTC", price_match="OPPONENT_20") == -5037
    assert code_of(engine, price_match="QUEUE") == -5038
    assert code_of(engine, price="76000.00", self_trade_prevention="NEVER") == -5039


# --- limit orders by trigger ----------------------------------------------------------------------------------


def test_a_stop_limit_order_rests_at_its_limit_and_finishes_when_it_ends(engine: Engine, frames: Frames):
    placed = algo(
        engine,
        type="STOP",
        trigger_price="76500.00",
        price="76400.00",
        time_in_force="GTC",
        client_order_id="s-1",
    )
    engine.on_frame(frames.ticker("76450.00", "76499.90", "2", "2"))
    engine.on_frame(frames.trade("76500.00", "0.1", buyer_is_maker=False))
    resting = engine.open_orders(ACCOUNT)[0]
    waiting = status_of(engine, "s-1")
    engine.cancel_order(ACCOUNT, BTC, client_order_id="s-1")

    assert (placed["orderType"], placed["price"]) == ("STOP", "76400")
    assert (resting["type"], resting["price"], resting["clientOrderId"]) == ("LIMIT", "76400", "s-1")
    assert waiting == "TRIGGERED"
    assert status_of(engine, "s-1") == "FINISHED"
    assert [update["X"] for update in algo_updates(engine)] == ["NEW", "TRIGGERED", "FINISHED"]


def test_a_triggered_order_survives_the_process(tmp_path: Path, frames: Frames):
    engine = begun(frames, tmp_path / "exchange.sqlite")
    algo(engine, type="TAKE_PROFIT", trigger_price="75900.00", price="75800.00", client_order_id="s-1")
    engine.on_frame(frames.trade("75900.00", "0.1"))

    again = an_engine(tmp_path / "exchange.sqlite")
    again.cancel_order(ACCOUNT, BTC, client_order_id="s-1")

    assert status_of(again, "s-1") == "FINISHED"
    assert again.open_algo_orders(ACCOUNT) == []


def test_a_limit_that_no_filter_allows_is_rejected_when_it_comes_to_it(engine: Engine, frames: Frames):
    algo(engine, type="STOP", trigger_price="76500.00", price="90000.00", client_order_id="s-1")

    engine.on_frame(frames.trade("76500.00", "0.1", buyer_is_maker=False))

    found = engine.query_algo_order(ACCOUNT, client_algo_id="s-1")
    assert found["algoStatus"] == "REJECTED"
    assert "higher" in algo_updates(engine)[-1]["rm"]
    assert engine.open_orders(ACCOUNT) == []


def test_price_protection_rejects_what_a_bad_print_triggers(engine: Engine, frames: Frames):
    order(engine)
    common = {"side": "SELL", "reduce_only": True, "trigger_price": "72000.00"}
    algo(engine, **common, price_protect=True, client_order_id="s-1")
    algo(engine, **common, client_order_id="s-2")

    engine.on_frame(frames.trade("71000.00", "0.1"))

    assert (status_of(engine, "s-1"), status_of(engine, "s-2")) == ("REJECTED", "FINISHED")


# --- trailing stops -------------------------------------------------------------------------------------------


def test_a_trailing_stop_follows_the_best_price_and_triggers_at_its_distance(engine: Engine, frames: Frames):
    order(engine)
    trailing(engine, side="SELL", reduce_only=True)
    for price in ("77000.00", "76900.00", "77500.00", "76725.10"):
        engine.on_frame(frames.trade(price, "0.1"))
    before = status_of(engine, "t-1")
    engine.on_frame(frames.trade("76725.00", "0.1"))

    assert before == "NEW"
    assert status_of(engine, "t-1") == "FINISHED"
    assert engine.position_risk(ACCOUNT) == []


def test_a_trailing_buy_waits_for_its_activation_and_says_so(engine: Engine, frames: Frames):
    placed = trailing(engine, activate_price=Decimal("75000"))
    engine.on_frame(frames.trade("75000.10", "0.1"))
    waiting = engine.query_algo_order(ACCOUNT, client_algo_id="t-1")
    engine.on_frame(frames.trade("75000.00", "0.1"))
    engine.on_frame(frames.trade("74000.00", "0.1"))
    engine.on_frame(frames.trade("74739.90", "0.1"))
    still = status_of(engine, "t-1")
    engine.on_frame(frames.trade("74740.00", "0.1"))

    assert (placed["activatePrice"], placed["callbackRate"], placed["isActivated"]) == ("75000", "1", False)
    assert waiting["isActivated"] is False
    assert still == "NEW"
    assert status_of(engine, "t-1") == "FINISHED"
    updates = algo_updates(engine)
    assert [(update["X"], update["ia"]) for update in updates[:2]] == [("NEW", False), ("NEW", True)]


def test_a_trailing_stop_goes_on_from_where_it_was(tmp_path: Path, frames: Frames):
    engine = begun(frames, tmp_path / "exchange.sqlite")
    order(engine)
    trailing(engine, side="SELL", reduce_only=True)
    engine.on_frame(frames.trade("77000.00", "0.1"))
    engine.advance_time(engine.now_ms + 1_000)

    again = an_engine(tmp_path / "exchange.sqlite")
    again.warm(frames.ticker("76200.00", "76200.10"))
    again.on_frame(frames.trade("76230.00", "0.1"))

    assert status_of(again, "t-1") == "FINISHED"


def test_a_trailing_stop_may_watch_the_mark_price(engine: Engine, frames: Frames):
    order(engine)
    trailing(engine, side="SELL", reduce_only=True, working_type="MARK_PRICE")
    engine.on_frame(frames.mark("77000.00"))
    engine.on_frame(frames.trade("70000.00", "0.1"))
    before = status_of(engine, "t-1")
    engine.on_frame(frames.mark("76230.00"))

    assert before == "NEW"
    assert status_of(engine, "t-1") == "FINISHED"


def test_a_trailing_stop_follows_at_twenty_percent_at_most(engine: Engine):
    assert trailing(engine, callback_rate=Decimal(20))["callbackRate"] == "20"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"callback_rate": Decimal("0.09")}, -2007),
        ({"callback_rate": Decimal("20.1")}, -2007),
        ({"callback_rate": None}, -1102),
        ({"activate_price": Decimal("76000.00")}, -2021),
        ({"activate_price": Decimal("76001.00")}, -2021),
        ({"side": "SELL", "activate_price": Decimal("75999.00")}, -2021),
        ({"activate_price": Decimal(0)}, -4135),
        ({"trigger_price": "70000.00"}, -1106),
        ({"close_position": True, "quantity": None}, -4136),
    ],
)
def test_a_trailing_stop_that_makes_no_sense_is_refused(engine: Engine, changes: dict[str, Any], code: int):
    with pytest.raises(ExchangeError) as refused:
        trailing(engine, **changes)

    assert refused.value.code == code


@pytest.mark.parametrize("changes", [{"callback_rate": Decimal(1)}, {"activate_price": Decimal("75000")}])
@pytest.mark.parametrize("kind", ["STOP_MARKET", "STOP"])
def test_what_belongs_to_a_trailing_stop_is_refused_with_others(
    engine: Engine, kind: str, changes: dict[str, Any]
):
    priced = {"price": "77000.00", "time_in_force": "GTC"} if kind == "STOP" else {}

    with pytest.raises(ExchangeError, match="-1106"):
        algo(engine, type=kind, trigger_price="77000.00", **priced, **changes)


# --- orders that close a position -----------------------------------------------------------------------------

CLOSING = {"side": "SELL", "trigger_price": "75000.00", "quantity": None, "close_position": True}


def test_an_order_that_closes_the_position_takes_whatever_is_held(engine: Engine, frames: Frames):
    order(engine)
    algo(engine, **CLOSING, client_order_id="s-1")
    order(engine, quantity="0.05")

    engine.on_frame(frames.trade("75000.00", "0.1"))

    child = engine.query_order(ACCOUNT, BTC, client_order_id="s-1")
    assert (child["executedQty"], child["closePosition"], child["reduceOnly"]) == ("0.06", True, True)
    assert engine.position_risk(ACCOUNT) == []


def test_an_order_that_closes_the_position_expires_with_it(engine: Engine):
    order(engine)
    algo(engine, **CLOSING, client_order_id="s-1")
    order(engine, side="SELL")

    assert status_of(engine, "s-1") == "EXPIRED"


def test_only_one_of_a_kind_closes_a_position_and_only_one_that_is_held(engine: Engine):
    assert code_of(engine, **CLOSING) == -4509
    order(engine)
    assert code_of(engine, **(CLOSING | {"side": "BUY", "trigger_price": "77000.00"})) == -4509
    algo(engine, **CLOSING)
    algo(engine, **(CLOSING | {"type": "TAKE_PROFIT_MARKET", "trigger_price": "77000.00"}))
    assert code_of(engine, **(CLOSING | {"trigger_price": "74000.00"})) == -4130
    assert code_of(engine, **(CLOSING | {"quantity": "0.01"})) == -4137
    assert code_of(engine, **(CLOSING | {"reduce_only": True})) == -1106
    assert code_of(engine, **(CLOSING | {"type": "STOP", "price": Decimal(75000)})) == -4136
