"""How events change the price and total quantity of resting orders, and with them what is reserved."""

from dataclasses import replace
from decimal import Decimal

from src.domain.ledger import events as e
from src.domain.ledger.evolve_orders import (
    hold,
    keep_hold,
    rebuild_price,
    release,
    reserve,
    still_possible,
    worst_price,
)
from src.domain.ledger.state import Ledger
from src.domain.orders.order import Order
from src.domain.orders.transitions import (
    MODIFY_TRANSITIONS,
    ModifyState,
    ModifyTrigger,
)
from src.domain.shared.transitions import next_state


def modify_requested(ledger: Ledger, event: e.ModifyRequested, at_ms: int) -> None:
    """An amendment is on its way: until its outcome is known, the worse of old and new is reserved."""
    order = ledger.orders[event.client_order_id]
    held, before = hold(ledger, order), still_possible(order)
    order.modify_state = next_state(MODIFY_TRANSITIONS, order.modify_state, ModifyTrigger.REQUEST)
    order.wanted_price, order.wanted_quantity = event.limit_price, event.quantity
    order.modify_deadline_ms = event.deadline_ms
    ledger.count_amendment(at_ms)
    ledger.changes.orders[order.client_order_id] = order
    if not order.ticket.reduce_only:
        more = still_possible(order) - before
        reserve(ledger, order.symbol, order.side, more, worst_price(order))
    keep_hold(ledger, order, held)


def modify_moved(ledger: Ledger, event: e.ModifyMoved, at_ms: int) -> None:
    """Evidence about an amendment; when it is settled, the order is as it was asked to be, or as it was."""
    order = ledger.orders[event.client_order_id]
    held, before = hold(ledger, order), still_possible(order)
    price, quantity = order.wanted_price, order.wanted_quantity
    order.modify_state = next_state(MODIFY_TRANSITIONS, order.modify_state, event.trigger)
    order.updated_ms = max(order.updated_ms, event.at_ms)
    ledger.changes.orders[order.client_order_id] = order
    if order.modify_state is not ModifyState.NONE:
        return
    order.wanted_price = order.wanted_quantity = order.modify_deadline_ms = None
    if event.trigger is ModifyTrigger.DONE:
        assert price is not None and quantity is not None, "an amendment under way has price and quantity"
        _give_terms(ledger, order, price, quantity)
    if order.is_open and not order.ticket.reduce_only:
        release(ledger, order, before - still_possible(order))
        rebuild_price(ledger, order.symbol)
    keep_hold(ledger, order, held)


def terms_changed(ledger: Ledger, event: e.TermsChanged, at_ms: int) -> None:
    """The order is what the exchange says it is."""
    order = ledger.orders[event.client_order_id]
    held, before = hold(ledger, order), still_possible(order)
    _give_terms(ledger, order, event.limit_price, event.quantity)
    order.updated_ms = max(order.updated_ms, event.at_ms)
    ledger.changes.orders[order.client_order_id] = order
    if not order.ticket.reduce_only:
        more = still_possible(order) - before
        reserve(ledger, order.symbol, order.side, more, worst_price(order))
        rebuild_price(ledger, order.symbol)
    keep_hold(ledger, order, held)


def _give_terms(ledger: Ledger, order: Order, price: Decimal, quantity: Decimal) -> None:
    before = order.ticket
    order.ticket = replace(before, limit_price=price, quantity=quantity)
    ledger.remember_amended(order, before)
    ledger.changes.amended[order.client_order_id] = order
