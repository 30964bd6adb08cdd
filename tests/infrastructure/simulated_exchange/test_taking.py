"""Orders that take get what the book offers, at its prices, and nobody gets the same quantity twice."""

from decimal import Decimal

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine

BIDS = [("76000.00", "1"), ("75999.90", "2"), ("75000.00", "3"), ("71000.00", "50")]
ASKS = [("76000.10", "1"), ("76000.20", "2"), ("77000.00", "3"), ("81000.00", "50")]


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def engine(frames: Frames) -> Engine:
    engine = an_engine(wallet="10000000")
    engine.on_frame(frames.snapshot(BIDS, ASKS))
    return engine


def fills(engine: Engine) -> list[tuple[str, str]]:
    return [(trade["price"], trade["qty"]) for trade in engine.user_trades(ACCOUNT, BTC)]


def test_a_market_order_walks_the_book_level_by_level(engine: Engine):
    answer = engine.new_order(ACCOUNT, a_request(engine, quantity="2.5"))

    assert answer["status"] == "FILLED"
    assert fills(engine) == [("76000.1", "1"), ("76000.2", "1.5")]


def test_a_later_taker_gets_what_an_earlier_one_left(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.4"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="1"))

    assert fills(engine) == [("76000.1", "0.4"), ("76000.1", "0.6"), ("76000.2", "0.4")]


def test_a_level_that_changed_is_offered_afresh(engine: Engine, frames: Frames):
    engine.new_order(ACCOUNT, a_request(engine, quantity="1"))
    engine.on_frame(frames.ticker("76000.00", "76000.10", "1", "0.7"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.8"))

    assert fills(engine) == [("76000.1", "1"), ("76000.1", "0.7"), ("76000.2", "0.1")]


def test_buys_and_sells_take_from_different_sides(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, quantity="1"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="1.5", side="SELL"))

    assert fills(engine) == [("76000.1", "1"), ("76000", "1"), ("75999.9", "0.5")]


def test_a_market_order_stops_at_its_bound_and_the_rest_expires(engine: Engine):
    answer = engine.new_order(ACCOUNT, a_request(engine, quantity="10", client_order_id="c-1"))

    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "6")
    assert max(Decimal(price) for price, _ in fills(engine)) <= Decimal("76000.05") * Decimal("1.05")
    assert '"er":"9"' in engine.take_events()[-1].raw


def test_an_ioc_order_takes_up_to_its_limit_and_the_rest_expires(engine: Engine):
    answer = engine.new_order(ACCOUNT, a_request(engine, quantity="5", price="76000.20", time_in_force="IOC"))

    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "3")
    assert '"er":"2"' in engine.take_events()[-1].raw


def test_a_marketable_limit_order_takes_first_and_rests_with_the_remainder(engine: Engine):
    answer = engine.new_order(ACCOUNT, a_request(engine, quantity="5", price="76000.20"))

    assert (answer["status"], answer["executedQty"]) == ("PARTIALLY_FILLED", "3")
    assert [order["executedQty"] for order in engine.open_orders(ACCOUNT)] == ["3"]


def test_a_post_only_order_rests_just_below_the_best_ask(engine: Engine):
    answer = engine.new_order(ACCOUNT, a_request(engine, price="76000.00", time_in_force="GTX"))

    assert answer["status"] == "NEW"


def test_a_reduce_only_order_never_turns_the_position(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.5"))
    answer = engine.new_order(ACCOUNT, a_request(engine, quantity="2", side="SELL", reduce_only=True))

    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.5")
    assert '"er":"4"' in engine.take_events()[-1].raw
    assert engine.position_risk(ACCOUNT) == []


def test_an_order_without_reduce_only_closes_and_opens_in_one_go(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.5"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.8", side="SELL"))

    position = engine.position_risk(ACCOUNT)[0]
    assert (position["positionAmt"], position["entryPrice"]) == ("-0.3", "76000")


def test_resting_reduce_only_orders_end_when_nothing_is_left_to_reduce(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.5"))
    near = a_request(engine, side="SELL", price="76500", quantity="0.3", reduce_only=True)
    far = a_request(engine, side="SELL", price="76900", quantity="0.3", reduce_only=True)
    engine.new_order(ACCOUNT, near)
    engine.new_order(ACCOUNT, far)

    engine.new_order(ACCOUNT, a_request(engine, side="SELL", quantity="0.3"))

    assert [order["price"] for order in engine.open_orders(ACCOUNT)] == ["76500"]
    engine.new_order(ACCOUNT, a_request(engine, side="SELL", quantity="0.2"))
    assert engine.open_orders(ACCOUNT) == []
    assert '"er":"4"' in engine.take_events()[-1].raw


def test_a_resting_reduce_only_order_needs_room_beside_the_others(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.5"))
    exits = a_request(engine, side="SELL", price="76500", quantity="0.5", reduce_only=True)
    engine.new_order(ACCOUNT, exits)

    with pytest.raises(ExchangeError, match="-4118"):
        engine.new_order(ACCOUNT, exits)


def test_every_fill_says_which_book_it_was_made_from(engine: Engine, frames: Frames):
    engine.on_frame(frames.ticker("76000.00", "76000.10", "1", "1"))
    engine.new_order(ACCOUNT, a_request(engine))

    reference = engine.trade_records(ACCOUNT, BTC)[0].reference
    assert (reference.kind, reference.event_id, reference.line) == ("book", frames.update_id, frames.line)


def test_the_memory_of_taken_levels_stays_small(frames: Frames):
    engine = an_engine(wallet="100000000")
    for step in range(600):
        price = 76000 + step
        engine.on_frame(frames.ticker(f"{price}.00", f"{price}.10", "1", "1"))
        engine.new_order(ACCOUNT, a_request(engine, side="BUY" if step % 2 else "SELL"))

    assert len(engine.memory()["consumed"][BTC]) <= 256
