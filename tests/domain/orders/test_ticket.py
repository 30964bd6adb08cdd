"""A ticket cannot be wrong once it exists, and an attempt knows when it is too late for it."""

from decimal import Decimal

import pytest

from src.domain.orders.ticket import Attempt
from src.domain.orders.types import OrderType, Purpose
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
    ],
    ids=str,
)
def test_each_type_of_order_has_exactly_its_own_prices(changes):
    with pytest.raises(InvariantViolated):
        a_ticket(**changes)


def test_an_attempt_is_too_late_after_its_window():
    assert Attempt("sh1-1", 1_000, 5_000).deadline_ms == 6_000


def test_only_stops_and_targets_wait_for_a_trigger():
    assert {kind for kind in OrderType if kind.is_conditional} == {
        OrderType.STOP_MARKET,
        OrderType.TAKE_PROFIT_MARKET,
    }


def test_only_stops_and_targets_are_protective():
    assert {purpose for purpose in Purpose if purpose.is_protective} == {
        Purpose.PROTECTIVE_STOP,
        Purpose.PROTECTIVE_TARGET,
    }
