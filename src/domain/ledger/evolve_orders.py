"""How events change orders and the exposure reserved for them.

Exposure is reserved with the intent, in the same step, and released only on terminal evidence: an order of unknown
outcome and a cancel on its way count in full. Reduce-only orders reserve nothing; they cannot grow a position.
"""

from decimal import Decimal
from typing import Final

from src.domain.ledger import events as e
from src.domain.ledger.evolve_cancels import heard_of
from src.domain.ledger.evolve_protection import count_refusals, count_vain_close
from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder
from src.domain.orders.transitions import (
    ATTEMPT_TRANSITIONS,
    ORDER_TRANSITIONS,
    AttemptTrigger,
    CancelState,
    ModifyState,
    OrderTrigger,
)
from src.domain.orders.types import OrderStatus
from src.domain.shared.transitions import next_state

# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_BUY: Final = OrderSide.BUY


def order_intended(ledger: Ledger, event: e.OrderIntended, at_ms: int) -> None:
    """A new order enters, with its reservation; the counters move past its numbers."""
    account = ledger.account
    account.next_intent = event.intent + 1
    account.next_sequence += 1
    ticket, name = event.ticket, event.attempt.client_order_id
    order = Order(ticket, event.attempt, event.session_id, event.intent, at_ms)
    ledger.orders[name] = ledger.changes.orders[name] = order
    ledger.remember(order)
    if ticket.parent_id is not None:
        _join_parent(ledger, order, at_ms)
    if not ticket.reduce_only:
        reserve(ledger, ticket.symbol, ticket.side, ticket.quantity, worst_price(order))


def attempt_moved(ledger: Ledger, event: e.AttemptMoved, at_ms: int) -> None:
    """Evidence about the transmission; a refusal or a proof of death ends the order."""
    order = ledger.orders[event.client_order_id]
    count_refusals(ledger, order, event, at_ms)
    heard_of(ledger, event.client_order_id, at_ms)
    order.attempt_state = next_state(ATTEMPT_TRANSITIONS, order.attempt_state, event.trigger)
    _learn_ids(ledger, order, event.exchange_order_id, event.algo_id)
    ledger.changes.orders[order.client_order_id] = order
    if event.reason:
        order.reason = event.reason
    trigger = _ORDER_TRIGGER.get(event.trigger)
    if trigger is not None:
        held = hold(ledger, order)
        move_order(ledger, order, trigger)
        keep_hold(ledger, order, held)


_ORDER_TRIGGER = {
    AttemptTrigger.ACCEPTED: OrderTrigger.ACCEPT,
    AttemptTrigger.REFUSED: OrderTrigger.REJECT,
    AttemptTrigger.NOT_SENT: OrderTrigger.REJECT,
    AttemptTrigger.PROVEN_DEAD: OrderTrigger.REJECT,
    AttemptTrigger.RELEASED: OrderTrigger.REJECT,
}


def order_moved(ledger: Ledger, event: e.OrderMoved, at_ms: int) -> None:
    """The exchange's word on the order; what it claims to be filled only ever grows."""
    order = ledger.orders[event.client_order_id]
    was_open = order.is_open
    heard_of(ledger, event.client_order_id, at_ms)
    _learn_ids(ledger, order, event.exchange_order_id, event.algo_id)
    held = hold(ledger, order)
    if event.claimed_quantity > order.claimed_quantity:
        order.claimed_quantity = event.claimed_quantity
    if event.reason:
        order.reason = event.reason
    order.updated_ms = max(order.updated_ms, event.at_ms)
    ledger.changes.orders[order.client_order_id] = order
    move_order(ledger, order, event.trigger)
    if was_open:
        count_vain_close(ledger, order, at_ms)
    keep_hold(ledger, order, held)


def move_order(ledger: Ledger, order: Order, trigger: OrderTrigger) -> None:
    """Take one step of the order's machine and keep the reservation in line with what may still be filled."""
    was_open = order.is_open
    possible = still_possible(order)
    order.status = next_state(ORDER_TRANSITIONS, order.status, trigger)
    if was_open and not order.is_open:
        order.cancel_state = CancelState.NONE
        ledger.cancels.pop(order.client_order_id, None)
        if not order.ticket.reduce_only:
            release(ledger, order, possible)
            _forget_price(ledger, order)
        order.modify_state = ModifyState.NONE
        order.wanted_price = order.wanted_quantity = order.modify_deadline_ms = None
        parent = ledger.parent_of(order)
        if parent is not None and order.status is not OrderStatus.FILLED:
            # Refused, not sent, ended by somebody: the next child does not follow at once, or it would for ever.
            parent.next_ms = max(parent.next_ms, ledger.account.last_ms + CHILD_RETRY_MS)
            ledger.changes.parents[parent.parent_id] = parent


CHILD_RETRY_MS = 5_000


def still_possible(order: Order) -> Decimal:
    """The most that may still be filled, whatever becomes of an amendment; base asset. That much is reserved."""
    return max(ZERO, order.exposed_quantity - order.filled_quantity)


def release(ledger: Ledger, order: Order, quantity: Decimal) -> None:
    """Give back ``quantity`` (base asset) of what the order had reserved."""
    _give_back(ledger, order.symbol, order.side, quantity)


