"""Parent orders as callers ask for them: OCO, iceberg, TWAP, VWAP."""

from decimal import Decimal
from typing import Any, Final

from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter
from src.application.trading.requests import OrderRequest, whole
from src.application.trading.volume_profile import VolumeProfile
from src.domain.orders.parents import ParentKind, ParentTicket
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, TimeInForce

LONGEST_MS: Final = 366 * 86_400_000
"""The longest schedule, session time."""


def oco_ticket(
    adapter: LiveBrokerAdapter, first: OrderRequest, second: OrderRequest, venue_ms: int
) -> ParentTicket:
    """Two orders of which one is to fill; ValueError, in one line, for two that cannot be such a pair."""
    legs = adapter.asked_for(first, venue_ms), adapter.asked_for(second, venue_ms)
    if OrderType.MARKET in (leg.order_type for leg in legs):
        raise ValueError("a MARKET order fills at once: the legs of an OCO rest, or wait for a trigger")
    return _parent(legs[0], ParentKind.OCO, legs=legs)


def iceberg_ticket(
    adapter: LiveBrokerAdapter, request: OrderRequest, visible: Decimal, venue_ms: int
) -> ParentTicket:
    """A limit order that shows a part of itself; ValueError for one without a limit, not to rest, or shown whole."""
    ticket = adapter.asked_for(request, venue_ms)
    if ticket.order_type is not OrderType.LIMIT:
        raise ValueError("an iceberg is a LIMIT order: give its price")
    if ticket.time_in_force not in (TimeInForce.GTC, TimeInForce.GTX):
        raise ValueError("an iceberg rests until it is filled or canceled: its time in force is GTC or GTX")
    return _parent(ticket, ParentKind.ICEBERG, visible_quantity=visible, time_in_force=ticket.time_in_force)


def schedule_ticket(
    adapter: LiveBrokerAdapter,
    request: OrderRequest,
    duration_ms: int,
    slices: int,
    now_ms: int,
    volume: VolumeProfile | None,
) -> ParentTicket:
    """A TWAP from now on, or, with ``volume``, a VWAP along its profile; session time, ms.

    With a price no part trades worse than it. ValueError for a duration or a number of slices that cannot be.
    """
    ticket = adapter.asked_for(request)
    if ticket.order_type not in (OrderType.MARKET, OrderType.LIMIT):
        raise ValueError(f"the parts of a schedule are MARKET or LIMIT orders, not {ticket.order_type.value}")
    if whole(slices, "the slices") < 1 or whole(duration_ms, "the duration in ms") < slices * 1_000:
        raise ValueError("a schedule needs a slice, and a second for each: ask for fewer slices or more time")
    if duration_ms > LONGEST_MS:
        raise ValueError(f"a schedule lasts a year at most, not {duration_ms} ms: ask for less time")
    kind = ParentKind.TWAP if volume is None else ParentKind.VWAP
    weights = () if volume is None else volume.weights(ticket.symbol, now_ms, duration_ms, slices)
    return _parent(ticket, kind, start_ms=now_ms, end_ms=now_ms + duration_ms, slices=slices, weights=weights)


def _parent(ticket: OrderTicket, kind: ParentKind, **more: Any) -> ParentTicket:
    """What a parent has in common with a ticket, and ``more`` of its own kind."""
    return ParentTicket(
        kind=kind,
        symbol=ticket.symbol,
        side=ticket.side,
        quantity=ticket.quantity,
        purpose=ticket.purpose,
        strategy_id=ticket.strategy_id,
        reference_price=ticket.reference_price,
        limit_price=ticket.limit_price,
        reduce_only=ticket.reduce_only,
        position_side=ticket.position_side,
        stop_loss_price=ticket.stop_loss_price,
        take_profit_price=ticket.take_profit_price,
        reason="by hand",
        **more,
    )
