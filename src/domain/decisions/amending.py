"""Decisions about amendments: another price and total quantity for a resting limit order.

An amendment is stored before it is sent and sent once. Its outcome is accepted, refused or unknown, and whatever is
unknown is settled by looking at the order: as it was asked to be, or as it was when the amendment could no longer
arrive. A read may be older than it looks: what proves is the exchange's own date, or its promise about reads. Until
then the worse of both is reserved, and there is no second amendment (the exchange refuses one upon another, -5043).
"""

from dataclasses import replace
from decimal import Decimal

from src.domain.decisions import news as n
from src.domain.decisions.alarms import restrict
from src.domain.decisions.effects import ModifyOrder, Reconcile
from src.domain.decisions.refusals import deny
from src.domain.decisions.sending import cancel_effect
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.orders import news as o
from src.domain.orders.order import Order
from src.domain.orders.soundness import misplaced_protection
from src.domain.orders.ticket import SIGNED_AHEAD_MS, Amendment, OrderTicket
from src.domain.orders.transitions import AttemptState, CancelState, ModifyState, ModifyTrigger
from src.domain.orders.types import OrderStatus, OrderType
from src.domain.risk.review import Denied, review, review_reducing
from src.domain.risk.rules import Objection

# How long after its deadline an amendment may still arrive, as far as the exchange is trusted, ms of venue time.
SETTLING_MS = 5_000


def request_modify(step: Step, news: n.RequestModify) -> None:
    """Review the order as it would be, record the wish and send it after the commit.

    Raises LookupError for an order that is not open, and ValueError, with nothing changed, for one that cannot be
    amended as asked.
    """
    order = step.ledger.orders.get(news.client_order_id)
    if order is None or not order.is_open:
        raise LookupError(f"order {news.client_order_id} is not open")
    if order.ticket.parent_id is not None:
        raise ValueError(
            f"{order.client_order_id} is a part of {order.ticket.parent_id}: cancel or pause that"
        )
    price = news.limit_price if news.limit_price is not None else order.ticket.limit_price
    quantity = news.quantity if news.quantity is not None else order.ticket.quantity
    objection = objection_to_amending(order, price, quantity)
    if objection is not None:
        raise ValueError(objection)
    assert price is not None, "a limit order has a limit price"
    wanted = replace(order.ticket, limit_price=price, quantity=quantity)
    if (misplaced := misplaced_protection(wanted)) is not None:
        raise ValueError(misplaced)
    denied = _reviewed(step, order, wanted)
    if denied is None:
        amend(step, order, price, quantity, news.reason)
    else:
        deny(step, denied)


def objection_to_amending(order: Order, price: Decimal | None, quantity: Decimal) -> str | None:
    """Why the order cannot be amended so now, in one line; None when it can."""
    name = order.client_order_id
    if order.ticket.order_type is not OrderType.LIMIT:
        return f"{name} is {order.ticket.order_type.value}: only LIMIT orders are modified, cancel and place anew"
    if order.attempt_state is not AttemptState.ACKED:
        return f"{name} is not acknowledged yet: wait until it is"
    if order.cancel_state is CancelState.REQUESTED:
        return f"{name} is being canceled"
    if order.modify_state is not ModifyState.NONE:
        return f"another amendment of {name} is not settled yet: wait until it is"
    if quantity <= order.filled_quantity:
        return f"{order.filled_quantity:f} of {name} is filled: the new quantity must be larger, or cancel it"
    if (price, quantity) == (order.ticket.limit_price, order.ticket.quantity):
        return f"{name} is already {quantity:f} at {price:f}"
    return None


def amend(step: Step, order: Order, price: Decimal, quantity: Decimal, reason: str) -> None:
    """Record an amendment and send it after the commit; the caller has asked :func:`objection_to_amending`."""
    wish = Amendment(
        order.symbol,
        order.side,
        order.client_order_id,
        price,
        quantity,
        step.now.venue_ms,
        step.policy.recv_window_ms,
    )
    step.emit(e.ModifyRequested(order.client_order_id, price, quantity, wish.deadline_ms, reason))
    step.do(ModifyOrder(wish, order.ticket.reduce_only))


