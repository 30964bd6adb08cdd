"""Decisions about an OCO: one leg of the pair is to fill, and the other gives way to it."""

from dataclasses import replace
from decimal import Decimal

from src.domain.decisions.amending import amend, objection_to_amending
from src.domain.decisions.refusals import deny
from src.domain.decisions.sending import cancel, send_child
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder, ParentTrigger
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import AttemptState, CancelState
from src.domain.orders.types import OrderStatus, OrderType


def work_pair(step: Step, parent: ParentOrder) -> None:
    """One leg is to fill. The end of a leg that we did not ask for ends the other; a part shrinks it.

    An entry at the market that has triggered is as good as filled, and what it trades may be heard of late.
    """
    legs = [order for order in parent.children.values() if order.is_open]
    replaced = parent.children.get(parent.replaced)
    if not legs or (len(legs) < 2 and not parent.replaced):
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.CANCEL, "one of its legs ended"))
        for leg in parent.children.values():
            if leg.status in _TURNED_AWAY:
                _say_that_none_stands(step, parent, f"{leg.client_order_id} {leg.status}: {leg.reason}")
    elif len(legs) < 2 and replaced is not None and not replaced.is_open and parent.ticket.reduce_only:
        _replace_leg(step, parent, replaced.ticket)
    elif parent.filled_quantity:
        for leg in legs:
            _shrink(step, parent, leg)
    elif not parent.ticket.reduce_only and any(_has_fired(leg) for leg in legs):
        for leg in legs:
            if not _has_fired(leg):
                _give_way(step, parent, leg, "the other leg has triggered")


# Ended by the exchange: nobody who watches the session asked for it.
_TURNED_AWAY = frozenset({OrderStatus.REJECTED, OrderStatus.EXPIRED})


def _say_that_none_stands(step: Step, parent: ParentOrder, why: str) -> None:
    """Whoever placed a pair of exits counts on a target that is not there any more."""
    if parent.ticket.reduce_only:
        text = f"the OCO exit of {parent.ticket.symbol} ends, neither of its legs stands any more: {why}"
        step.emit(e.AlarmRaised(parent.parent_id, text))


def _left(parent: ParentOrder) -> Decimal:
    """What the pair may still fill, base asset: claims of ended legs are as good as filled."""
    claimed = sum(
        (o.claimed_quantity - o.filled_quantity for o in parent.children.values() if not o.is_open), ZERO
    )
    return parent.ticket.quantity - parent.filled_quantity - claimed


def _shrink(step: Step, parent: ParentOrder, leg: Order) -> None:
    """Make a leg no larger than what is left of the pair.

    An entry goes on with the leg that fills, and the other ends. What rests is amended, in an entry both of whose legs
    have filled; an exit that waits for its trigger cannot be amended, so it is ended and placed anew with what is left.
    """
    left = _left(parent)
    if leg.remaining_quantity <= left or leg.cancel_state is CancelState.REQUESTED:
        return
    exits = parent.ticket.reduce_only
    if not exits and not leg.filled_quantity:
        _give_way(step, parent, leg, "the other leg fills")
    elif leg.ticket.order_type is OrderType.LIMIT:
        _amend_down(step, parent, leg, left)
    elif not exits:
        cancel(step, leg, "the other leg fills")
    elif _waits(leg):
        _give_way(step, parent, leg, "the other leg fills: what is left is placed anew")


def _amend_down(step: Step, parent: ParentOrder, leg: Order, left: Decimal) -> None:
    """Ask for ``left`` (base asset) of a resting leg to remain; one that the exchange would not take so is ended."""
    instrument = step.view.instrument(leg.symbol)
    total, price = leg.filled_quantity + left, leg.ticket.limit_price
    if instrument is None or price is None:
        return
    if instrument.objection_to(total, price, price, parent.ticket.reduce_only) is not None:
        cancel(step, leg, "the other leg fills")
    elif step.now.session_ms >= parent.next_ms and objection_to_amending(leg, price, total) is None:
        amend(step, leg, price, total, "the other leg fills")


def _give_way(step: Step, parent: ParentOrder, leg: Order, why: str) -> None:
    """End a leg in favour of the other, without ending the pair."""
    if not parent.replaced and leg.cancel_state is CancelState.NONE:
        step.emit(e.LegReplaced(parent.parent_id, leg.client_order_id))
        cancel(step, leg, why)


def _has_fired(leg: Order) -> bool:
    return leg.status is OrderStatus.TRIGGERED and leg.ticket.limit_price is None


def _waits(leg: Order) -> bool:
    return leg.status is OrderStatus.NEW and leg.attempt_state is AttemptState.ACKED


def _replace_leg(step: Step, parent: ParentOrder, ticket: OrderTicket) -> None:
    left = _left(parent)
    if left <= 0:
        return
    denied = send_child(step, parent, replace(ticket, quantity=left))
    if denied is not None:
        deny(step, denied)
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.CANCEL, denied.objection.text))
        _say_that_none_stands(step, parent, denied.objection.text)
