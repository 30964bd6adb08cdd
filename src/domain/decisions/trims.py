"""Decisions about trims: what an exit and a turning order have opened between them is traded away again.

In one-way mode a strategy turns a position with a single order, while its stop rests at the exchange. If the stop, or
any other exit, trades while that order is under way, what was to be closed is closed twice: the second time opens,
beyond what pre-trade risk approved. Nobody can prevent that, so it is noted with the exit's fill, whichever of the two
is heard of first, as a record that survives (a parent order), and taken back as soon as nothing is missing.
"""

from decimal import Decimal

from src.domain.decisions.sending import record_parent, send_child
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import ZERO
from src.domain.orders.news import FillReport
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentKind, ParentOrder, ParentStatus, ParentTicket, outstanding
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderType, Purpose
from src.domain.positions.external import EXTERNAL
from src.domain.risk.rules import MANUAL
from src.domain.sessions.session import TradingSessionStatus

_SENDS = frozenset({TradingSessionStatus.RUNNING, TradingSessionStatus.PAUSED, TradingSessionStatus.STOPPING})
# What a person orders is what they get: only what strategies decide is held to what was held then.
_OTHERS = frozenset({MANUAL, EXTERNAL})


def note_race(step: Step, order: Order, fill: FillReport) -> None:
    """Note what a fill of an exit, just booked, may open beside an order that turns its position.

    While the turning order is under way, it may go as far as it would have without this fill. If it is over, the exit
    is heard of late: then the fill has grown the position in the books, as it cannot have done at the exchange.
    """
    if fill.position_side is not PositionSide.BOTH:
        return
    turns = [other for other in step.ledger.orders.values() if _turns(other, fill)]
    position, side = step.ledger.position(fill.symbol), fill.side.opposite
    now = -position.quantity * side.sign + sum((outstanding(turn) for turn in turns), ZERO)
    if now <= ZERO or not (turns or _came_late(step, order, fill)):
        return
    # Several trades of exits are one excess: what may stay is what the first of them found.
    others = [_keeps(trim) for trim in _trims_of(step, fill.symbol, side)]
    ticket = ParentTicket(
        kind=ParentKind.TRIM,
        symbol=fill.symbol,
        side=side,
        quantity=min(fill.quantity, now),
        purpose=Purpose.EXIT,
        strategy_id=turns[0].ticket.strategy_id if turns else position.strategy_id,
        reference_price=fill.price,
        reduce_only=True,
        reason=f"{order.client_order_id} traded while the position was being turned",
        keeps=min([*others, max(ZERO, now - fill.quantity)]),
    )
    record_parent(step, ticket)


def _turns(order: Order, fill: FillReport) -> bool:
    """Whether a strategy's order that trades at once may still open on the side that an exit has traded on."""
    ticket = order.ticket
    return (
        ticket.symbol == fill.symbol
        and ticket.side is fill.side
        and ticket.purpose is Purpose.ENTRY
        and ticket.strategy_id not in _OTHERS
        and ticket.parent_id is None
        and ticket.trades_at_once
        and not order.is_settled
    )


def _came_late(step: Step, order: Order, fill: FillReport) -> bool:
    """Whether the exit traded before trades that are booked, and an order that may be among them was a strategy's.

    Such an order was sent no earlier than it could still arrive after the exit.
    """
    since_ms = order.created_ms - order.attempt.recv_window_ms
    return fill.trade_id < step.ledger.symbol(fill.symbol).last_trade_id and any(
        recent.symbol == fill.symbol
        and recent.side is fill.side
        and recent.purpose is Purpose.ENTRY
        and recent.strategy_id not in _OTHERS
        and recent.at_ms >= since_ms
        for recent in step.ledger.recent_orders
    )