def _reviewed(step: Step, order: Order, wanted: OrderTicket) -> Denied | None:
    """The objection to the order as it would be; what it has reserved already is not counted twice."""
    instrument = step.view.instrument(order.symbol)
    if wanted.reduce_only:
        text = instrument and instrument.objection_to(
            wanted.quantity, wanted.limit_price, wanted.reference_price, True
        )
        if text:
            return Denied(wanted, Objection("filters", f"{wanted.quantity:f}", "exchange filter", text))
        more = wanted.quantity - order.exposed_quantity
        verdict = review_reducing(step.ledger, replace(wanted, quantity=more)) if more > 0 else None
    else:
        reserved = min(wanted.quantity, order.exposed_quantity)
        verdict = review(
            step.ledger, step.view, step.policy.limits, wanted, step.now.session_ms, reserved=reserved
        )
    return verdict if isinstance(verdict, Denied) else None


def modify_accepted(step: Step, news: o.ModifyAccepted) -> None:
    """The exchange took it, and says how the order was then; it is asked where something newer is known."""
    order = step.ledger.orders.get(news.client_order_id)
    if order is None or not is_as_wanted(order, news.limit_price, news.quantity):
        return
    if news.at_ms < order.updated_ms:
        modify_unknown(step, o.ModifyUnknown(order.client_order_id, "something newer is known of the order"))
    else:
        step.emit(e.ModifyMoved(order.client_order_id, ModifyTrigger.DONE, at_ms=news.at_ms))


def modify_refused(step: Step, news: o.ModifyRefused) -> None:
    """It did not happen. The order stands as it stood, or it is over: ask, never infer."""
    order = step.ledger.orders.get(news.client_order_id)
    if order is None or order.modify_state is ModifyState.NONE:
        return
    text = f"{news.message} ({news.code})"
    step.emit(e.ModifyMoved(order.client_order_id, ModifyTrigger.NOT_DONE, text))
    step.do(Reconcile(f"the amendment of {order.client_order_id} was refused ({news.code})"))
    if order.ticket.parent_id in step.ledger.parents:
        assert order.ticket.parent_id is not None, "it was looked up"
        later_ms = step.now.session_ms + SETTLING_MS
        step.emit(e.ChildHeldBack(order.ticket.parent_id, later_ms, f"an amendment was refused: {text}"))


def modify_unknown(step: Step, news: o.ModifyUnknown) -> None:
    """Nobody knows: read the order back."""
    order = step.ledger.orders.get(news.client_order_id)
    if order is not None and order.modify_state is ModifyState.REQUESTED:
        step.emit(e.ModifyMoved(order.client_order_id, ModifyTrigger.LOST, news.reason))
        step.do(Reconcile(f"the amendment of {order.client_order_id} is of unknown outcome"))


def recognise_terms(step: Step, order: Order, report: o.OrderReport, *, is_read: bool) -> None:
    """A sighting of an order says its price and total quantity: by an amendment of ours, or else by somebody's.

    Somebody's counts at once, also while one of ours is under way: never less is reserved than may be filled. An event
    of the millisecond that is known already may be from before what is known: then the exchange is asked.
    """
    if order.modify_deadline_ms is not None:
        _recognise_amendment(step, order, report, order.modify_deadline_ms)
    if is_as_wanted(order, report.limit_price, report.quantity) or not _differs(order, report):
        return
    if is_read or report.updated_ms != order.updated_ms:
        _recognise_change(step, order, report)
    else:
        step.do(Reconcile(f"{order.client_order_id} was otherwise in the same millisecond"))


def _recognise_amendment(step: Step, order: Order, report: o.OrderReport, deadline_ms: int) -> None:
    """A sighting of an order may prove what became of its amendment.

    As it was asked to be: it happened. What is filled beyond the quantity asked for was filled before: such an
    amendment ends the order, and is not made. A word from before the amendment is none about it: the order may have
    been like this once. As it was, by a word from when the amendment could no longer arrive: it never happened.
    """
    as_it_was = (report.limit_price, report.quantity) == (order.ticket.limit_price, order.ticket.quantity)
    if (
        is_as_wanted(order, report.limit_price, report.quantity)
        and report.filled_quantity <= report.quantity
        and report.updated_ms >= _possible_since_ms(step, order, deadline_ms)
    ):
        step.emit(e.ModifyMoved(order.client_order_id, ModifyTrigger.DONE, at_ms=report.updated_ms))
    elif as_it_was and report.updated_ms > deadline_ms + SETTLING_MS:
        step.emit(_never(order, report.updated_ms))
    else:
        recognise_by_fills(step, order, report.filled_quantity, report.updated_ms)