def _give_back(ledger: Ledger, symbol: str, side: OrderSide, quantity: Decimal) -> None:
    book = ledger.symbol(symbol)
    if side is OrderSide.BUY:
        book.pending_buy -= quantity
    else:
        book.pending_sell -= quantity
    if not book.pending_buy and not book.pending_sell:
        book.pending_price = ZERO


def reserve(ledger: Ledger, symbol: str, side: OrderSide, quantity: Decimal, price: Decimal) -> None:
    """Set aside ``quantity`` (base asset) of a symbol at ``price`` (quote asset per base asset) at the worst."""
    book = ledger.symbol(symbol)
    if side is _BUY:
        book.pending_buy += quantity
    else:
        book.pending_sell += quantity
    if price > book.pending_price and (book.pending_buy or book.pending_sell):
        book.pending_price = price


def worst_price(order: Order) -> Decimal:
    """The price an open order is reserved at: the highest that it names, quote asset per base asset."""
    ticket = order.ticket
    price, limit, stop, wanted = (
        ticket.reference_price,
        ticket.limit_price,
        ticket.stop_price,
        order.wanted_price,
    )
    if limit is not None and limit > price:
        price = limit
    if stop is not None and stop > price:
        price = stop
    if wanted is not None and wanted > price:
        price = wanted
    return price


def parent_price(parent: ParentOrder) -> Decimal:
    """The same, for what a parent order has not sent yet."""
    ticket = parent.ticket
    return max(ticket.limit_price or ticket.reference_price, ticket.reference_price)


def hold(ledger: Ledger, order: Order) -> Decimal:
    """What the order's parent has reserved now: given back, or taken anew, by :func:`keep_hold`."""
    parent = ledger.parent_of(order) if order.ticket.parent_id is not None else None
    return parent.reserved_quantity if parent is not None else ZERO


def keep_hold(ledger: Ledger, order: Order, before: Decimal) -> None:
    """Bring what the parent reserves in line with what it may still send, after its child changed."""
    if order.ticket.parent_id is None:
        return
    parent = ledger.parent_of(order)
    if parent is not None:
        ledger.changes.parents[parent.parent_id] = parent
        adjust_hold(ledger, parent, before)


def adjust_hold(ledger: Ledger, parent: ParentOrder, before: Decimal) -> None:
    """Reserve, or give back, the difference between ``before`` and what the parent may send now."""
    ticket, after = parent.ticket, parent.reserved_quantity
    if after > before:
        reserve(ledger, ticket.symbol, ticket.side, after - before, parent_price(parent))
    elif after < before:
        _give_back(ledger, ticket.symbol, ticket.side, before - after)
        rebuild_price(ledger, ticket.symbol)


def _join_parent(ledger: Ledger, order: Order, at_ms: int) -> None:
    parent = ledger.parent_of(order)
    if parent is None:
        return
    before = parent.reserved_quantity
    parent.children[order.client_order_id] = order
    parent.slices_done = parent.slice_at(at_ms) + 1
    parent.replaced = parent.reason = ""
    parent.updated_ms = at_ms
    ledger.changes.parents[parent.parent_id] = parent
    adjust_hold(ledger, parent, before)


def _forget_price(ledger: Ledger, ended: Order) -> None:
    """Reserve at the worst price of the orders that are still open, as :func:`rebuild_reservations` would."""
    book = ledger.symbol(ended.symbol)
    if book.pending_price and worst_price(ended) >= book.pending_price:
        rebuild_price(ledger, ended.symbol)


def rebuild_price(ledger: Ledger, symbol: str) -> None:
    """Find the worst price anew that what is reserved in a symbol may trade at."""
    prices = [
        worst_price(order)
        for order in ledger.orders.values()
        if order.symbol == symbol and order.is_open and not order.ticket.reduce_only and still_possible(order)
    ]
    prices += [
        parent_price(parent)
        for parent in ledger.parents.values()
        if parent.ticket.symbol == symbol and parent.reserved_quantity
    ]
    ledger.symbol(symbol).pending_price = max(prices, default=ZERO)


def _learn_ids(ledger: Ledger, order: Order, exchange_order_id: int | None, algo_id: int | None) -> None:
    if algo_id is not None:
        order.algo_id = algo_id
    if exchange_order_id is not None and order.exchange_order_id != exchange_order_id:
        order.exchange_order_id = exchange_order_id
        ledger.order_ids[(order.symbol, exchange_order_id)] = order.client_order_id


def rebuild_reservations(ledger: Ledger) -> None:
    """Reserve again for every open order: after a load, reservations are derived, not stored."""
    for book in ledger.symbols.values():
        book.pending_buy = book.pending_sell = book.pending_price = ZERO
    for order in ledger.orders.values():
        if order.is_open and not order.ticket.reduce_only and (possible := still_possible(order)):
            reserve(ledger, order.symbol, order.side, possible, worst_price(order))
    for parent in ledger.parents.values():
        if parent.reserved_quantity:
            ticket = parent.ticket
            reserve(ledger, ticket.symbol, ticket.side, parent.reserved_quantity, parent_price(parent))
