"""Orders that were sent around the session become its own: intent, attempt and outcome, as if it had sent them.

Nothing is sent here, and nothing is concluded that the records do not prove. An attempt without an outcome, or with one
that nobody knows, stays open: the read of the exchange that follows finds it, or begins to doubt it, as after a crash.
"""

from dataclasses import replace

from src.domain.decisions import news as n
from src.domain.decisions.alarms import halt
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.orders.emergency import EmergencyOrder
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import UNRESOLVED
from src.domain.risk.rules import MANUAL


def import_emergency(step: Step, news: n.ImportEmergency) -> None:
    """Take over what is not known yet, each order once; records that were lost halt trading."""
    for order in news.orders:
        if order.client_order_id not in step.ledger.orders:
            _intend(step, order)
        _conclude(step, order)
    if news.damage:
        step.emit(e.AlarmRaised("side journal", news.damage))
        halt(step, f"the side journal is damaged: {news.damage}")


def _intend(step: Step, order: EmergencyOrder) -> None:
    account, session = step.ledger.account, step.ledger.session
    ticket = replace(order.ticket, strategy_id=_owner(step, order.ticket))
    session_id = session.id if session is not None else ""
    step.emit(e.OrderIntended(account.next_intent, ticket, order.attempt, session_id))
    text = (
        f"{order.client_order_id} was sent in an emergency, around the session: {ticket.side.value} "
        f"{ticket.quantity:f} {ticket.symbol}"
    )
    step.emit(e.AlarmRaised(ticket.symbol, text))


def _owner(step: Step, ticket: OrderTicket) -> str:
    """Whose position it closes: whoever sent it had no ledger to look into."""
    position = step.ledger.position(ticket.symbol, ticket.position_side)
    return MANUAL if position.is_flat else position.strategy_id


def _conclude(step: Step, order: EmergencyOrder) -> None:
    known = step.ledger.orders[order.client_order_id]
    if order.trigger is None or order.is_unknown or known.attempt_state not in UNRESOLVED:
        return
    step.emit(
        e.AttemptMoved(
            order.client_order_id,
            order.trigger,
            order.exchange_order_id,
            code=order.code,
            reason=order.reason,
        )
    )
