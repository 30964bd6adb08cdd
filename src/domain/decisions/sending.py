"""How a decision sends an order or asks for its end: first the record, then, after the commit, the request."""

from typing import Final

from src.domain.decisions.effects import CancelOrder, SubmitOrder
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.orders.client_order_ids import client_order_id
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder, ParentTicket
from src.domain.orders.ticket import OrderTicket, make_attempt
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.risk.review import Approved, Denied, review


def submit(step: Step, approved: Approved, signal: e.SignalNote | None = None) -> None:
    """Turn an approved ticket into an order with its one attempt; venue time and window are fixed here."""
    account, session = step.ledger.account, step.ledger.session
    name = client_order_id(account.namespace, account.epoch, account.next_sequence)
    attempt = make_attempt(name, step.now.venue_ms, step.policy.recv_window_ms)
    session_id = session.id if session is not None else ""
    step.emit(e.make_order_intended(account.next_intent, approved.ticket, attempt, session_id, signal))
    step.do(SubmitOrder(approved.ticket, attempt))


def record_parent(step: Step, ticket: ParentTicket) -> ParentOrder:
    """Write a parent order down; its children follow."""
    account, session = step.ledger.account, step.ledger.session
    name = client_order_id(account.namespace, account.epoch, account.next_sequence, PARENT_ATTEMPT)
    session_id = session.id if session is not None else ""
    step.emit(e.ParentOpened(name, account.next_intent, ticket, session_id))
    return step.ledger.parents[name]


# A number that no attempt has: parents are named like orders, and never taken for one.
PARENT_ATTEMPT: Final = 0


def send_child(step: Step, parent: ParentOrder, ticket: OrderTicket) -> Denied | None:
    """Review a child and send it; what its parent has reserved for it is not counted twice."""
    reserved = min(ticket.quantity, parent.reserved_quantity)
    verdict = review(
        step.ledger, step.view, step.policy.limits, ticket, step.now.session_ms, reserved=reserved
    )
    if isinstance(verdict, Approved):
        submit(step, verdict)
        return None
    return verdict


def cancel(step: Step, order: Order, reason: str) -> None:
    """Record the wish to end an order and send the request after the commit."""
    step.emit(e.CancelRequested(order.client_order_id, reason))
    step.do(cancel_effect(order))


def cancel_entries(step: Step, reason: str, *, symbol: str = "", exits: bool = False) -> None:
    """Ask for the end of every open order that may grow a position, and of resting exits if these are to go too.

    Of one symbol, if one is named. Protective orders stay, and so does an emergency close, which stands for a stop. An
    entry that the exchange calls filled has nothing to end; a stop asks all the same, and so waits for its trades.
    """
    for order in list(step.ledger.orders.values()):
        may_fill = exits or order.claimed_quantity < order.quantity_max
        may_open = may_fill and not order.ticket.reduce_only
        ends = may_open or (exits and order.ticket.purpose is Purpose.EXIT)
        ends = ends and symbol in ("", order.symbol)
        if ends and order.is_open and order.cancel_state is CancelState.NONE:
            cancel(step, order, reason)


def cancel_effect(order: Order) -> CancelOrder:
    """The request; a triggered conditional order is an ordinary one by now."""
    waiting = order.status in (OrderStatus.PENDING_NEW, OrderStatus.NEW)
    return CancelOrder(
        order.symbol, order.client_order_id, order.ticket.order_type.is_conditional and waiting
    )


def is_due_again(step: Step, order: Order) -> bool:
    """Whether to repeat a cancel that has had no effect, asked once a second: soon every time, later every tenth.

    Each refusal leads to a comparison of everything, and an exchange may refuse for hours: an order that hangs in its
    trigger cannot be canceled (seen on Binance's demo venue in October 2026).
    """
    waited_ms = step.now.session_ms - step.ledger.cancels.get(order.client_order_id, step.now.session_ms)
    return waited_ms < PATIENT_AFTER_MS or waited_ms % PATIENT_EVERY_MS < LOOK_MS


PATIENT_AFTER_MS = 10_000
PATIENT_EVERY_MS = 10_000
LOOK_MS = 1_000
