"""What callers write becomes plain values, or a sentence that says what is wrong with it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.trading.requests import ExecutionResult, OrderRequest, decimal
from src.domain.market.sides import OrderSide
from src.domain.orders.order import Order
from src.domain.orders.ticket import Attempt
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderType, TimeInForce
from tests.support.domain_builders import START_MS, a_ticket


@pytest.mark.parametrize("spelling", ["BTCUSDT", "BTC/USDT", "btcusdt"])
def test_any_spelling_of_a_symbol_is_the_exchanges(spelling: str):
    assert OrderRequest.of(spelling, "BUY", 1).symbol == "BTCUSDT"


@given(st.floats(min_value=0.001, max_value=1e6, allow_nan=False))
def test_a_float_is_the_number_that_was_written(number: float):
    assert decimal(number, "the price") == Decimal(repr(number))


@pytest.mark.parametrize("value", ["", "ten", float("nan"), float("inf"), "1,5"])
def test_what_is_no_number_is_named(value: Any):
    with pytest.raises(ValueError, match="the quantity must be a"):
        OrderRequest.of("BTCUSDT", "BUY", value)


@pytest.mark.parametrize("given", [{"side": "HOLD"}, {"order_type": "PEGGED"}, {"time_in_force": "SOON"}])
def test_a_word_without_a_meaning_is_refused(given: dict):
    with pytest.raises(ValueError, match="is not a valid"):
        OrderRequest.of(**{"symbol": "BTCUSDT", "side": "BUY", "quantity": 1, **given})


def test_a_limit_order_rests_unless_it_is_told_otherwise():
    assert OrderRequest.of("BTCUSDT", "BUY", 1, "LIMIT", 100).time_in_force is TimeInForce.GTC
    assert (
        OrderRequest.of("BTCUSDT", OrderSide.SELL, 1, OrderType.LIMIT, 100, "IOC").time_in_force
        is TimeInForce.IOC
    )
    assert OrderRequest.of("BTCUSDT", "BUY", 1).time_in_force is None


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (AttemptState.ACKED, (True, "")),
        (AttemptState.OPEN, (False, "outcome unknown")),
        (AttemptState.UNKNOWN, (False, "outcome unknown")),
        (AttemptState.REFUSED, (False, "the exchange said no")),
        (AttemptState.DEAD, (False, "the exchange said no")),
    ],
)
def test_a_result_claims_no_more_than_the_evidence(state: AttemptState, result: tuple[bool, str]):
    order = Order(a_ticket(), Attempt("sh1-1", START_MS, 5_000), "session", 1, START_MS)
    order.attempt_state, order.reason = state, "the exchange said no"

    told = ExecutionResult.of(order)

    assert (told.success, told.error) == result
    assert told.order_id == "sh1-1"
