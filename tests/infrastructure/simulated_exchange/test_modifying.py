"""A modified order keeps its ids, loses its place, and is left alone by a refusal."""

import json
from decimal import Decimal

import pytest

from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def engine(frames: Frames) -> Engine:
    engine = an_engine()
    engine.on_frame(frames.ticker("76000.00", "76000.10", "2", "2"))
    return engine


def rest(
    engine: Engine, client_id: str = "c-1", price: str = "76000.00", quantity: str = "1", **changes
) -> Answer:
    request = a_request(engine, price=price, quantity=quantity, client_order_id=client_id, **changes)
    return engine.new_order(ACCOUNT, request)


def modify(
    engine: Engine, quantity: str, price: str | None, client_id: str = "c-1", match: str = "NONE"
) -> Answer:
    return engine.modify_order(
        ACCOUNT,
        BTC,
        Decimal(quantity),
        None if price is None else Decimal(price),
        engine.now_ms,
        client_order_id=client_id,
        price_match=match,
    )


def test_it_keeps_its_ids_and_the_stream_says_amendment(engine: Engine):
    before = rest(engine)
    engine.take_events()

    after = modify(engine, "0.8", "75990.00")

    assert (after["orderId"], after["clientOrderId"]) == (before["orderId"], "c-1")
    assert (after["origQty"], after["price"], after["status"]) == ("0.8", "75990", "NEW")
    assert [json.loads(event.raw)["o"]["x"] for event in engine.take_events()] == ["AMENDMENT"]


def test_it_loses_its_place(engine: Engine, frames: Frames):
    first = rest(engine, "c-1", "75990.00")
    rest(engine, "c-2", "75990.00")
    modify(engine, "1.1", "75990.00", "c-1")

    engine.on_frame(frames.trade("75990.00", "1.0"))

    assert engine.query_order(ACCOUNT, BTC, client_order_id="c-2")["status"] == "FILLED"
    assert engine.query_order(ACCOUNT, BTC, order_id=first["orderId"])["executedQty"] == "0"


def test_the_quantity_is_the_total_and_what_is_executed_already_cancels_it(engine: Engine, frames: Frames):
    rest(engine, price="75990.00")
    engine.on_frame(frames.trade("75980.00", "0.4"))

    assert modify(engine, "0.5", "75990.00")["status"] == "PARTIALLY_FILLED"
    assert modify(engine, "0.4", "75990.00")["status"] == "CANCELED"


def test_a_price_that_takes_takes(engine: Engine):
    rest(engine)

    answer = modify(engine, "1", "76000.10")

    assert answer["status"] == "FILLED"


def test_a_post_only_order_whose_new_price_would_take_is_canceled(engine: Engine):
    rest(engine, time_in_force="GTX")

    assert modify(engine, "1", "76000.10")["status"] == "CANCELED"


def test_the_price_may_be_found_in_the_book(engine: Engine):
    rest(engine, price="75990.00")

    queued = modify(engine, "1", None, match="QUEUE")
    named = modify(engine, "1", "75980.00")
    taking = modify(engine, "1", None, match="OPPONENT")

    assert (queued["price"], queued["priceMatch"], queued["status"]) == ("76000", "QUEUE", "NEW")
    assert (named["price"], named["priceMatch"]) == ("75980", "NONE")
    assert (taking["price"], taking["status"]) == ("76000.1", "FILLED")


@pytest.mark.parametrize(
    ("price", "match", "code"),
    [
        (None, "NONE", -1102),
        ("75980.00", "QUEUE", -1106),
        (None, "QUEUE_7", -5037),
        (None, "QUEUE_20", -5041),
    ],
)
def test_a_price_that_cannot_be_found_leaves_the_order_as_it_was(
    engine: Engine, price: str | None, match: str, code: int
):
    rest(engine, price="75990.00")
    before = engine.open_orders(ACCOUNT)

    with pytest.raises(ExchangeError) as refused:
        modify(engine, "1", price, match=match)

    assert refused.value.code == code
    assert engine.open_orders(ACCOUNT) == before


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        ("1", "76000", -5027),
        ("1", "76000.05", -4014),
        ("0.0001", "76000", -1111),
        ("0.001", "40000", -5029),
        ("1", "90000", -4016),
        ("100", "76000", -2019),
    ],
)
def test_a_refusal_leaves_the_order_as_it_was(engine: Engine, quantity: str, price: str, code: int):
    rest(engine)
    before = engine.open_orders(ACCOUNT)

    with pytest.raises(ExchangeError) as refused:
        modify(engine, quantity, price)

    assert refused.value.code == code
    assert engine.open_orders(ACCOUNT) == before


def test_only_open_limit_orders_can_be_modified(engine: Engine):
    with pytest.raises(ExchangeError, match="-2013"):
        modify(engine, "1", "75000", "never")


def test_its_own_margin_is_free_for_its_new_self(frames: Frames):
    engine = an_engine(wallet="4000")
    engine.on_frame(frames.ticker("76000.00", "76000.10", "2", "2"))
    rest(engine)

    assert modify(engine, "1", "75900.00")["status"] == "NEW"
