"""Resting orders get what others traded at their price, after the queue, and together never more than that."""

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def engine(frames: Frames) -> Engine:
    engine = an_engine()
    bids = [("76000.00", "2"), ("75999.90", "1")]
    asks = [("76000.10", "3"), ("76000.20", "1")]
    engine.on_frame(frames.snapshot(bids, asks))
    return engine


def buy(engine: Engine, price: str, quantity: str = "1") -> int:
    return engine.new_order(ACCOUNT, a_request(engine, price=price, quantity=quantity))["orderId"]


def executed(engine: Engine, order_id: int) -> str:
    return engine.query_order(ACCOUNT, BTC, order_id=order_id)["executedQty"]


def test_prints_at_the_price_first_serve_who_stood_there_before(engine: Engine, frames: Frames):
    order = buy(engine, "76000.00")

    engine.on_frame(frames.trade("76000.00", "1.5"))
    assert executed(engine, order) == "0"
    engine.on_frame(frames.trade("76000.00", "0.8"))
    assert executed(engine, order) == "0.3"
    engine.on_frame(frames.trade("76000.00", "5"))
    assert executed(engine, order) == "1"


def test_a_print_through_the_price_fills_up_to_its_quantity(engine: Engine, frames: Frames):
    order = buy(engine, "76000.00")

    engine.on_frame(frames.trade("75999.90", "0.4"))

    assert executed(engine, order) == "0.4"
    assert engine.user_trades(ACCOUNT, BTC)[0]["price"] == "76000"


def test_after_a_print_through_the_price_nobody_stands_before_us(engine: Engine, frames: Frames):
    order = buy(engine, "76000.00")

    engine.on_frame(frames.trade("75999.90", "0.4"))
    engine.on_frame(frames.trade("76000.00", "0.4"))

    assert executed(engine, order) == "0.8"


def test_a_print_that_hit_the_other_side_fills_nothing(engine: Engine, frames: Frames):
    order = buy(engine, "76000.00")

    engine.on_frame(frames.trade("75999.90", "9", buyer_is_maker=False))

    assert executed(engine, order) == "0"


def test_a_book_that_crosses_the_order_fills_nothing(engine: Engine, frames: Frames):
    order = buy(engine, "76000.00")

    engine.on_frame(frames.ticker("75000.00", "75000.10", "1", "1"))

    assert executed(engine, order) == "0"


def test_one_print_is_shared_in_price_time_priority(engine: Engine, frames: Frames):
    second = buy(engine, "75990.00", "0.5")
    third = buy(engine, "75990.00", "0.5")
    first = buy(engine, "75995.00", "0.5")

    engine.on_frame(frames.trade("75980.00", "0.8"))

    assert [executed(engine, order) for order in (first, second, third)] == ["0.5", "0.3", "0"]


def test_two_orders_at_one_price_each_wait_for_their_own_queue(engine: Engine, frames: Frames):
    early = buy(engine, "76000.00", "0.5")
    engine.on_frame(frames.ticker("76000.00", "76000.10", "3", "3"))
    late = buy(engine, "76000.00", "0.5")

    engine.on_frame(frames.trade("76000.00", "2.2"))
    assert [executed(engine, order) for order in (early, late)] == ["0.2", "0"]
    engine.on_frame(frames.trade("76000.00", "1.0"))
    assert [executed(engine, order) for order in (early, late)] == ["0.5", "0"]
    engine.on_frame(frames.trade("76000.00", "0.5"))
    assert [executed(engine, order) for order in (early, late)] == ["0.5", "0.2"]


def test_sells_wait_for_buyers(engine: Engine, frames: Frames):
    request = a_request(engine, side="SELL", price="76000.20", quantity="0.5")
    order = engine.new_order(ACCOUNT, request)["orderId"]

    engine.on_frame(frames.trade("76000.20", "1.2", buyer_is_maker=False))

    assert executed(engine, order) == "0.2"


def test_a_maker_pays_the_makers_commission_and_names_the_print(engine: Engine, frames: Frames):
    buy(engine, "75990.00", "0.5")
    engine.on_frame(frames.trade("75990.00", "0.5"))

    trade = engine.trade_records(ACCOUNT, BTC)[0]
    assert engine.user_trades(ACCOUNT, BTC)[0]["commission"] == "7.599"
    assert trade.is_maker
    assert (trade.reference.kind, trade.reference.event_id, trade.reference.line) == (
        "trade",
        frames.update_id,
        frames.line,
    )


def test_a_reduce_only_order_is_cut_at_the_position_and_then_ends(engine: Engine, frames: Frames):
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.3"))
    request = a_request(engine, side="SELL", price="76500.00", quantity="0.5", reduce_only=True)
    order = engine.new_order(ACCOUNT, request)["orderId"]

    engine.on_frame(frames.trade("76600.00", "9", buyer_is_maker=False))

    found = engine.query_order(ACCOUNT, BTC, order_id=order)
    assert (found["status"], found["executedQty"]) == ("EXPIRED", "0.3")
    assert engine.position_risk(ACCOUNT) == []


def test_prints_that_only_move_the_queue_commit_nothing(frames: Frames):
    commits: list[str] = []
    engine = an_engine(failpoint=commits.append)
    engine.on_frame(frames.ticker("76000.00", "76000.10", "2", "3"))
    buy(engine, "76000.00", "0.1")
    commits.clear()

    assert engine.on_frame(frames.trade("76000.00", "1")) is False
    assert commits == []
