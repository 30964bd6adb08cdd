"""Decisions about the end of orders that a person wants: one, all of them, or a parent with its children.

Protective orders of a held position are no orders like others. A person may end one, and that is remembered: the
position is deliberately without it, which is said aloud, until somebody wants it back.
"""

from src.domain.decisions import news as n
from src.domain.decisions.protection import protect
from src.domain.decisions.protective_terms import counts
from src.domain.decisions.sending import cancel
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder, ParentTrigger
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import Purpose


def request_cancel(step: Step, news: n.RequestCancel) -> None:
    """Ask for an order's end, durably; asking again is harmless."""
    order = step.ledger.orders.get(news.client_order_id)
    if order is None or not order.is_open:
        return
    _waive(step, order, news.reason)
    cancel(step, order, news.reason)


def request_cancel_all(step: Step, news: n.RequestCancelAll) -> None:
    """Ask for the end of every order of a symbol, or of all; parents end with their children.

    Protective orders of held positions stay unless ``protective`` says so, and so does an emergency close: it stands
    where a stop should.
    """
    for parent in list(step.ledger.parents.values()):
        if news.symbol in (None, parent.ticket.symbol):
            end_parent(step, parent, ParentTrigger.CANCEL, news.reason)
    for order in list(step.ledger.orders.values()):
        if news.symbol not in (None, order.symbol) or not order.is_open:
            continue
        guards = _guards(step, order) or order.ticket.purpose is Purpose.EMERGENCY
        if order.cancel_state is CancelState.REQUESTED or (guards and not news.protective):
            continue
        _waive(step, order, news.reason)
        cancel(step, order, news.reason)


def request_protection(step: Step, news: n.RequestProtection) -> None:
    """A position is to have its stop and target again, at new prices if they are given; ValueError when it is flat."""
    position = step.ledger.position(news.symbol, news.position_side)
    if position.is_flat or position.misses_a_trade:
        raise ValueError(f"there is no position in {news.symbol} to protect")
    step.emit(
        e.ProtectionRestored(news.symbol, news.position_side, news.stop_loss_price, news.take_profit_price)
    )
    protect(step, news.symbol, news.position_side)


def remind_of_waived(step: Step) -> None:
    """Say at every start which positions stand without a stop because somebody wanted it so."""
    for position in step.ledger.positions.values():
        if not position.is_flat and position.stop_waived:
            text = f"the position in {position.symbol} is still without a stop because somebody wanted it so"
            step.emit(e.AlarmRaised(position.symbol, text))


def move_parent(step: Step, news: n.MoveParent) -> None:
    """Pause, resume or cancel a parent; LookupError when there is none at work."""
    parent = step.ledger.parents.get(news.parent_id)
    if parent is None or parent.status.is_over:
        raise LookupError(f"there is no parent order {news.parent_id} at work")
    step.emit(e.ParentMoved(parent.parent_id, news.trigger, news.reason))


def end_parent(step: Step, parent: ParentOrder, trigger: ParentTrigger, reason: str) -> None:
    """Bring a parent that is at work to its end; its children are seen to when the news is worked off."""
    if parent.is_working:
        step.emit(e.ParentMoved(parent.parent_id, trigger, reason))


def _guards(step: Step, order: Order) -> bool:
    """Whether the order protects something that is held, or that may be: a trade of it is missing."""
    position = step.ledger.position(order.symbol, order.ticket.position_side)
    guards = position.misses_a_trade or (not position.is_flat and position.side is not order.side)
    return order.ticket.purpose.is_protective and guards


def _has_another(step: Step, order: Order) -> bool:
    """Whether the position keeps an order of the same purpose that can be relied on."""
    ticket = order.ticket
    return any(
        other is not order
        and other.is_open
        and other.ticket.purpose is ticket.purpose
        and (other.symbol, other.ticket.position_side) == (ticket.symbol, ticket.position_side)
        and counts(other)
        for other in step.ledger.orders.values()
    )


def _waive(step: Step, order: Order, reason: str) -> None:
    """Remember that a position is to be without, unless what is to end is not, or not known to be, what guards it."""
    purpose, side = order.ticket.purpose, order.ticket.position_side
    is_known = counts(order) and not step.ledger.position(order.symbol, side).misses_a_trade
    if not _guards(step, order) or not is_known or _has_another(step, order):
        return
    step.emit(e.ProtectionWaived(order.symbol, side, purpose, reason))
    what = "stop" if purpose is Purpose.PROTECTIVE_STOP else "target"
    text = f"the position in {order.symbol} is without a {what} because somebody wants it so ({reason})"
    step.emit(e.AlarmRaised(order.symbol, text))
