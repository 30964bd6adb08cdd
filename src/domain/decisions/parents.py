"""Decisions about parent orders: OCO (:mod:`pairs`), trim (:mod:`trims`), iceberg, TWAP, VWAP. Nobody else makes their
children.

After every piece of news each parent at work is looked at: what has been filled, what is still open or unknown, what
may be sent now. So a parent needs no memory of what it was about to do: a process that takes over looks and goes on.
"""

from dataclasses import replace
from decimal import Decimal

from src.domain.decisions import news as n
from src.domain.decisions.ending import end_parent
from src.domain.decisions.pairs import work_pair
from src.domain.decisions.refusals import deny
from src.domain.decisions.sending import cancel, record_parent, send_child
from src.domain.decisions.step import Step
from src.domain.decisions.trims import is_trimmed, work_trim
from src.domain.ledger import events as e
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide
from src.domain.money import ZERO
from src.domain.orders.parents import ParentKind, ParentOrder, ParentStatus, ParentTrigger
from src.domain.orders.soundness import misplaced_protection
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderType, TimeInForce
from src.domain.risk.parents import review_parent
from src.domain.risk.review import Denied, room_to_reduce
from src.domain.sessions.session import TradingSessionStatus
from src.domain.sessions.trading_states import TradingState

RETRY_MS = 5_000
_ENDING = frozenset({ParentStatus.CANCELING, ParentStatus.EXPIRING})


def open_parent(step: Step, news: n.OpenParent) -> None:
    """Review the whole, record the parent, and send the legs of an OCO; other children follow at once or in time."""
    ticket = news.ticket
    verdict = review_parent(step.ledger, step.view, step.policy.limits, ticket, step.now.session_ms)
    if isinstance(verdict, Denied):
        deny(step, verdict)
        return
    parent = record_parent(step, ticket)
    for leg in ticket.legs:
        denied = send_child(step, parent, replace(leg, parent_id=parent.parent_id))
        if denied is not None:
            deny(step, denied)
            end_parent(step, parent, ParentTrigger.CANCEL, denied.objection.text)


def work_parents(step: Step) -> None:
    """Look after every parent: called after each piece of news, and costs nothing when there is none."""
    for parent in list(step.ledger.parents.values()):
        _work(step, parent)


def _work(step: Step, parent: ParentOrder) -> None:
    whole = parent.ticket.quantity
    if parent.filled_quantity > whole and _just_filled(step, parent):
        text = f"{parent.filled_quantity:f} of {whole:f} was filled"
        step.emit(e.AlarmRaised(parent.parent_id, f"more than was asked for: {text}"))
    if parent.is_settled:
        return
    if parent.filled_quantity >= whole and not parent.status.is_over:
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.COMPLETE, "filled"))
    ends_ms = parent.ticket.end_ms
    if parent.is_working and ends_ms and step.now.session_ms >= ends_ms:
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.EXPIRE, "its time is over"))
    if parent.is_working and (why := _forbidden(step, parent)):
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.CANCEL, why))
    if parent.is_working:
        if parent.ticket.kind is ParentKind.OCO:
            work_pair(step, parent)
        elif parent.ticket.kind is ParentKind.TRIM:
            work_trim(step, parent)
        else:
            _work_algorithm(step, parent)
    if not parent.is_working:
        _end_children(step, parent)


def _just_filled(step: Step, parent: ParentOrder) -> bool:
    return any(
        isinstance(event, e.FillBooked) and event.client_order_id in parent.children for event in step.events
    )


def _forbidden(step: Step, parent: ParentOrder) -> str:
    """Why a parent has to end whatever it has done so far; empty when it need not."""
    if parent.ticket.kind is ParentKind.TRIM:
        return is_trimmed(step, parent)
    session = step.ledger.session
    if session is None or session.status in _OVER:
        return "the session stops"
    if parent.ticket.reduce_only:
        return "there is nothing left to reduce" if _is_gone(step, parent) else ""
    if step.ledger.account.trading_state is not TradingState.ACTIVE:
        return f"trading is {step.ledger.account.trading_state.value}"
    if parent.ticket.kind is ParentKind.OCO:
        return ""
    return "its position was closed" if _was_closed(step, parent) else ""


def _was_closed(step: Step, parent: ParentOrder) -> bool:
    """Whether an order on the other side has just closed what the parent has built: its stop, or somebody."""
    ticket = parent.ticket
    held = (ticket.symbol, ticket.position_side)
    return (
        bool(parent.filled_quantity)
        and step.ledger.position(*held).is_flat
        and any(
            isinstance(event, e.FillBooked)
            and (event.symbol, event.position_side) == held
            and event.side is not ticket.side
            for event in step.events
        )
    )


def _is_gone(step: Step, parent: ParentOrder) -> bool:
    """Whether what an exit was to reduce is not held any more: what waits for a trigger would meet what comes next."""
    position = step.ledger.position(parent.ticket.symbol, parent.ticket.position_side)
    return position.is_flat or (position.side is parent.ticket.side and not position.misses_a_trade)


_OVER = frozenset({TradingSessionStatus.STOPPING, TradingSessionStatus.STOPPED})


def _end_children(step: Step, parent: ParentOrder) -> None:
    """A parent that sends nothing more ends what it has sent; once nothing is open or unaccounted for, it is over."""
    for order in list(parent.children.values()):
        if order.is_open and order.cancel_state is CancelState.NONE:
            cancel(step, order, f"{parent.ticket.kind.value} is {parent.status.value}")
    if parent.status in _ENDING and not any(not order.is_settled for order in parent.children.values()):
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.SETTLE, parent.reason))


# --- iceberg, TWAP, VWAP ------------------------------------------------------------------------------------


