"""How the protection of a position changes: what a person wishes, and how often the exchange turned it away."""

from src.domain.ledger import events as e
from src.domain.ledger.state import Ledger, Refusals
from src.domain.market.sides import PositionSide
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
    """How often in a row the exchange has turned such an order away, and when it is worth trying again.

    Stops, targets and emergency closes are counted, each on their own. A stop or a target that is accepted ends the
    row; an emergency close has to trade for that.
    """
    purpose = order.ticket.purpose
    if purpose not in _COUNTED:
        return
    if purpose is Purpose.PROTECTIVE_STOP:
        _count_unprotected(ledger, order, event)
    key = (order.symbol, order.ticket.position_side, purpose)
    if event.trigger is AttemptTrigger.REFUSED:
        count = _row(ledger, key) + 1
        broke = count == 1 and purpose is Purpose.PROTECTIVE_STOP and event.code in BROKEN_FILTERS
        pause_ms = FILTERS_MS if broke else min(RETRY_MS_MAX, RETRY_MS << min(count - 1, 8))
        ledger.refusals[key] = Refusals(
            count, at_ms + pause_ms, event.code in TRANSIENT_REFUSALS, order.ticket if broke else None
        )
    elif event.trigger in (AttemptTrigger.ACCEPTED, AttemptTrigger.FOUND) and purpose.is_protective:
        ledger.refusals.pop(key, None)


def _count_unprotected(ledger: Ledger, order: Order, event: e.AttemptMoved) -> None:
    """How many stops in a row were refused for what they are, whichever positions they were to protect.

    One beside a stop that stands is in no row: it was to move the stop to another price, or to follow its position.
    """
    symbol = order.symbol
    if event.trigger is AttemptTrigger.REFUSED and event.code not in TRANSIENT_REFUSALS | OVERTAKEN:
        if not _has_stop(ledger, symbol, order.ticket.position_side):
            ledger.unprotected[symbol] = ledger.unprotected.get(symbol, 0) + 1
    elif event.trigger in (AttemptTrigger.ACCEPTED, AttemptTrigger.FOUND):
        ledger.unprotected.pop(symbol, None)


def _has_stop(ledger: Ledger, symbol: str, side: PositionSide) -> bool:
    """Whether the exchange has acknowledged a protective stop of the position that is still open."""
    return any(
        order.is_open and order.attempt_state is AttemptState.ACKED
        for order in ledger.orders.values()
        if order.ticket.purpose is Purpose.PROTECTIVE_STOP
        and order.symbol == symbol
        and order.ticket.position_side is side
    )


def count_vain_close(ledger: Ledger, order: Order, at_ms: int) -> None:
    """An emergency close that has ended without a trade, in a market that has none to offer, is one of the row."""
    if order.ticket.purpose is Purpose.EMERGENCY and not order.is_open and not order.claimed_quantity:
        key = (order.symbol, order.ticket.position_side, Purpose.EMERGENCY)
        ledger.refusals[key] = Refusals(_row(ledger, key) + 1, at_ms + VAIN_RETRY_MS, are_transient=False)


def _row(ledger: Ledger, key: tuple[str, PositionSide, Purpose]) -> int:
    known = ledger.refusals.get(key)
    return 0 if known is None else known.count


def forget_refusals(ledger: Ledger, symbol: str, side: PositionSide) -> None:
    """A position is closed, or smaller: what was refused was about what it was, and the next try comes at once."""
    for purpose in _COUNTED:
        ledger.refusals.pop((symbol, side, purpose), None)


RETRY_MS = 500
FILTERS_MS = 2_000
"""How long a stop that broke a filter waits for the exchange's filters to be read, at most."""
RETRY_MS_MAX = 8_000
# Nothing is wrong with an order that found nobody to trade with: the next quote may bring somebody.
VAIN_RETRY_MS = 1_000
# Too many requests, overload, a clock that is off, a market that is halted or closed: the order was fine, the moment
# was not.
TRANSIENT_REFUSALS = frozenset({-1003, -1008, -1015, -1021, -4140, -4141, -5028, 418, 429})
# The market or the position had moved on: the price was reached already, or nothing was left to reduce.
WOULD_TRIGGER = frozenset({-2021, -4142})
OVERTAKEN = WOULD_TRIGGER | {-2022, -4118}
# A price or a quantity that the exchange does not take: where ours keeps to the filters we know, they have changed.
BROKEN_FILTERS = frozenset({-1111, -1013, -4002, -4003, -4004, -4005, -4013, -4014, -4023, -4164})
_COUNTED = frozenset({Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET, Purpose.EMERGENCY})
