"""What a read of the exchange does not show, and what follows from that.

Only a promise of the exchange turns the absence of a trace into a negative conclusion. The stream may have told more
since the exchange was asked: what it told stands.
"""

from typing import Final

from src.domain.decisions import news as n
from src.domain.decisions.alarms import restrict
from src.domain.decisions.orders import lose, settle_unknown
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.orders.order import Order
from src.domain.orders.transitions import UNRESOLVED, AttemptState, AttemptTrigger, OrderTrigger

FORGOTTEN: Final = "the exchange has forgotten it: it ended without a fill, and nobody heard of it"


def merge_absences(step: Step, news: n.ExchangeRead) -> None:
    """Conclude what a whole read says of the orders that it does not show."""
    orders, proofs = step.ledger.orders, dict(news.proofs)
    for name in news.dead:
        order = orders.get(name)
        if order is not None and order.attempt_state in UNRESOLVED:
            reason = proofs.get(name, "no trace at the exchange")
            step.emit(e.AttemptMoved(name, AttemptTrigger.PROVEN_DEAD, reason=reason))
            settle_unknown(step, order.symbol)
    for name in news.lost:
        order = orders.get(name)
        if order is not None and order.attempt_state is AttemptState.OPEN:
            lose(step, order, "no trace yet")
    for name in (*news.forgotten, *news.vanished):
        order = orders.get(name)
        if order is not None and order.is_open:
            _ended_unheard(step, order, is_expected=name in news.forgotten)


def _ended_unheard(step: Step, order: Order, *, is_expected: bool) -> None:
    """An order that was accepted is not shown any more.

    If it is old enough to be forgotten, it has ended without a fill: trades are remembered for longer. If it is not, we
    do not understand the exchange: what may open a position stays reserved and its symbol is closed. What only closes
    counts as ended in either case: another one in its place is safe, and a position is never left naked.
    """
    name = order.client_order_id
    text = f"{name} was accepted, and the exchange no longer shows it"
    if is_expected:
        step.emit(e.AlarmRaised(name, f"{name} is not shown any more: {FORGOTTEN}"))
    elif step.ledger.symbol(order.symbol).reason != text:
        # Each cancel that is refused leads to a read, and each read finds the same.
        restrict(step, order.symbol, text)
    if is_expected or order.ticket.reduce_only:
        step.emit(
            e.make_order_moved(
                name,
                OrderTrigger.EXPIRE,
                order.claimed_quantity,
                step.now.venue_ms,
                None,
                None,
                FORGOTTEN,
            )
        )
