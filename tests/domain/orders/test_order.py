"""What an order says about itself while its news comes in."""

from decimal import Decimal
from typing import Any

import pytest

from src.domain.orders.order import Order
from src.domain.orders.ticket import Attempt
from src.domain.orders.transitions import UNRESOLVED, AttemptState
from src.domain.orders.types import OrderStatus
from tests.support.domain_builders import BTC, BUY, a_ticket


def an_order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "ticket": a_ticket(quantity=3),
        "attempt": Attempt("sh1-1", 0, 5_000),
        "session_id": "s",
        "intent": 1,
        "created_ms": 0,
    }
    return Order(**(values | changes))


def test_an_order_answers_for_its_ticket_and_its_attempt():
    order = an_order()

    assert order.id == order.client_order_id == "sh1-1"
    assert (order.symbol, order.side, order.quantity) == (BTC, BUY, Decimal(3))


@pytest.mark.parametrize(("filled", "remaining"), [(0, 3), (1, 2), (3, 0), (4, 0)])
def test_what_remains_is_never_negative(filled, remaining):
    assert an_order(filled_quantity=Decimal(filled)).remaining_quantity == remaining


@pytest.mark.parametrize("status", [status for status in OrderStatus if status.is_terminal])
def test_nothing_remains_of_an_order_that_is_over(status):
    order = an_order(status=status)

    assert order.remaining_quantity == 0
    assert not order.is_open and not order.is_live


def test_the_average_price_is_of_what_was_filled():
    assert an_order().average_price is None
    assert an_order(filled_quantity=Decimal(2), filled_cost=Decimal(201)).average_price == Decimal("100.5")


@pytest.mark.parametrize("state", list(AttemptState))
def test_an_open_order_can_be_counted_on_unless_its_outcome_is_unknown(state):
    order = an_order(attempt_state=state)

    assert order.is_live is (state is not AttemptState.UNKNOWN)


def test_an_order_is_settled_when_it_is_over_and_every_claimed_fill_is_booked():
    canceled = OrderStatus.CANCELED

    assert not an_order(status=OrderStatus.NEW).is_settled
    assert not an_order(status=canceled, claimed_quantity=Decimal(1)).is_settled
    assert an_order(status=canceled, claimed_quantity=Decimal(1), filled_quantity=Decimal(1)).is_settled


def test_an_attempt_is_unresolved_until_somebody_knows():
    assert {AttemptState.OPEN, AttemptState.UNKNOWN} == UNRESOLVED


def test_one_line_tells_a_person_everything():
    line = an_order(reason="no margin", exchange_order_id=7).debug_info()

    assert line == (
        "sh1-1 ENTRY BUY 3 BTCUSDT MARKET @ market PENDING_NEW attempt=OPEN cancel=NONE filled=0 ids=7/None no margin"
    )
