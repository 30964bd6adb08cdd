"""The review of tickets: the only place that makes an :class:`Approved`, without which no order is sent.

Tickets that may grow a position meet every entry rule. Tickets that can only shrink one meet a second, short list:
they must be proven to shrink it; no loss, halt, volatility or count rule ever stands in the way of an exit.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from src.domain.ledger.state import Ledger
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide
from src.domain.market.view import MarketView
from src.domain.money import ZERO
from src.domain.orders.news import PositionReport
from src.domain.orders.parents import ParentKind
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.domain.risk.clearance import Clearance
from src.domain.risk.limits import RiskLimits
from src.domain.risk.rules import ENTRY_RULES, Objection, Review
from src.domain.sessions.trading_states import SymbolState, TradingState


@dataclass(frozen=True, slots=True)
class Approved:
    """A ticket that every rule has seen."""

    ticket: OrderTicket


@dataclass(frozen=True, slots=True)
class Denied:
    """A ticket that a rule objected to."""

    ticket: OrderTicket
    objection: Objection


Verdict = Approved | Denied

# Bound once: a review asks all of them in a few microseconds.
_OBJECTIONS = tuple(rule.objection for rule in ENTRY_RULES)


def review(
    ledger: Ledger,
    view: MarketView,
    limits: RiskLimits,
    ticket: OrderTicket,
    now_ms: int,
    confidence: Decimal | None = None,
    unenforced: Counter[str] | None = None,
    reserved: Decimal = ZERO,
    clearance: Clearance | None = None,
) -> Verdict:
    """Return the approval, or the first objection.

    ``confidence`` is that of the signal behind the ticket. ``unenforced`` counts rules that lacked the data to judge.
    ``reserved`` is what of the ticket's quantity the account has reserved already, for a parent order or for the order
    that it amends (base asset): it does not count twice. ``clearance``, made for the same limits, saves asking the
    rules one by one where it can; it changes no verdict.
    """
    instrument = view.instrument(ticket.symbol)
    if ticket.reduce_only:
        return review_reducing(ledger, ticket, instrument)
    if instrument is None:
        return Denied(ticket, Objection("symbol", ticket.symbol, "listed", f"{ticket.symbol} is not listed"))
    if (
        clearance is not None
        and not reserved
        and clearance.holds(ledger, view, ticket, instrument, now_ms, confidence, unenforced)
    ):
        return Approved(ticket)
    subject = Review(ledger, view, limits, ticket, instrument, now_ms, confidence, unenforced, reserved)
    for objects in _OBJECTIONS:
        objection = objects(subject)
        if objection is not None:
            return Denied(ticket, objection)
    return Approved(ticket)


def review_reducing(ledger: Ledger, ticket: OrderTicket, instrument: Instrument | None = None) -> Verdict:
    """Approve a ticket that is proven to shrink its position.

    An exit may not exceed the position less the exits already on their way, or the next quantity that ``instrument``
    allows above that; one at the market does not wait for those that may never fill. Protective orders stand beside
    each other (stop and target, old stop and new) and may be larger than the position, and an emergency close waits for
    no exit: the exchange caps them all at the position.
    """
    position = ledger.position(ticket.symbol, ticket.position_side)
    opening = _opening(ticket)
    if opening is not None:
        return Denied(ticket, opening)
    if position.is_flat or position.side is ticket.side:
        text = f"nothing to reduce in {ticket.symbol} on the {ticket.side.value} side"
        return Denied(
            ticket, Objection("reduce_only", f"{position.quantity:f}", "a position to reduce", text)
        )
    if ticket.purpose.is_protective or ticket.purpose is Purpose.EMERGENCY:
        return Approved(ticket)
    room = room_to_reduce(ledger, ticket)
    if ticket.quantity > _covering(room, instrument):
        text = f"only {max(room, Decimal(0)):f} of {ticket.symbol} is left to reduce"
        return Denied(ticket, Objection("reduce_only", f"{ticket.quantity:f}", f"{room:f}", text))
    return Approved(ticket)


def room_to_reduce(ledger: Ledger, ticket: OrderTicket) -> Decimal:
    """What an exit like ``ticket`` may take: the position less the exits already on their way; base asset."""
    return abs(ledger.position(ticket.symbol, ticket.position_side).quantity) - exits_under_way(
        ledger, ticket
    )


def _covering(quantity: Decimal, instrument: Instrument | None) -> Decimal:
    """The largest quantity that an order needs to take all of it: what is held may be of no size that is taken."""
    return quantity if instrument is None else instrument.covering_quantity(quantity)


def _opening(ticket: OrderTicket) -> Objection | None:
    """Hedge mode has no reduce-only flag: a ticket on the side that opens its position would not be capped at it."""
    if ticket.position_side.is_closed_by(ticket.side):
        return None
    side, position_side = ticket.side.value, ticket.position_side.value
    text = f"a {side} opens a {position_side} position, it cannot reduce one"
    return Objection("reduce_only", side, ticket.side.opposite.value, text)


def review_emergency(
    held: PositionReport, ticket: OrderTicket, instrument: Instrument | None = None
) -> Verdict:
    """Approve a ticket that is proven to shrink what the exchange itself says is held, where there is no ledger.

    To close too much is harmless, because it is reduce-only: the exchange caps it at the position.
    """
    closes = OrderSide.SELL if held.quantity > ZERO else OrderSide.BUY
    fits = (
        ticket.reduce_only
        and (ticket.symbol, ticket.position_side) == (held.symbol, held.position_side)
        and ticket.side is closes
        and _opening(ticket) is None
        and ticket.quantity <= _covering(abs(held.quantity), instrument)
    )
    if fits:
        return Approved(ticket)
    text = f"{ticket.side.value} {ticket.quantity:f} does not only reduce {held.quantity:f} of {held.symbol}"
    return Denied(ticket, Objection("reduce_only", f"{ticket.quantity:f}", f"{held.quantity:f}", text))


def review_fence(ledger: Ledger, ticket: OrderTicket) -> Verdict:
    """Approve a fence: an order that is to be heard of and not to be filled.

    That its symbol is restricted is the reason for it and no objection; a halted or restricted account is one, a
    closed symbol too, unless the fence can only shrink a position.
    """
    if ticket.reduce_only:
        return review_reducing(ledger, ticket)
    state, book = ledger.account.trading_state, ledger.symbol(ticket.symbol)
    if state is not TradingState.ACTIVE:
        text = f"trading is {state.value}: no fence may open a position"
        return Denied(ticket, Objection("trading_active", state.value, TradingState.ACTIVE.value, text))
    if book.state is SymbolState.CLOSED:
        return Denied(
            ticket, Objection("symbol_open", book.state.value, "open", f"{ticket.symbol} is closed")
        )
    return Approved(ticket)


def exits_under_way(ledger: Ledger, ticket: OrderTicket) -> Decimal:
    """What open exits of the same position may still take, base asset; those at the market, where ``ticket`` is one.

    An exit that rests or waits for a trigger may never fill, and takes no more than is held when it does.
    The legs of an OCO count once, because one of them cancels the other; a leg does not stand in its sibling's way.
    """
    total, at_once = ZERO, ticket.order_type is OrderType.MARKET
    legs: dict[str, Decimal] = {}
    for order in ledger.orders.values():
        other = order.ticket
        if (
            other.symbol != ticket.symbol
            or other.position_side is not ticket.position_side
            or other.purpose not in EXITS
            or other.side is not ticket.side
            or (at_once and other.order_type is not OrderType.MARKET)
        ):
            continue
        parent = ledger.parent_of(order)
        if parent is None or parent.ticket.kind is not ParentKind.OCO:
            total += order.remaining_quantity
        elif parent.parent_id != ticket.parent_id:
            legs[parent.parent_id] = max(legs.get(parent.parent_id, ZERO), order.remaining_quantity)
    return total + sum(legs.values(), ZERO)


EXITS = frozenset({Purpose.EXIT, Purpose.EMERGENCY})
"""The purposes of orders that close a position, where protective ones only stand by."""