def is_trimmed(step: Step, trim: ParentOrder) -> str:
    """Why a trim is over; empty while something may be left to take back, or that cannot be said yet."""
    session = step.ledger.session
    if session is None or session.status is TradingSessionStatus.STOPPED:
        return "the session is over"
    if _is_unsure(step, trim) or _under_way(step, trim):
        return ""
    if _beyond(step, trim) <= ZERO:
        return "no more is held than was approved"
    instrument = step.view.instrument(trim.ticket.symbol)
    too_little = instrument is not None and not _next_quantity(step, trim, instrument)
    return "the rest is too little to order" if too_little else ""


def work_trim(step: Step, trim: ParentOrder) -> None:
    """Send what is to be taken back now; what comes to nothing is tried again a little later."""
    ticket, now_ms, session = trim.ticket, step.now.session_ms, step.ledger.session
    instrument = step.view.instrument(ticket.symbol)
    may_send = session is not None and session.status in _SENDS and trim.status is ParentStatus.WORKING
    if instrument is None or not may_send or now_ms < trim.next_ms or _is_unsure(step, trim):
        return
    quantity = _next_quantity(step, trim, instrument)
    if not quantity:
        return
    child = OrderTicket(
        symbol=ticket.symbol,
        side=ticket.side,
        order_type=OrderType.MARKET,
        quantity=quantity,
        purpose=ticket.purpose,
        strategy_id=ticket.strategy_id,
        reference_price=step.view.mark_price(ticket.symbol) or ticket.reference_price,
        reduce_only=True,
        reason=ticket.reason,
        parent_id=trim.parent_id,
    )
    is_sent = send_child(step, trim, child) is None
    if is_sent and not trim.next_ms and not trim.filled_quantity:
        text = f"{quantity:f} more than was approved is held, and traded away: {ticket.reason}"
        step.emit(e.AlarmRaised(ticket.symbol, text))


def _is_unsure(step: Step, trim: ParentOrder) -> bool:
    """Whether it cannot be said yet what is held beyond what was approved.

    A trade is missing, an outcome is unknown, or an order that trades at once is under way. Trims do not wait for each
    other: what they take is known.
    """
    symbol = trim.ticket.symbol
    names = {other.parent_id for other in _trims(step, trim)}
    return any(
        order.claimed_quantity > order.filled_quantity
        or (order.is_open and (order.ticket.trades_at_once or order.attempt_state is AttemptState.UNKNOWN))
        for order in step.ledger.orders.values()
        if order.symbol == symbol and order.ticket.parent_id not in names
    )


def _next_quantity(step: Step, trim: ParentOrder, instrument: Instrument) -> Decimal:
    """What is to be sent now, as far as the exchange takes it in one order, base asset; zero when there is nothing."""
    wanted = min(trim.unsent_quantity, _beyond(step, trim) - _under_way(step, trim))
    quantity = instrument.round_quantity(min(max(ZERO, wanted), instrument.market_quantity_max))
    return quantity if quantity >= instrument.quantity_min else ZERO


def _beyond(step: Step, trim: ParentOrder) -> Decimal:
    """How much more is held than may stay, base asset."""
    ticket = trim.ticket
    return -step.ledger.position(ticket.symbol).quantity * ticket.side.sign - _keeps(trim)


def _under_way(step: Step, trim: ParentOrder) -> Decimal:
    """What the trims of a position may be about to take from it, base asset."""
    return sum((other.outstanding_quantity for other in _trims(step, trim)), ZERO)


def _trims(step: Step, trim: ParentOrder) -> list[ParentOrder]:
    """The trims at work that take from the same position."""
    return _trims_of(step, trim.ticket.symbol, trim.ticket.side)


def _trims_of(step: Step, symbol: str, side: OrderSide) -> list[ParentOrder]:
    return [
        parent
        for parent in step.ledger.parents.values()
        if parent.ticket.kind is ParentKind.TRIM
        and parent.is_working
        and (parent.ticket.symbol, parent.ticket.side) == (symbol, side)
    ]


def _keeps(trim: ParentOrder) -> Decimal:
    assert trim.ticket.keeps is not None, "a trim says how much it leaves"
    return trim.ticket.keeps
