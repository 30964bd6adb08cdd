"""Decisions about our own orders: new ones, the outcomes of their transmission, and their cancellation.

Three things may become of a transmission: it happened (accepted), it did not (refused, not sent), or nobody knows.
An order of unknown outcome keeps its reservation and restricts its symbol until evidence settles it; it is never
sent again.
"""

from src.domain.decisions import news as n
from src.domain.decisions.alarms import breach, restrict
from src.domain.decisions.effects import Reconcile
from src.domain.decisions.protection import protect, protective_refused
from src.domain.decisions.refusals import deny
from src.domain.decisions.sending import submit
from src.domain.decisions.step import Step
from src.domain.decisions.watch import forgo_openings
from src.domain.ledger import events as e
from src.domain.orders import news as o
from src.domain.orders.order import Order
from src.domain.orders.transitions import (
    ATTEMPT_TRANSITIONS,
    BURIED,
    UNRESOLVED,
    AttemptState,
    AttemptTrigger,
    CancelState,
)
from src.domain.risk.rules.rates import RepeatedExecution
from src.domain.sessions.trading_states import SymbolState

UNKNOWN_OUTCOME = "an order's outcome is unknown"


def place_order(step: Step, news: n.PlaceOrder) -> None:
    """Record the intent with its one attempt, and send it after the commit."""
    submit(step, news.approved, news.signal)


def refuse_order(step: Step, news: n.RefuseOrder) -> None:
    """Keep the refusal; a strategy in a loop closes its symbol until a person opens it again, where that is wanted."""
    deny(step, news.denied)
    objection, symbol = news.denied.objection, news.denied.ticket.symbol
    looping = objection.rule == RepeatedExecution.name and step.policy.limits.repeated_execution_closes
    if looping and step.ledger.symbol(symbol).state is not SymbolState.CLOSED:
        restrict(step, symbol, f"{news.denied.ticket.strategy_id} repeats itself: {objection.text}")


def submit_accepted(step: Step, news: o.Accepted) -> None:
    """The exchange took it. The stream may have said so before."""
    order = step.ledger.orders.get(news.client_order_id)
    if order is None:
        return
    if AttemptTrigger.ACCEPTED not in ATTEMPT_TRANSITIONS[order.attempt_state]:
        breach(step, order)
        return
    knows = news.exchange_order_id in (None, order.exchange_order_id) and news.algo_id in (
        None,
        order.algo_id,
    )
    if order.attempt_state is AttemptState.ACKED and knows:
        return
    step.emit(
        e.make_attempt_moved(
            news.client_order_id, AttemptTrigger.ACCEPTED, news.exchange_order_id, news.algo_id
        )
    )
    settle_unknown(step, order.symbol)
    if order.ticket.purpose.is_protective:
        protect(step, order.symbol, order.ticket.position_side)


def submit_refused(step: Step, news: o.Refused) -> None:
    """The exchange said no: the reservation is released; a refused protective order has a successor."""
    order = step.ledger.orders.get(news.client_order_id)
    if order is None or order.attempt_state in BURIED:
        return
    if AttemptTrigger.REFUSED not in ATTEMPT_TRANSITIONS[order.attempt_state]:
        # Accepted by one channel and refused by the other: we no longer understand the order.
        restrict(step, order.symbol, f"{order.client_order_id} was accepted and refused ({news.code})")
        return
    step.emit(
        e.AttemptMoved(
            news.client_order_id,
            AttemptTrigger.REFUSED,
            code=news.code,
            reason=f"{news.message} ({news.code})",
        )
    )
    settle_unknown(step, order.symbol)
    if order.ticket.purpose.is_protective:
        protective_refused(step, order, news.code)
        forgo_openings(step, order)
    elif order.ticket.reduce_only:
        # The position is not what we think it is; until we know, it keeps a stop.
        step.do(Reconcile(f"{order.client_order_id}, which only reduces, was refused ({news.code})"))
        protect(step, order.symbol, order.ticket.position_side)


def submit_unknown(step: Step, news: o.OutcomeUnknown) -> None:
    """Nobody knows: hold the reservation, restrict the symbol, ask the exchange."""
    order = step.ledger.orders.get(news.client_order_id)
    if order is not None and order.attempt_state is AttemptState.OPEN:
        lose(step, order, news.reason)
        step.do(Reconcile(f"the outcome of {order.client_order_id} is unknown"))


def lose(step: Step, order: Order, reason: str) -> None:
    """Mark an attempt as of unknown outcome and restrict its symbol."""
    name = order.client_order_id
    step.emit(e.AttemptMoved(name, AttemptTrigger.LOST, reason=reason))
    step.emit(e.AlarmRaised(name, f"the outcome of {name} is unknown, its reservation stands: {reason}"))
    if step.ledger.symbol(order.symbol).state is SymbolState.TRADING:
        step.emit(e.SymbolMoved(order.symbol, SymbolState.REDUCE_ONLY, UNKNOWN_OUTCOME))
    if order.ticket.reduce_only:
        protect(step, order.symbol, order.ticket.position_side)


def submit_not_sent(step: Step, news: o.NotSent) -> None:
    """No byte left this process, which alone can know: the attempt is dead at once.

    A protective order is tried again by the watchdog: what could not be sent now could not be sent at once either.
    """
    order = step.ledger.orders.get(news.client_order_id)
    if order is None or order.attempt_state not in UNRESOLVED:
        return
    step.emit(e.AttemptMoved(news.client_order_id, AttemptTrigger.NOT_SENT, reason=news.reason))
    settle_unknown(step, order.symbol)


def settle_unknown(step: Step, symbol: str) -> None:
    """Free a symbol that was restricted for an unknown outcome, once none is left in it."""
    book = step.ledger.symbol(symbol)
    if book.state is not SymbolState.REDUCE_ONLY or book.reason != UNKNOWN_OUTCOME:
        return
    unknown = AttemptState.UNKNOWN
    if not any(
        o.symbol == symbol and o.attempt_state is unknown and o.is_open for o in step.ledger.orders.values()
    ):
        step.emit(e.SymbolMoved(symbol, SymbolState.TRADING, ""))


def cancel_accepted(step: Step, news: o.CancelAccepted) -> None:
    """The end itself comes by event or query; until then the reservation stands."""


def cancel_refused(step: Step, news: o.CancelRefused) -> None:
    """Not open, or never seen: ask, never infer."""
    order = step.ledger.orders.get(news.client_order_id)
    if order is not None and order.is_open and order.cancel_state is CancelState.REQUESTED:
        step.do(Reconcile(f"the cancel of {order.client_order_id} was refused ({news.code})"))


def cancel_unknown(step: Step, news: o.CancelUnknown) -> None:
    """A cancel may be repeated freely; the watchdog does so."""
