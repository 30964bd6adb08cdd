"""How the protection of a position changes: what a person wishes, and how often the exchange turned it away."""

from src.domain.ledger import events as e
from src.domain.ledger.state import Ledger, Refusals
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState, AttemptTrigger
from src.domain.orders.types import Purpose


def protection_waived(ledger: Ledger, event: e.ProtectionWaived, at_ms: int) -> None:
    """There is to be no stop, or no target, for as long as the position is held."""
    position = ledger.position(event.symbol, event.position_side)
    if event.purpose is Purpose.PROTECTIVE_STOP:
        position.stop_waived = True
    else:
        position.target_waived = True
    ledger.changes.positions[(event.symbol, event.position_side)] = position


def protection_restored(ledger: Ledger, event: e.ProtectionRestored, at_ms: int) -> None:
    """There is to be protection again, where this says so."""
    position = ledger.position(event.symbol, event.position_side)
    position.stop_waived = position.target_waived = False
    if event.stop_loss_price is not None:
        position.stop_loss_price = event.stop_loss_price
    if event.take_profit_price is not None:
        position.take_profit_price = event.take_profit_price
    ledger.changes.positions[(event.symbol, event.position_side)] = position


def count_refusals(ledger: Ledger, order: Order, event: e.AttemptMoved, at_ms: int) -> None:
    """How often in a row the exchange has turned a stop away without a word about its price: tried again later."""
    key = (order.symbol, order.ticket.position_side)
    if event.trigger is AttemptTrigger.REFUSED and (
        event.code in TRANSIENT_REFUSALS or _another_stands(ledger, order)
    ):
        known = ledger.refusals.get(key)
        count = 1 if known is None else known.count + 1
        pause_ms = min(RETRY_MS_MAX, RETRY_MS << min(count - 1, 8))
        ledger.refusals[key] = Refusals(count, at_ms + pause_ms)
    elif event.trigger in (AttemptTrigger.ACCEPTED, AttemptTrigger.FOUND):
        ledger.refusals.pop(key, None)


def _another_stands(ledger: Ledger, refused: Order) -> bool:
    """Whether the refused order was to take the place of one that stands: then there is no hurry to try again."""
    return any(
        order.is_open
        and order.attempt_state is AttemptState.ACKED
        and order.ticket.purpose is refused.ticket.purpose
        and (order.symbol, order.ticket.position_side) == (refused.symbol, refused.ticket.position_side)
        for order in ledger.orders.values()
    )


RETRY_MS = 500
RETRY_MS_MAX = 8_000
# Too many requests, overload, a clock that is off: the order was fine, the moment was not.
TRANSIENT_REFUSALS = frozenset({-1003, -1008, -1015, -1021, -5028, 418, 429})
