"""Tickets in Binance's words: which endpoint, which parameters. Nothing is rounded here, only spelled.

Since December 2025 conditional orders have their own endpoint, id space and names (algoOrder, clientAlgoId,
triggerPrice). Flags are strings. Sources: New Order, New Algo Order, Modify Order.

Both sides of a trade with ourselves may be told under one trade id, and one of them would not be booked. So orders say
that a resting order of ours which they meet expires; on the default of conditional orders the sources disagree.
"""

from decimal import Decimal
from typing import Final

from src.domain.market.sides import PositionSide
from src.domain.money import canonical
from src.domain.orders.ticket import Amendment, Attempt, OrderTicket
from src.domain.orders.types import OrderType, TimeInForce
from src.infrastructure.brokers.binance_endpoints import NEW_ALGO, NEW_ORDER, Endpoint

Params = dict[str, object]
_HUNDRED: Final = Decimal(100)
_NOT_PREVENTED: Final = frozenset({TimeInForce.FOK, TimeInForce.GTX})
"""For these Binance prevents no self-trades, whatever the order says; a post-only order takes nothing anyway."""


def submit_request(ticket: OrderTicket, attempt: Attempt) -> tuple[Endpoint, Params]:
    """The one request that carries an attempt, with its fixed time and window."""
    if ticket.order_type.is_conditional:
        return NEW_ALGO, _algo(ticket, attempt)
    params = _common(ticket)
    params["type"] = ticket.order_type.value
    params["quantity"] = canonical(ticket.quantity)
    params["newClientOrderId"] = attempt.client_order_id
    params["newOrderRespType"] = "ACK"
    _limit(params, ticket)
    return NEW_ORDER, _timed(params, attempt)


def modify_request(amendment: Amendment) -> Params:
    """The amendment: limit price and total quantity, both mandatory."""
    return {
        "symbol": amendment.symbol,
        "side": amendment.side.value,
        "origClientOrderId": amendment.client_order_id,
        "quantity": canonical(amendment.quantity),
        "price": canonical(amendment.limit_price),
        "recvWindow": amendment.recv_window_ms,
        "timestamp": amendment.timestamp_ms,
    }


def _algo(ticket: OrderTicket, attempt: Attempt) -> Params:
    params: Params = {"algoType": "CONDITIONAL", **_common(ticket)}
    params["type"] = ticket.order_type.value
    params["clientAlgoId"] = attempt.client_order_id
    params["workingType"] = ticket.working_type.value
    if ticket.close_position:
        params["closePosition"] = "true"
        params.pop("reduceOnly", None)
    else:
        params["quantity"] = canonical(ticket.quantity)
    if ticket.stop_price is not None:
        params["triggerPrice"] = canonical(ticket.stop_price)
    if ticket.order_type is OrderType.TRAILING_STOP_MARKET and ticket.callback_pct is not None:
        params["callbackRate"] = canonical(ticket.callback_pct * _HUNDRED)
        if ticket.activation_price is not None:
            params["activatePrice"] = canonical(ticket.activation_price)
    _limit(params, ticket)
    return _timed(params, attempt)


def _common(ticket: OrderTicket) -> Params:
    params: Params = {"symbol": ticket.symbol, "side": ticket.side.value}
    params["positionSide"] = ticket.position_side.value
    # In hedge mode the position side says it already, and the flag is refused (-1106).
    if ticket.reduce_only and ticket.position_side is PositionSide.BOTH:
        params["reduceOnly"] = "true"
    if ticket.time_in_force not in _NOT_PREVENTED:
        params["selfTradePreventionMode"] = "EXPIRE_MAKER"
    return params


def _limit(params: Params, ticket: OrderTicket) -> None:
    if ticket.limit_price is None:
        return
    force = ticket.time_in_force or TimeInForce.GTC
    params["price"] = canonical(ticket.limit_price)
    params["timeInForce"] = force.value
    if ticket.good_till_ms is not None:
        params["goodTillDate"] = ticket.good_till_ms


def _timed(params: Params, attempt: Attempt) -> Params:
    params["recvWindow"] = attempt.recv_window_ms
    params["timestamp"] = attempt.timestamp_ms
    return params