def recognise_by_fills(step: Step, order: Order, filled_quantity: Decimal, at_ms: int) -> None:
    """More is filled than the order was for (base asset), at venue time ``at_ms``: its amendment allowed it."""
    wanted = order.wanted_quantity
    if wanted is not None and order.ticket.quantity < filled_quantity <= wanted:
        step.emit(e.ModifyMoved(order.client_order_id, ModifyTrigger.DONE, at_ms=at_ms))


def _recognise_change(step: Step, order: Order, report: o.OrderReport) -> None:
    """The exchange shows an order otherwise than it is known, and than an amendment of ours would make it: it is right.

    Only limit orders can be amended, and what a trigger has made one. What is over is not opened again: one that
    counted as filled and is open is ended, and nothing is opened in its symbol until a person has looked.
    """
    ticket, price, quantity = order.ticket, report.limit_price, report.quantity
    if price is None or not _is_newest(order, report):
        return
    name = order.client_order_id
    text = (
        f"{name} is for {quantity:f} at {price:f} and was for {ticket.quantity:f} at {ticket.limit_price:f}"
    )
    if order.is_open:
        step.emit(e.TermsChanged(name, price, quantity, report.updated_ms))
        step.emit(e.AlarmRaised(name, f"{text}: this session did not change it"))
    elif not report.status.is_terminal:
        restrict(step, order.symbol, f"{text}: it counted as filled, and is ended")
        step.do(cancel_effect(order))


def _differs(order: Order, report: o.OrderReport) -> bool:
    """Whether a limit order, or what a trigger has made one, is shown with another price or total quantity."""
    ticket, price, quantity = order.ticket, report.limit_price, report.quantity
    is_limit = ticket.limit_price is not None and report.order_type is OrderType.LIMIT
    is_told = is_limit and price is not None and bool(quantity)
    return is_told and (price, quantity) != (ticket.limit_price, ticket.quantity)


def _is_newest(order: Order, report: o.OrderReport) -> bool:
    """Whether a report of an order that has not ended unfilled is no older than anything that is known of it."""
    if order.attempt_state is not AttemptState.ACKED or not (_lives(order.status) and _lives(report.status)):
        return False
    # Of an order that is believed to be filled, nothing older can claim as much.
    is_as_filled = order.status is OrderStatus.FILLED and report.filled_quantity >= order.filled_quantity
    return is_as_filled or report.updated_ms >= order.updated_ms


def _lives(status: OrderStatus) -> bool:
    return status is OrderStatus.FILLED or not status.is_terminal


def _never(order: Order, at_ms: int = 0) -> e.ModifyMoved:
    return e.ModifyMoved(order.client_order_id, ModifyTrigger.NOT_DONE, "the order is as it was", at_ms)


def _possible_since_ms(step: Step, order: Order, deadline_ms: int) -> int:
    """The first venue millisecond at which the exchange may have made the amendment that is under way."""
    return max(order.updated_ms, deadline_ms - step.policy.recv_window_ms - SIGNED_AHEAD_MS)


def deny_amendments(step: Step, unamended: tuple[tuple[str, int], ...]) -> None:
    """Reads have proven that these never happened; one of another deadline is another one, and not meant."""
    for name, deadline_ms in unamended:
        order = step.ledger.orders.get(name)
        if order is not None and order.modify_deadline_ms == deadline_ms:
            step.emit(_never(order))


def watch_amendments(step: Step) -> None:
    """Ask again about amendments that can no longer arrive and are not settled: after 1, 2, 4, 8 … seconds."""
    for order in step.ledger.orders.values():
        deadline_ms = order.modify_deadline_ms
        if deadline_ms is None:
            continue
        late_s = (step.now.venue_ms - deadline_ms - SETTLING_MS) // 1_000
        if late_s > 0 and late_s & (late_s - 1) == 0:
            step.do(Reconcile(f"the amendment of {order.client_order_id} is overdue"))


def is_as_wanted(order: Order, price: Decimal | None, quantity: Decimal) -> bool:
    """Whether an order of this price and quantity is what an amendment under way asks for."""
    return order.modify_state is not ModifyState.NONE and (
        (order.wanted_price, order.wanted_quantity) == (price, quantity)
    )
