"""The working set holds what is at work: settled orders leave it, and do not come back to stay."""

from decimal import Decimal

from src.domain.ledger.evolve import evolve
from src.domain.ledger.state import AccountState, Ledger
from src.domain.money import ZERO
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus
from tests.support.ledger_builders import an_intent


def a_settled_order() -> tuple[Ledger, str]:
    ledger = Ledger(AccountState("account", "abc", "paper", "USDT"))
    intent = an_intent(1)
    evolve(ledger, intent, 1)
    order = ledger.orders[intent.attempt.client_order_id]
    order.status, order.attempt_state, order.exchange_order_id = OrderStatus.CANCELED, AttemptState.ACKED, 7
    ledger.order_ids[(order.symbol, 7)] = order.client_order_id
    return ledger, order.client_order_id


def test_a_settled_order_leaves_with_its_commit():
    ledger, name = a_settled_order()

    ledger.release_settled()

    assert name not in ledger.orders
    assert not ledger.order_ids


def test_a_settled_order_that_was_brought_back_for_nothing_leaves_at_once():
    ledger, name = a_settled_order()
    order = ledger.orders[name]
    ledger.changes.clear()

    ledger.dismiss(order)

    assert name not in ledger.orders
    assert not ledger.order_ids


def test_a_brought_back_order_that_changed_waits_for_its_commit():
    ledger, name = a_settled_order()

    ledger.dismiss(ledger.orders[name])

    assert name in ledger.orders


def test_an_order_that_still_misses_fills_stays():
    ledger, name = a_settled_order()
    order = ledger.orders[name]
    order.claimed_quantity = Decimal("0.01")
    assert order.filled_quantity == ZERO
    ledger.changes.clear()

    ledger.dismiss(order)
    ledger.release_settled()

    assert name in ledger.orders
