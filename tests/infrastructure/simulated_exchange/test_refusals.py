"""Every refusal has Binance's code, comes in Binance's order, and changes nothing."""

from decimal import Decimal

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine, an_instrument


@pytest.fixture
def engine() -> Engine:
    engine = an_engine()
    frames = Frames()
    engine.on_frame(frames.ticker("76000.00", "76000.10", "5", "5"))
    engine.on_frame(frames.trade("76000.00", "0.1"))
    return engine


ORDINARY = {
    "ahead of the clock": ({"timestamp": 1_789_478_301_002}, -1021),
    "too old": ({"timestamp": 1_789_478_300_002 - 5001}, -1021),
    "unknown symbol": ({"symbol": "NOPEUSDT", "type": "STOP_MARKET"}, -1121),
    "conditional type": ({"type": "STOP_MARKET", "quantity": Decimal("0.00001")}, -4120),
    "trailing type": ({"type": "TRAILING_STOP_MARKET"}, -4120),
    "unknown type": ({"type": "ICEBERG"}, -1116),
    "unknown side": ({"side": "HOLD"}, -1117),
    "no quantity": ({"quantity": None}, -1102),
    "limit without price": ({"type": "LIMIT", "time_in_force": "GTC"}, -1102),
    "limit without time in force": ({"price": "76000", "time_in_force": None}, -1102),
    "unknown time in force": ({"price": "76000", "time_in_force": "DAY"}, -1115),
    "market with a price": ({"price": "76000", "type": "MARKET", "time_in_force": None}, -1106),
    "client id too long": ({"client_order_id": "x" * 37}, -4015),
    "client id with a blank": ({"client_order_id": "a b"}, -4015),
    "client id empty": ({"client_order_id": ""}, -4015),
    "quantity too precise": ({"quantity": "0.0101"}, -1111),
    "quantity not a number": ({"quantity": Decimal("NaN")}, -1111),
    "price too precise before off the tick": ({"price": "76000.055"}, -1111),
    "price off the tick": ({"price": "76000.05"}, -4014),
    "price below the least": ({"price": "556.70"}, -4013),
    "price above the most": ({"price": "4529764.10"}, -4002),
    "price negative": ({"price": "-1"}, -4001),
    "quantity zero": ({"quantity": "0"}, -4003),
    "quantity above the most of a market order": ({"quantity": "120.001"}, -4005),
    "quantity above the most of a limit order": ({"quantity": "1000.001", "price": "76000"}, -4005),
    "hedge side": ({"position_side": "LONG"}, -4061),
    "unknown position side": ({"position_side": "UP"}, -4060),
    "reduce-only while flat": ({"reduce_only": True}, -2022),
    "notional too small": ({"quantity": "0.001", "price": "40000"}, -4164),
    "a buy far above the mark": ({"price": "80000"}, -4016),
    "a sell far below the mark": ({"side": "SELL", "price": "72000"}, -4024),
    "too large for the wallet": ({"quantity": "100"}, -2019),
    "post-only that would take": ({"price": "76000.10", "time_in_force": "GTX"}, -5022),
}


@pytest.mark.parametrize(("changes", "code"), ORDINARY.values(), ids=ORDINARY.keys())
def test_an_order_is_refused_with_its_code_and_leaves_no_trace(engine: Engine, changes: dict, code: int):
    with pytest.raises(ExchangeError) as refused:
        engine.new_order(ACCOUNT, a_request(engine, **({"client_order_id": "c-1"} | changes)))

    assert refused.value.code == code
    assert engine.take_events() == []
    assert engine.open_orders(ACCOUNT) == []
    with pytest.raises(ExchangeError, match="-2013"):
        engine.query_order(ACCOUNT, BTC, client_order_id="c-1")


_STOP_LIMIT = {"price": "77010", "type": "STOP", "time_in_force": "GTC"}
CONDITIONAL = {
    "not conditional": ({"type": "MARKET"}, -1116),
    "no trigger": ({"type": "STOP_MARKET"}, -1102),
    "unknown working type": ({"trigger_price": "70000", "working_type": "LAST"}, -1130),
    "a limit price": ({"trigger_price": "70000", "price": "1", "type": "STOP_MARKET"}, -1106),
    "trigger off the tick": ({"trigger_price": "70000.05"}, -4014),
    "hedge side": ({"trigger_price": "77000", "position_side": "SHORT"}, -4061),
    "quantity above the most of a market order": ({"trigger_price": "77000", "quantity": "120.001"}, -4005),
    "quantity above the most of a limit order": (
        {"trigger_price": "77000", "quantity": "1000.001", **_STOP_LIMIT},
        -4005,
    ),
    "too old": ({"trigger_price": "77000", "timestamp": 0}, -1021),
    "a buy stop at the last price": ({"trigger_price": "76000"}, -2021),
    "a buy target above the last price": ({"trigger_price": "76001", "type": "TAKE_PROFIT_MARKET"}, -2021),
    "a sell stop above the mark": (
        {"trigger_price": "76000.10", "side": "SELL", "working_type": "MARK_PRICE"},
        -2021,
    ),
}


