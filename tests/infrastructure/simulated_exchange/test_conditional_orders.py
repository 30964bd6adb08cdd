"""Conditional orders wait in a store of their own; at the trigger a market order takes their place."""

import json

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def engine(frames: Frames) -> Engine:
    engine = an_engine()
    engine.on_frame(frames.ticker("76000.00", "76000.10"))
    engine.on_frame(frames.trade("76000.00", "0.1"))
    return engine


def told(engine: Engine, kind: str) -> list[dict]:
    return [json.loads(event.raw)["o"] for event in engine.take_events() if event.kind == kind]


def test_a_waiting_order_is_in_no_list_of_ordinary_orders(engine: Engine):
    algo = engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="77000", client_order_id="s-1"))

    assert engine.open_orders(ACCOUNT) == []
    assert [order["algoId"] for order in engine.open_algo_orders(ACCOUNT)] == [algo["algoId"]]
    with pytest.raises(ExchangeError, match="-2013"):
        engine.query_order(ACCOUNT, BTC, client_order_id="s-1")


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "short_of_it", "there"),
    [
        ("BUY", "STOP_MARKET", "76500", "76499.90", "76500.00"),
        ("SELL", "STOP_MARKET", "75500", "75500.10", "75500.00"),
        ("BUY", "TAKE_PROFIT_MARKET", "75500", "75500.10", "75400.00"),
        ("SELL", "TAKE_PROFIT_MARKET", "76500", "76499.90", "76600.00"),
    ],
)
def test_each_kind_is_triggered_at_its_price_and_not_before(
    engine: Engine, frames: Frames, side: str, kind: str, trigger: str, short_of_it: str, there: str
):
    request = a_request(engine, side=side, type=kind, trigger_price=trigger)
    engine.new_algo_order(ACCOUNT, request)

    engine.on_frame(frames.trade(short_of_it, "0.1"))
    assert len(engine.open_algo_orders(ACCOUNT)) == 1
    engine.on_frame(frames.trade(there, "0.1"))
    assert engine.open_algo_orders(ACCOUNT) == []
    assert len(engine.user_trades(ACCOUNT, BTC)) == 1


def test_the_child_has_an_id_of_its_own_and_the_client_id_of_its_parent(engine: Engine, frames: Frames):
    engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="76500", client_order_id="s-1"))
    engine.take_events()
    engine.on_frame(frames.trade("76500.00", "0.1"))

    child = engine.query_order(ACCOUNT, BTC, client_order_id="s-1")
    parent = engine.query_algo_order(ACCOUNT, client_algo_id="s-1")
    assert (child["type"], child["status"]) == ("MARKET", "FILLED")
    assert (parent["algoStatus"], parent["actualOrderId"]) == ("FINISHED", str(child["orderId"]))
    assert (parent["actualPrice"], parent["actualQty"]) == ("76000.1", "0.01")


def test_the_stream_tells_of_trigger_and_end(engine: Engine, frames: Frames):
    engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="76500", client_order_id="s-1"))
    engine.on_frame(frames.trade("76500.00", "0.1"))

    assert [(o["X"], o["ai"]) for o in told(engine, "ALGO_UPDATE")] == [
        ("NEW", ""),
        ("TRIGGERED", "1"),
        ("FINISHED", "1"),
    ]


def test_a_mark_price_order_watches_the_stated_mark_price(engine: Engine, frames: Frames):
    request = a_request(engine, trigger_price="76500", working_type="MARK_PRICE")
    engine.on_frame(frames.mark("76000"))
    engine.new_algo_order(ACCOUNT, request)

    engine.on_frame(frames.trade("76600.00", "0.1"))
    engine.on_frame(frames.ticker("76700.00", "76700.10"))
    assert len(engine.open_algo_orders(ACCOUNT)) == 1
    engine.on_frame(frames.mark("76500"))
    assert engine.open_algo_orders(ACCOUNT) == []


def test_without_mark_prices_the_mid_of_the_book_is_the_mark(engine: Engine, frames: Frames):
    request = a_request(engine, trigger_price="76500", working_type="MARK_PRICE")
    engine.new_algo_order(ACCOUNT, request)

    engine.on_frame(frames.ticker("76499.90", "76500.00"))
    assert len(engine.open_algo_orders(ACCOUNT)) == 1
    engine.on_frame(frames.ticker("76499.90", "76500.10"))
    assert engine.open_algo_orders(ACCOUNT) == []


def test_a_reduce_only_stop_may_wait_while_flat_and_is_rejected_at_its_trigger(
    engine: Engine, frames: Frames
):
    request = a_request(engine, side="SELL", trigger_price="75500", reduce_only=True, client_order_id="s-1")
    engine.new_algo_order(ACCOUNT, request)
    engine.take_events()

    engine.on_frame(frames.trade("75000.00", "0.1"))

    event = told(engine, "ALGO_UPDATE")[0]
    assert (event["X"], event["rm"], event["ai"]) == ("REJECTED", "ReduceOnly Order is rejected.", "")
    with pytest.raises(ExchangeError, match="-2013"):
        engine.query_order(ACCOUNT, BTC, client_order_id="s-1")
    assert engine.query_algo_order(ACCOUNT, client_algo_id="s-1")["algoStatus"] == "REJECTED"


def test_a_stop_larger_than_the_position_closes_exactly_the_position(engine: Engine, frames: Frames):
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.02"))
    request = a_request(engine, side="SELL", trigger_price="75500", quantity="0.5", reduce_only=True)
    engine.new_algo_order(ACCOUNT, request)

    engine.on_frame(frames.trade("75000.00", "0.1"))

    assert engine.position_risk(ACCOUNT) == []
    assert [trade["qty"] for trade in engine.user_trades(ACCOUNT, BTC)] == ["0.02", "0.02"]


def test_margin_is_looked_at_only_at_the_trigger(engine: Engine, frames: Frames):
    engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="76500", quantity="100"))
    engine.take_events()

    engine.on_frame(frames.trade("76500.00", "0.1"))

    assert [o["rm"] for o in told(engine, "ALGO_UPDATE")] == ["Margin is insufficient."]


def test_orders_triggered_by_one_print_go_nearest_first(engine: Engine, frames: Frames):
    for trigger, name in (("76800", "far"), ("76500", "near"), ("76600", "middle")):
        request = a_request(engine, trigger_price=trigger, client_order_id=name)
        engine.new_algo_order(ACCOUNT, request)

    engine.on_frame(frames.trade("77000.00", "0.1"))

    records = engine.trade_records(ACCOUNT, BTC)
    assert [record.client_order_id for record in records] == ["near", "middle", "far"]


def test_a_canceled_order_is_never_triggered(engine: Engine, frames: Frames):
    engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="76500", client_order_id="s-1"))
    answer = engine.cancel_algo_order(ACCOUNT, client_algo_id="s-1")

    engine.on_frame(frames.trade("77000.00", "0.1"))

    assert answer["code"] == "200"
    assert engine.query_algo_order(ACCOUNT, client_algo_id="s-1")["algoStatus"] == "CANCELED"
    assert engine.user_trades(ACCOUNT, BTC) == []


def test_cancel_all_has_one_call_for_each_store(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, price="75000"))
    engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="76500"))

    engine.cancel_all_orders(ACCOUNT, BTC)
    assert (len(engine.open_orders(ACCOUNT)), len(engine.open_algo_orders(ACCOUNT))) == (0, 1)
    engine.cancel_all_algo_orders(ACCOUNT, BTC)
    assert engine.open_algo_orders(ACCOUNT) == []
