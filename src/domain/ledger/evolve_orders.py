"""How events change orders and the exposure reserved for them.

Exposure is reserved with the intent, in the same step, and released only on terminal evidence: an order of unknown
outcome and a cancel on its way count in full. Reduce-only orders reserve nothing; they cannot grow a position.
"""

from decimal import Decimal

from src.domain.ledger import events as e
from src.domain.ledger.state import Ledger, SymbolBook
from src.domain.market.sides import OrderSide
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.transitions import (
    ATTEMPT_TRANSITIONS,
    CANCEL_TRANSITIONS,
    ORDER_TRANSITIONS,
    AttemptTrigger,
    CancelState,
    CancelTrigger,
    OrderTrigger,
)
from src.domain.shared.transitions import next_state


def order_intended(ledger: Ledger, event: e.OrderIntended, at_ms: int) -> None:
    """A new order enters, with its reservation; the counters move past its numbers."""
    account = ledger.account
    account.next_intent = event.intent + 1
    account.next_sequence += 1
    order = Order(event.ticket, event.attempt, event.session_id, event.intent, at_ms, updated_ms=at_ms)
    ledger.orders[order.client_order_id] = order
    ledger.changes.orders[order.client_order_id] = order
    ledger.remember(order)
    if not order.ticket.reduce_only:
        _reserve(ledger.symbol(order.symbol), order)


def attempt_moved(ledger: Ledger, event: e.AttemptMoved, at_ms: int) -> None:
    """Evidence about the transmission; a refusal or a proof of death ends the order."""
    order = ledger.orders[event.client_order_id]
    order.attempt_state = next_state(ATTEMPT_TRANSITIONS, order.attempt_state, event.trigger)
    _learn_ids(ledger, order, event.exchange_order_id, event.algo_id)
    order.updated_ms = at_ms
    ledger.changes.orders[order.client_order_id] = order
    if event.reason:
        order.reason = event.reason
    trigger = _ORDER_TRIGGER.get(event.trigger)
    if trigger is not None:
        move_order(ledger, order, trigger)


_ORDER_TRIGGER = {
    AttemptTrigger.ACCEPTED: OrderTrigger.ACCEPT,
    AttemptTrigger.REFUSED: OrderTrigger.REJECT,
    AttemptTrigger.NOT_SENT: OrderTrigger.REJECT,
    AttemptTrigger.PROVEN_DEAD: OrderTrigger.REJECT,
}


def order_moved(ledger: Ledger, event: e.OrderMoved, at_ms: int) -> None:
    """The exchange's word on the order; what it claims to be filled only ever grows."""
    order = ledger.orders[event.client_order_id]
    _learn_ids(ledger, order, event.exchange_order_id, event.algo_id)
    if event.claimed_quantity > order.claimed_quantity:
        order.claimed_quantity = event.claimed_quantity
    if event.reason:
        order.reason = event.reason
    order.updated_ms = max(order.updated_ms, event.at_ms)
    ledger.changes.orders[order.client_order_id] = order
    move_order(ledger, order, event.trigger)


def cancel_requested(ledger: Ledger, event: e.CancelRequested, at_ms: int) -> None:
    """A cancel is on its way."""
    order = ledger.orders[event.client_order_id]
    order.cancel_state = next_state(CANCEL_TRANSITIONS, order.cancel_state, CancelTrigger.REQUEST)
    ledger.changes.orders[order.client_order_id] = order


def cancel_withdrawn(ledger: Ledger, event: e.CancelWithdrawn, at_ms: int) -> None:
    """The cancel came to nothing."""
    order = ledger.orders[event.client_order_id]
    order.cancel_state = next_state(CANCEL_TRANSITIONS, order.cancel_state, CancelTrigger.WITHDRAW)
    ledger.changes.orders[order.client_order_id] = order


def move_order(ledger: Ledger, order: Order, trigger: OrderTrigger) -> None:
    """Take one step of the order's machine and keep the reservation in line with what may still be filled."""
    was_open = order.is_open
    order.status = next_state(ORDER_TRANSITIONS, order.status, trigger)
    if was_open and not order.is_open:
        order.cancel_state = CancelState.NONE
        if not order.ticket.reduce_only:
            release(ledger, order, max(ZERO, order.ticket.quantity - order.filled_quantity))
            _forget_price(ledger, order)


def release(ledger: Ledger, order: Order, quantity: Decimal) -> None:
    """Give back ``quantity`` (base asset) of what the order had reserved."""
    book = ledger.symbol(order.symbol)
    if order.side is OrderSide.BUY:
        book.pending_buy -= quantity
    else:
        book.pending_sell -= quantity
    if not book.pending_buy and not book.pending_sell:
        book.pending_price = ZERO


def _reserve(book: SymbolBook, order: Order) -> None:
    ticket = order.ticket
    if ticket.side is OrderSide.BUY:
        book.pending_buy += ticket.quantity
    else:
        book.pending_sell += ticket.quantity
    book.pending_price = max(book.pending_price, _worst_price(order))


def _worst_price(order: Order) -> Decimal:
    ticket = order.ticket
    return max(ticket.limit_price or ticket.reference_price, ticket.reference_price)


def _forget_price(ledger: Ledger, ended: Order) -> None:
    """Reserve at the worst price of the orders that are still open, as :func:`rebuild_reservations` would."""
    book = ledger.symbol(ended.symbol)
    if book.pending_price and _worst_price(ended) >= book.pending_price:
        book.pending_price = max(
            (
                _worst_price(order)
                for order in ledger.orders.values()
                if order.symbol == ended.symbol and order.is_open and not order.ticket.reduce_only
            ),
            default=ZERO,
        )


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
        if order.is_open and not order.ticket.reduce_only:
            book = ledger.symbol(order.symbol)
            _reserve(book, order)
            release(ledger, order, order.filled_quantity)
