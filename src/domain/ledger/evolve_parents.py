"""How events change parent orders, and the exposure reserved for what they have not sent yet.

A parent reserves its whole worst case when it is accepted: what it has sent is reserved by its children, the rest by
itself. So its sum is the same from the first slice to the last.
"""

from src.domain.ledger import events as e
from src.domain.ledger.evolve_orders import adjust_hold
from src.domain.ledger.state import Ledger
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.parents import PARENT_TRANSITIONS, ParentOrder
from src.domain.shared.transitions import next_state


def parent_opened(ledger: Ledger, event: e.ParentOpened, at_ms: int) -> None:
    """A new parent enters, with its reservation; the counters move past its numbers."""
    account = ledger.account
    account.next_intent = event.intent + 1
    account.next_sequence += 1
    parent = ParentOrder(
        event.parent_id, event.ticket, event.session_id, event.intent, at_ms, updated_ms=at_ms
    )
    ledger.parents[parent.parent_id] = parent
    ledger.changes.parents[parent.parent_id] = parent
    adjust_hold(ledger, parent, ZERO)


def parent_moved(ledger: Ledger, event: e.ParentMoved, at_ms: int) -> None:
    """One step of the parent's machine; one that is ending sends nothing more, so it gives back what it held."""
    parent = ledger.parents[event.parent_id]
    before = parent.reserved_quantity
    parent.status = next_state(PARENT_TRANSITIONS, parent.status, event.trigger)
    parent.reason = event.reason
    parent.updated_ms = at_ms
    ledger.changes.parents[parent.parent_id] = parent
    adjust_hold(ledger, parent, before)


def child_held_back(ledger: Ledger, event: e.ChildHeldBack, at_ms: int) -> None:
    """A slice passes without its child; what it would have sent is left to the others."""
    parent = ledger.parents[event.parent_id]
    parent.slices_done = parent.slice_at(at_ms) + 1
    parent.next_ms = event.next_ms
    parent.reason = event.reason
    parent.updated_ms = at_ms
    ledger.changes.parents[parent.parent_id] = parent


def leg_replaced(ledger: Ledger, event: e.LegReplaced, at_ms: int) -> None:
    """Remember which leg makes room for a smaller one."""
    parent = ledger.parents[event.parent_id]
    parent.replaced = event.client_order_id
    ledger.changes.parents[parent.parent_id] = parent


def fill_parent(ledger: Ledger, order: Order, event: e.FillBooked) -> None:
    """A child's fill is its parent's as well."""
    parent = ledger.parent_of(order)
    if parent is None:
        return
    parent.filled_quantity += event.quantity
    parent.filled_cost += event.quantity * event.price
    parent.updated_ms = max(parent.updated_ms, event.traded_ms)
    ledger.changes.parents[parent.parent_id] = parent
