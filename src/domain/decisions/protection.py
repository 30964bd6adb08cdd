"""Protective orders: no position without a stop at the exchange.

The stop and the target are placed in the step of the fill that opened the position, with quantity and reduce-only:
too large is safe, because the exchange caps them at the position, and a duplicate can never turn it around. They
grow with the position: the new order is placed before the old one is cancelled; they shrink lazily. An entry that is
still filling is covered in full by its first fill's orders. A stop that the exchange refuses becomes a market close:
a position is never left naked.
"""

from collections.abc import Iterator
from decimal import Decimal

from src.domain.decisions.alarms import restrict
from src.domain.decisions.protective_terms import (
    counts,
    covering_of,
    covers,
    fits,
    is_wanted,
    keeps_filters,
    needless_beside,
    trails,
    trigger_price,
)
from src.domain.decisions.reducing import send_reducing
from src.domain.decisions.sending import cancel
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.ledger.evolve_protection import TRANSIENT_REFUSALS, WOULD_TRIGGER
from src.domain.market.instrument import Instrument
from src.domain.market.sides import PositionSide
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket, make_ticket
from src.domain.orders.transitions import AttemptState, CancelState
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.positions.position import Position
from src.domain.sessions.trading_states import SymbolState

# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_STOP, _TARGET = Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET
_ORDER_TYPE = {_STOP: OrderType.STOP_MARKET, _TARGET: OrderType.TAKE_PROFIT_MARKET}


def protect(step: Step, symbol: str, side: PositionSide, *, anew: bool = False) -> None:
    """Bring the protective orders of a position in line with it; nothing happens when they are.

    ``anew`` says that they were placed for an entry that was not right: those by percentage of it are made again.
    """
    position = step.ledger.position(symbol, side)
    if position.misses_a_trade:
        # More may be held than we know: what stands for it stays.
        return
    stops: list[Order] = []
    targets: list[Order] = []
    for order in step.ledger.orders.values():
        ticket = order.ticket
        # The purpose first: of what is open most is not protective, or is another position's.
        if ticket.purpose is _STOP:
            standing = stops
        elif ticket.purpose is _TARGET:
            standing = targets
        else:
            continue
        if ticket.symbol == symbol and ticket.position_side is side and order.is_open:
            standing.append(order)
    for purpose, standing in ((_STOP, stops), (_TARGET, targets)):
        if position.is_flat:
            _cancel_all(step, standing, "the position is closed")
        elif anew or len(standing) != 1 or not _is_enough(step, position, purpose, standing[0]):
            _keep_one(step, position, purpose, standing, anew)


def _is_enough(step: Step, position: Position, purpose: Purpose, order: Order) -> bool:
    """Whether one order alone is all that the position wants, as it is at nearly every look."""
    return (
        order.side is not position.side
        and is_wanted(step, position, purpose)
        and covers(step, position, order)
        and fits(step, position, purpose, order)
    )


def _open_orders(step: Step, symbol: str, side: PositionSide) -> Iterator[Order]:
    for order in step.ledger.orders.values():
        ticket = order.ticket
        if ticket.symbol == symbol and ticket.position_side is side and order.is_open:
            yield order


def _keep_one(step: Step, position: Position, purpose: Purpose, standing: list[Order], anew: bool) -> None:
    """One covering order stays; a missing one is placed; others go once the one that stays is acknowledged.

    One at another price than asked for covers the position until its successor is acknowledged.
    """
    wrong = [order for order in standing if order.side is position.side]
    right = [order for order in standing if order.side is not position.side]
    _cancel_all(step, wrong, "the position turned around")
    if not is_wanted(step, position, purpose):
        _cancel_all(step, right, "no longer wanted")
        return
    covering = covering_of(step, position, right)
    fitting = [order for order in covering if fits(step, position, purpose, order, exactly=anew)]
    if not fitting:
        waits = _pausing(step, position, purpose, covered=bool(covering))
        if _closing(step, position) < abs(position.quantity) and not waits:
            _place(step, position, purpose)
        return
    keeper = fitting[-1]
    if keeper.status is not OrderStatus.PENDING_NEW:
        _cancel_all(step, needless_beside(keeper, right), "replaced")


def _pausing(step: Step, position: Position, purpose: Purpose, *, covered: bool) -> bool:
    """Whether to wait before the next try, because the exchange has just turned one away.

    A target always waits, and a stop that another order covers for; one that nothing covers for only if the refusal was
    about the moment, or if the emergency close in its place has come to nothing more than once. One that broke a filter
    waits until the exchange's filters are known, and no longer.
    """
    if cannot_close(step, position):
        return True
    refusals = step.ledger.refusals.get((position.symbol, position.position_side, purpose))
    if refusals is None or step.now.session_ms >= refusals.next_ms:
        return False
    if refusals.broke is not None:
        return keeps_filters(step, refusals.broke)
    return refusals.are_transient or covered or purpose is _TARGET


def cannot_close(step: Step, position: Position) -> bool:
    """Whether emergency closes of it were refused or found nobody again and again, and the next is not due yet."""
    closes = step.ledger.refusals.get((position.symbol, position.position_side, Purpose.EMERGENCY))
    return closes is not None and closes.count > 1 and step.now.session_ms < closes.next_ms


def _still_entering(step: Step, position: Position) -> Decimal:
    """What open entries may still add to the position, base asset."""
    return sum(
        (
            order.remaining_quantity
            for order in _open_orders(step, position.symbol, position.position_side)
            if order.side is position.side and not order.ticket.reduce_only
        ),
        ZERO,
    )


