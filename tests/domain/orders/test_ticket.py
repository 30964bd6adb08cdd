"""A ticket cannot be wrong once it exists, and an attempt knows when it is too late for it."""

from decimal import Decimal

import pytest

from src.domain.orders.ticket import Attempt
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.shared.errors import InvariantViolated
from tests.support.domain_builders import a_ticket

BAD_NUMBERS = [Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity", "0", "-1")]
PRICES = ["reference_price", "limit_price", "stop_price", "stop_loss_price", "take_profit_price"]


def a_ticket_with(name, value):
    kind = {"limit_price": OrderType.LIMIT, "stop_price": OrderType.STOP_MARKET}.get(name, OrderType.MARKET)
    return a_ticket(order_type=kind, **{name: value})


@pytest.mark.parametrize("quantity", BAD_NUMBERS, ids=str)
def test_a_quantity_is_a_number_above_zero(quantity):
    with pytest.raises(InvariantViolated):
        a_ticket(quantity=quantity)


@pytest.mark.parametrize("name", PRICES)
@pytest.mark.parametrize("price", BAD_NUMBERS, ids=str)
def test_every_price_is_a_number_above_zero(name, price):
    with pytest.raises(InvariantViolated):
        a_ticket_with(name, price)


@pytest.mark.parametrize("name", PRICES)
def test_every_price_may_be_any_number_above_zero(name):
    ticket = a_ticket_with(name, Decimal("0.0000001"))

    assert getattr(ticket, name) == Decimal("0.0000001")


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": OrderType.LIMIT},
        {"order_type": OrderType.MARKET, "limit_price": 100},
        {"order_type": OrderType.STOP_MARKET},
        {"order_type": OrderType.TAKE_PROFIT_MARKET},
        {"order_type": OrderType.MARKET, "stop_price": 100},
        {"order_type": OrderType.STOP_MARKET, "stop_price": 100, "limit_price": 100},
        {"order_type": OrderType.STOP, "stop_price": 100},
        {"order_type": OrderType.TAKE_PROFIT, "limit_price": 100},
        {"order_type": OrderType.TRAILING_STOP_MARKET},
        {"order_type": OrderType.TRAILING_STOP_MARKET, "callback_pct": Decimal("0.01"), "stop_price": 100},
        {"order_type": OrderType.STOP_MARKET, "stop_price": 100, "callback_pct": Decimal("0.01")},
        {"order_type": OrderType.STOP_MARKET, "stop_price": 100, "activation_price": 100},
        {"limit_price": 100, "time_in_force": TimeInForce.GTD},
        {"limit_price": 100, "good_till_ms": 1},
        {"order_type": OrderType.STOP_MARKET, "stop_price": 100, "close_position": True},
        {"reduce_only": True, "close_position": True},
    ],
    ids=str,
)
def test_each_type_of_order_has_exactly_its_own_prices(changes):
    with pytest.raises(InvariantViolated):
        a_ticket(**changes)


def test_an_attempt_is_too_late_after_its_window():
    assert Attempt("sh1-1", 1_000, 5_000).deadline_ms == 6_000


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": OrderType.STOP, "stop_price": 100, "limit_price": 101},
        {"order_type": OrderType.TAKE_PROFIT, "stop_price": 100, "limit_price": 99},
        {"order_type": OrderType.TRAILING_STOP_MARKET, "callback_pct": Decimal("0.01")},
        {
            "order_type": OrderType.TRAILING_STOP_MARKET,
            "callback_pct": Decimal("0.01"),
            "activation_price": 99,
        },
        {"limit_price": 100, "time_in_force": TimeInForce.GTD, "good_till_ms": 1},
        {"limit_price": 100, "time_in_force": TimeInForce.FOK},
        {"order_type": OrderType.STOP_MARKET, "stop_price": 90, "reduce_only": True, "close_position": True},
    ],
    ids=str,
)
def test_every_kind_of_order_can_be_worded(changes):
    assert a_ticket(**changes).order_type in OrderType


def test_all_but_market_and_limit_orders_wait_for_a_trigger():
    assert set(OrderType) - {kind for kind in OrderType if kind.is_conditional} == {
        OrderType.MARKET,
        OrderType.LIMIT,
    }


def test_only_stops_and_targets_are_protective():
    assert {purpose for purpose in Purpose if purpose.is_protective} == {
        Purpose.PROTECTIVE_STOP,
        Purpose.PROTECTIVE_TARGET,
    }
