"""Tickets as the simulated exchange takes them. Nothing is rounded here, only spelled."""

from decimal import Decimal
from typing import Final

from src.domain.market.sides import PositionSide
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.types import TimeInForce
from src.infrastructure.simulated_exchange.records import OrderRequest

_HUNDRED: Final = Decimal(100)


def order_request(ticket: OrderTicket, attempt: Attempt) -> OrderRequest:
    """The one request that carries an attempt.

    In hedge mode the position side says whether an order reduces, and closePosition says it by itself: there the
    exchange refuses the flag (-1106). A limit order without a time in force rests till it is canceled.
    """
    time_in_force = ticket.time_in_force
    if time_in_force is None and ticket.limit_price is not None:
        time_in_force = TimeInForce.GTC
    says_so = ticket.close_position or ticket.position_side is not PositionSide.BOTH
    return OrderRequest(
        symbol=ticket.symbol,
        side=ticket.side.value,
        type=ticket.order_type.value,
        quantity=None if ticket.close_position else ticket.quantity,
        timestamp=attempt.timestamp_ms,
        recv_window=attempt.recv_window_ms,
        price=ticket.limit_price,
        trigger_price=ticket.stop_price,
        time_in_force=None if time_in_force is None else time_in_force.value,
        reduce_only=ticket.reduce_only and not says_so,
        position_side=ticket.position_side.value,
        working_type=ticket.working_type.value,
        client_order_id=attempt.client_order_id,
        close_position=ticket.close_position,
        activate_price=ticket.activation_price,
        callback_rate=None if ticket.callback_pct is None else ticket.callback_pct * _HUNDRED,
        good_till_ms=ticket.good_till_ms or 0,
    )