def _closing(step: Step, position: Position) -> Decimal:
    """What market orders that can be relied on are about to take from the position, base asset.

    An exit that rests at a limit may never fill, and nobody knows about one of unknown outcome: neither stands in
    the way of a stop or an emergency close. To close too much is safe, because the exchange caps it at the position.
    """
    return sum(
        (
            order.remaining_quantity
            for order in _open_orders(step, position.symbol, position.position_side)
            if order.ticket.purpose in (Purpose.EXIT, Purpose.EMERGENCY)
            and order.ticket.order_type is OrderType.MARKET
            and order.side is not position.side
            and counts(order)
        ),
        ZERO,
    )


def _place(step: Step, position: Position, purpose: Purpose) -> None:
    """Place the order for what is held and for what open entries may still add.

    Without the instrument there is no price the exchange would take; what stands already was left standing.
    """
    symbol = position.symbol
    instrument = step.view.instrument(symbol)
    if instrument is None:
        if step.ledger.symbol(symbol).state is not SymbolState.CLOSED:
            restrict(step, symbol, f"a position in {symbol} cannot be protected: its instrument is unknown")
        return
    send_reducing(step, _ticket(step, position, purpose, instrument))


def _ticket(step: Step, position: Position, purpose: Purpose, instrument: Instrument) -> OrderTicket:
    price = trigger_price(step, position, purpose, instrument)
    is_trailing = trails(step, position, purpose)
    wanted = abs(position.quantity) + _still_entering(step, position)
    return make_ticket(
        symbol=position.symbol,
        side=position.side.opposite,
        order_type=OrderType.TRAILING_STOP_MARKET if is_trailing else _ORDER_TYPE[purpose],
        quantity=instrument.covering_quantity(wanted),
        purpose=purpose,
        strategy_id=position.strategy_id,
        reference_price=price,
        stop_price=None if is_trailing else price,
        callback_pct=step.policy.trailing_stop_pct if is_trailing else None,
        reduce_only=True,
        position_side=position.position_side,
        working_type=step.policy.working_type,
        reason="protects the position",
    )


def close_now(step: Step, position: Position, reason: str) -> None:
    """Close a position at the market because it cannot be protected; what is under way is not asked for twice.

    In several orders if it is larger than the exchange takes in one. Not as long as a trade of it is missing.
    """
    if position.misses_a_trade:
        return
    quantity = abs(position.quantity) - _closing(step, position)
    instrument = step.view.instrument(position.symbol)
    parts = (quantity,) if instrument is None else instrument.closing_parts(quantity)
    for part in parts if quantity > 0 else ():
        ticket = make_ticket(
            symbol=position.symbol,
            side=position.side.opposite,
            order_type=OrderType.MARKET,
            quantity=part,
            purpose=Purpose.EMERGENCY,
            strategy_id=position.strategy_id,
            reference_price=step.view.mark_price(position.symbol) or position.entry_price,
            reduce_only=True,
            position_side=position.position_side,
            reason=reason,
        )
        send_reducing(step, ticket)


def protective_refused(step: Step, order: Order, code: int) -> None:
    """A refused stop, or a target whose price is already reached, becomes a market close.

    Not when the refusal says nothing about the order: too many requests, a clock that is off, a halted market, which
    would refuse the close as well. Such a stop is tried again, with growing pauses, and told of ever more rarely. Nor
    when the first of a row breaks a filter that has changed: it is made anew as soon as that is known. A target refused
    for another reason leaves the position with its stop, and an alarm; so does any refusal beside an acknowledged order
    that covers the position, unless that one stands at another price and the price asked for is already reached.
    """
    position = step.ledger.position(order.symbol, order.ticket.position_side)
    purpose = order.ticket.purpose
    if position.is_flat or position.side is order.side:
        return
    others = [
        other
        for other in _open_orders(step, order.symbol, order.ticket.position_side)
        if other.ticket.purpose is purpose and other.attempt_state is AttemptState.ACKED
    ]
    is_stop = purpose is _STOP
    covering = covering_of(step, position, others)
    reached = code in WOULD_TRIGGER and not any(
        fits(step, position, purpose, other, exactly=True) for other in covering
    )
    gives_up = is_stop and code not in TRANSIENT_REFUSALS and not _is_made_anew(step, position, order)
    if reached or (gives_up and not covering):
        close_now(step, position, f"{purpose.value} was refused: {order.reason or code}")
    elif _is_news(step, order):
        text = f"the {'stop' if is_stop else 'target'} {order.client_order_id} was refused: {order.reason or code}"
        step.emit(e.AlarmRaised(order.symbol, text))


def _is_made_anew(step: Step, position: Position, order: Order) -> bool:
    """Whether a stop broke a filter that is not known yet, or that its successor keeps."""
    refusals = step.ledger.refusals.get((order.symbol, order.ticket.position_side, order.ticket.purpose))
    instrument = step.view.instrument(order.symbol)
    if refusals is None or refusals.broke is not order.ticket or instrument is None:
        return False
    return keeps_filters(step, order.ticket) or keeps_filters(
        step, _ticket(step, position, order.ticket.purpose, instrument)
    )


def _is_news(step: Step, order: Order) -> bool:
    """Whether to tell of this refusal in a row: of the first, the second, the fourth, and so on; a halt may last."""
    refusals = step.ledger.refusals.get((order.symbol, order.ticket.position_side, order.ticket.purpose))
    # What a report tells of an order that was accepted before is in no row.
    return refusals is None or refusals.count.bit_count() == 1


def _cancel_all(step: Step, orders: list[Order], reason: str) -> None:
    for order in orders:
        if order.cancel_state is CancelState.NONE:
            cancel(step, order, reason)
