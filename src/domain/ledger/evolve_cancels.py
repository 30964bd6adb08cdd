"""How the wish to end an order changes, and since when it has waited for an effect."""

from src.domain.ledger import events as e
from src.domain.ledger.state import Ledger
from src.domain.orders.transitions import CANCEL_TRANSITIONS, CancelState, CancelTrigger
from src.domain.shared.transitions import next_state


def cancel_requested(ledger: Ledger, event: e.CancelRequested, at_ms: int) -> None:
    """A cancel is on its way."""
    order = ledger.orders[event.client_order_id]
    order.cancel_state = next_state(CANCEL_TRANSITIONS, order.cancel_state, CancelTrigger.REQUEST)
    ledger.cancels[event.client_order_id] = at_ms
    ledger.changes.orders[order.client_order_id] = order


def heard_of(ledger: Ledger, client_order_id: str, at_ms: int) -> None:
    """There is news of an order: what it is now may be easier to end than what it was."""
    if client_order_id in ledger.cancels:
        ledger.cancels[client_order_id] = at_ms


def begin_anew(ledger: Ledger, at_ms: int) -> None:
    """Another process goes on with what the last one wished."""
    wished = [o for o in ledger.orders.values() if o.cancel_state is CancelState.REQUESTED]
    ledger.cancels = {order.client_order_id: at_ms for order in wished}