def _work_algorithm(step: Step, parent: ParentOrder) -> None:
    if not _may_send(step, parent):
        return
    instrument = step.view.instrument(parent.ticket.symbol)
    prices = step.view.best_prices(parent.ticket.symbol)
    if instrument is None or prices is None:
        return
    quantity = _next_quantity(step, parent, instrument)
    if quantity is None:
        return
    if (never := _unsendable(parent, quantity, instrument)) is not None:
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.CANCEL, f"the rest cannot be sent: {never}"))
        return
    if quantity < instrument.quantity_min:
        _hold_back(step, parent, f"{quantity:f} is too little to order")
        return
    price = prices[1] if parent.ticket.side is OrderSide.BUY else prices[0]
    ticket = _child(parent, quantity, price)
    if (reached := misplaced_protection(ticket, _entry_at(ticket, price))) is not None:
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.CANCEL, reached))
        return
    denied = send_child(step, parent, ticket)
    if denied is None or _is_held_by(parent, denied):
        return
    deny(step, denied)
    if parent.ticket.reduce_only:
        step.emit(e.ParentMoved(parent.parent_id, ParentTrigger.CANCEL, denied.objection.text))
    else:
        _hold_back(step, parent, f"{denied.objection.rule}: {denied.objection.text}")


def _is_held_by(parent: ParentOrder, denied: Denied) -> bool:
    """Whether an iceberg is held back by this rule already: that is written once, and tried again in silence."""
    return parent.ticket.kind is ParentKind.ICEBERG and parent.reason.startswith(f"{denied.objection.rule}: ")


def _may_send(step: Step, parent: ParentOrder) -> bool:
    """Whether the session may send children now: a paused one sends exits only."""
    session = step.ledger.session
    if parent.status is not ParentStatus.WORKING or session is None:
        return False
    if session.status is TradingSessionStatus.PAUSED:
        return parent.ticket.reduce_only
    return session.status is TradingSessionStatus.RUNNING


def _next_quantity(step: Step, parent: ParentOrder, instrument: Instrument) -> Decimal | None:
    """What to send now, base asset on the step; None when it is not time."""
    ticket, now_ms = parent.ticket, step.now.session_ms
    if ticket.kind is ParentKind.ICEBERG:
        if now_ms < parent.next_ms or parent.outstanding_quantity or _any_open(parent):
            return None
        assert ticket.visible_quantity is not None, "an iceberg has a visible quantity"
        # Nothing is left while other exits may take all of it: one of them may still end without a trade.
        return min(ticket.visible_quantity, _left(step, parent, instrument)) or None
    place = parent.slice_at(now_ms)
    if place < parent.slices_done:
        return None
    left = _left(step, parent, instrument)
    weights = ticket.weights[place:] or (Decimal(1),) * (ticket.slices - place)
    if place == ticket.slices - 1:
        return left
    whole = sum(weights)
    return instrument.round_quantity(left * weights[0] / whole) if whole else ZERO


def _left(step: Step, parent: ParentOrder, instrument: Instrument) -> Decimal:
    """What is still to be sent, base asset: of an exit no more than something else has left of its position."""
    left, ticket = max(ZERO, parent.unsent_quantity), parent.ticket
    if not ticket.reduce_only:
        return left
    room = room_to_reduce(step.ledger, _child(parent, ticket.quantity, ticket.reference_price))
    return min(left, instrument.covering_quantity(max(ZERO, room)))


def _any_open(parent: ParentOrder) -> bool:
    return any(order.is_open for order in parent.children.values())


def _entry_at(ticket: OrderTicket, price: Decimal) -> Decimal:
    """What a child would trade at while the other side of the book stands at ``price``: no worse than its limit."""
    limit = ticket.limit_price
    if limit is None:
        return price
    return min(limit, price) if ticket.side is OrderSide.BUY else max(limit, price)


def _unsendable(parent: ParentOrder, quantity: Decimal, instrument: Instrument) -> str | None:
    """Why the exchange will not take the next part of an iceberg, whose price stays; a schedule's may be worth more."""
    ticket = parent.ticket
    if ticket.kind is not ParentKind.ICEBERG or ticket.limit_price is None:
        return None
    return instrument.objection_to(quantity, ticket.limit_price, ticket.limit_price, ticket.reduce_only)


def _child(parent: ParentOrder, quantity: Decimal, price: Decimal) -> OrderTicket:
    """A child of a parent: resting for an iceberg, else at once, at the market or within the parent's limit."""
    ticket = parent.ticket
    force = None
    if ticket.limit_price is not None:
        rests = ticket.kind is ParentKind.ICEBERG
        force = (ticket.time_in_force or TimeInForce.GTC) if rests else TimeInForce.IOC
    return OrderTicket(
        symbol=ticket.symbol,
        side=ticket.side,
        order_type=OrderType.MARKET if ticket.limit_price is None else OrderType.LIMIT,
        quantity=quantity,
        purpose=ticket.purpose,
        strategy_id=ticket.strategy_id,
        reference_price=price,
        limit_price=ticket.limit_price,
        time_in_force=force,
        reduce_only=ticket.reduce_only,
        position_side=ticket.position_side,
        stop_loss_price=ticket.stop_loss_price,
        take_profit_price=ticket.take_profit_price,
        reason=f"a part of {ticket.kind.value} {parent.parent_id}",
        parent_id=parent.parent_id,
    )


def _hold_back(step: Step, parent: ParentOrder, reason: str) -> None:
    """Skip this child: a schedule leaves its share to the next slices, an iceberg tries again a little later."""
    step.emit(e.ChildHeldBack(parent.parent_id, step.now.session_ms + RETRY_MS, reason))
