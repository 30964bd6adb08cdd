"""How an order is sent that can only shrink a position: after the short review, and never in a storm."""

from typing import Final

from src.domain.decisions.alarms import restrict
from src.domain.decisions.sending import submit
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.ledger.state import RECENT_WINDOW_MS
from src.domain.orders.ticket import OrderTicket
from src.domain.risk.review import Approved, review_reducing
from src.domain.sessions.trading_states import SymbolState

STORM_PER_MINUTE: Final = 100
STORM_PAUSE_MS: Final = 1_000


def send_reducing(step: Step, ticket: OrderTicket) -> None:
    """Send an order that can only shrink a position, after the short review."""
    if _in_a_storm(step, ticket):
        return
    verdict = review_reducing(step.ledger, ticket)
    if not isinstance(verdict, Approved):
        step.emit(e.AlarmRaised(ticket.symbol, f"a protective order was held back: {verdict.objection.text}"))
        return
    submit(step, verdict)


def _in_a_storm(step: Step, ticket: OrderTicket) -> bool:
    """Whether so many such orders went out within a minute that the next one has to wait.

    An exchange that refuses or loses whatever we send would otherwise be asked in a loop. The bound is well above
    what the entries that a minute allows can need. The symbol is closed for entries; protection is tried again every
    second, for as long as it takes.
    """
    since = step.now.session_ms - RECENT_WINDOW_MS
    times = [
        order.at_ms
        for order in step.ledger.recent_orders
        if order.symbol == ticket.symbol and order.purpose is ticket.purpose and order.at_ms > since
    ]
    if len(times) < STORM_PER_MINUTE:
        return False
    if step.ledger.symbol(ticket.symbol).state is not SymbolState.CLOSED:
        text = (
            f"{len(times)} orders to protect {ticket.symbol} within a minute: something refuses or loses them"
        )
        restrict(step, ticket.symbol, text)
    return step.now.session_ms - times[-1] < STORM_PAUSE_MS
