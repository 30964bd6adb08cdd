"""The canonical JSON of an intended order, written out by hand: it is on the way of every order.

The same bytes as the general writer of :mod:`src.infrastructure.persistence.codec` makes, in a third of its time. A
property test holds it to ``json.dumps``; a field added to one of these classes fails that test until it is here.
"""

from decimal import Decimal
from json.encoder import encode_basestring as quoted

from src.domain.ledger.events import OrderIntended, SignalNote
from src.domain.money import canonical
from src.domain.orders.ticket import OrderTicket


def amount_text(value: Decimal) -> str:
    """An amount in quotes, in its canonical spelling."""
    # str() is the canonical spelling already unless it ends in a zero or has an exponent.
    text = str(value)
    if text[-1] == "0" or "E" in text:
        if "." not in text or "E" in text or not value:
            return f'"{canonical(value)}"'
        text = text.rstrip("0").rstrip(".")
    return f'"{text}"'


def is_usual(ticket: OrderTicket) -> bool:
    """Whether the fields that came later have their defaults, with which they are left out."""
    return (
        ticket.parent_id is None
        and not ticket.close_position
        and ticket.callback_pct is None
        and ticket.good_till_ms is None
        and ticket.activation_price is None
    )


def intent_text(event: OrderIntended) -> str:
    """The record of an intent whose ticket :func:`is_usual`."""
    attempt, signal = event.attempt, event.signal
    return (
        f'{{"attempt":{{"client_order_id":{quoted(attempt.client_order_id)},'
        f'"recv_window_ms":{attempt.recv_window_ms},"timestamp_ms":{attempt.timestamp_ms}}},'
        f'"intent":{event.intent},"session_id":{quoted(event.session_id)},'
        f'"signal":{"null" if signal is None else _signal(signal)},"ticket":{_ticket(event.ticket)}}}'
    )


def _ticket(ticket: OrderTicket) -> str:
    limit, stop, until = ticket.limit_price, ticket.stop_price, ticket.time_in_force
    loss, profit = ticket.stop_loss_price, ticket.take_profit_price
    return (
        f'{{"limit_price":{"null" if limit is None else amount_text(limit)},'
        f'"order_type":"{ticket.order_type!s}","position_side":"{ticket.position_side!s}",'
        f'"purpose":"{ticket.purpose!s}","quantity":{amount_text(ticket.quantity)},'
        f'"reason":{quoted(ticket.reason)},"reduce_only":{"true" if ticket.reduce_only else "false"},'
        f'"reference_price":{amount_text(ticket.reference_price)},"side":"{ticket.side!s}",'
        f'"stop_loss_price":{"null" if loss is None else amount_text(loss)},'
        f'"stop_price":{"null" if stop is None else amount_text(stop)},'
        f'"strategy_id":{quoted(ticket.strategy_id)},"symbol":{quoted(ticket.symbol)},'
        f'"take_profit_price":{"null" if profit is None else amount_text(profit)},'
        f'"time_in_force":{"null" if until is None else quoted(until)},'
        f'"working_type":"{ticket.working_type!s}"}}'
    )


def _signal(note: SignalNote) -> str:
    numbers = ",".join([f"[{quoted(name)},{amount_text(value)}]" for name, value in note.numbers])
    return (
        f'{{"confidence":{amount_text(note.confidence)},"numbers":[{numbers}],'
        f'"reason":{quoted(note.reason)},"signal_type":{quoted(note.signal_type)}}}'
    )