@pytest.mark.parametrize(("changes", "code"), CONDITIONAL.values(), ids=CONDITIONAL.keys())
def test_a_conditional_order_is_refused_with_its_code_and_leaves_no_trace(
    engine: Engine, changes: dict, code: int
):
    with pytest.raises(ExchangeError) as refused:
        engine.new_algo_order(ACCOUNT, a_request(engine, **changes))

    assert refused.value.code == code
    assert engine.take_events() == []
    assert engine.open_algo_orders(ACCOUNT) == []


@pytest.mark.parametrize(("kind", "trigger"), [("STOP", "77000"), ("TAKE_PROFIT", "75000")])
def test_a_conditional_order_with_a_limit_may_be_as_large_as_a_limit_order(
    engine: Engine, kind: str, trigger: str
):
    request = a_request(
        engine, **_STOP_LIMIT | {"type": kind, "trigger_price": trigger, "quantity": "120.001"}
    )

    assert engine.new_algo_order(ACCOUNT, request)["quantity"] == "120.001"


def test_trailing_zeros_are_no_precision(engine: Engine):
    answer = engine.new_order(ACCOUNT, a_request(engine, quantity="0.01000", price="75000.000"))

    assert answer["origQty"] == "0.01"


def test_the_last_moment_of_the_window_is_still_inside(engine: Engine):
    request = a_request(engine, timestamp=engine.now_ms - 5000)

    assert engine.new_order(ACCOUNT, request)["status"] == "FILLED"


def test_a_market_order_without_a_market_cannot_be_filled():
    engine = an_engine()

    with pytest.raises(ExchangeError, match="-4131"):
        engine.new_order(ACCOUNT, a_request(engine))


def test_a_market_order_is_refused_when_the_best_price_is_far_from_the_mark(engine: Engine):
    frames = Frames(start_ms=engine.now_ms)
    engine.on_frame(frames.mark("72000"))

    with pytest.raises(ExchangeError, match="-4131"):
        engine.new_order(ACCOUNT, a_request(engine))


def test_a_client_id_is_taken_only_while_its_order_is_open(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, price="75000", client_order_id="c-1"))

    with pytest.raises(ExchangeError, match="-4116"):
        engine.new_order(ACCOUNT, a_request(engine, client_order_id="c-1"))
    engine.cancel_order(ACCOUNT, BTC, client_order_id="c-1")
    again = engine.new_order(ACCOUNT, a_request(engine, client_order_id="c-1"))

    assert engine.query_order(ACCOUNT, BTC, client_order_id="c-1")["orderId"] == again["orderId"]


def test_the_two_stores_share_no_client_ids(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, price="75000", client_order_id="c-1"))
    engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="77000", client_order_id="c-1"))

    with pytest.raises(ExchangeError, match="-4116"):
        engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="77000", client_order_id="c-1"))


def test_open_orders_are_counted_by_symbol_and_conditional_ones_by_account():
    instruments = (an_instrument(orders_max=2), an_instrument("ETHUSDT", orders_max=2))
    engine = an_engine(":memory:", *instruments, rules=ExchangeRules(algo_orders_max=1))
    engine.on_frame(Frames().ticker("76000.00", "76000.10"))
    for _ in range(2):
        engine.new_order(ACCOUNT, a_request(engine, price="75000"))
    engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="77000"))

    with pytest.raises(ExchangeError, match="-2025"):
        engine.new_order(ACCOUNT, a_request(engine, price="75000"))
    with pytest.raises(ExchangeError, match="-4045"):
        engine.new_algo_order(ACCOUNT, a_request(engine, symbol="ETHUSDT", trigger_price="77000"))
    assert engine.new_order(ACCOUNT, a_request(engine))["status"] == "FILLED"


def test_what_is_not_open_cannot_be_canceled(engine: Engine):
    filled = engine.new_order(ACCOUNT, a_request(engine, client_order_id="c-1"))
    algo = engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="77000", client_order_id="s-1"))
    engine.cancel_algo_order(ACCOUNT, client_algo_id="s-1")

    with pytest.raises(ExchangeError, match="-2011"):
        engine.cancel_order(ACCOUNT, BTC, order_id=filled["orderId"])
    with pytest.raises(ExchangeError, match="-2011"):
        engine.cancel_order(ACCOUNT, BTC, client_order_id="never")
    with pytest.raises(ExchangeError, match="-2011"):
        engine.cancel_algo_order(ACCOUNT, algo_id=algo["algoId"])
    with pytest.raises(ExchangeError, match="-2013"):
        engine.cancel_algo_order(ACCOUNT, client_algo_id="never")
    with pytest.raises(ExchangeError, match="-1102"):
        engine.cancel_order(ACCOUNT, BTC)
