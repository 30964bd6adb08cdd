"""Fences: orders whose only use is to be heard of.

An attempt of unknown outcome is proven dead when an event of an own order of its symbol, made later than the attempt
could arrive, has been heard on a stream that never broke since it was sent, and none of the attempt itself: the
exchange tells the events of one user and kind in order. If no such event comes by itself, an order is placed to cause
one: post-only, of the smallest size, far from the market, recorded and reserved like any other, and cancelled as soon
as it has been seen. Source: user data streams, "strictly ordered by T and E" for one connection and event type.

A fence that could open a position needs what every opening order needs of the account: trading ACTIVE, the symbol not
closed. Where a position is held the fence is reduce-only, and then a halt does not stand in its way.
"""

from decimal import Decimal
from typing import Final

from src.domain.decisions import news as n
from src.domain.decisions.effects import Reconcile
from src.domain.decisions.sending import cancel, submit
from src.domain.decisions.step import Step
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import round_price_down_to_tick, round_price_up_to_tick
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.positions.position import Position
from src.domain.risk.review import Approved, review_fence
from src.domain.sessions.session import TradingSessionStatus

FENCE: Final = "fence"
"""The strategy id of fences, and of what one opened that was filled against all odds."""
DISTANCE: Final = Decimal("0.8")
"""How far from the mark price a fence rests, as a share of the distance that the exchange's price filter allows."""


def place_fence(step: Step, news: n.PlaceFence) -> None:
    """Place a fence, unless one is under way or none may be placed now: then the attempt stays unknown."""
    symbol, ledger = news.symbol, step.ledger
    if ledger.session is None or ledger.session.status is not TradingSessionStatus.RUNNING:
        # Nobody might be there any more to cancel it.
        return
    if any(
        o.symbol == symbol and o.is_open and o.ticket.purpose is Purpose.FENCE for o in ledger.orders.values()
    ):
        return
    ticket = _ticket(step, symbol)
    verdict = None if ticket is None else review_fence(ledger, ticket)
    if isinstance(verdict, Approved):
        submit(step, verdict)


def fence_seen(step: Step, order: Order) -> None:
    """A fence that was heard of has done its work: its end is asked for, and the attempt looked at again."""
    if order.is_live and order.cancel_state is CancelState.NONE:
        cancel(step, order, "the fence has been seen")
        step.do(Reconcile(f"a fence in {order.symbol} was seen"))


def _ticket(step: Step, symbol: str) -> OrderTicket | None:
    """The fence of a symbol; None without a price, a trade of what is held, or an order small enough."""
    instrument, mark = step.view.instrument(symbol), step.view.mark_price(symbol)
    if instrument is None or mark is None:
        return None
    positions = [p for p in step.ledger.positions.values() if p.symbol == symbol and not p.is_flat]
    held = next((p for p in positions if not p.misses_a_trade), None)
    if positions and held is None:
        return None
    buys = (held is not None and held.quantity < 0) or held is None
    price = _price(instrument, mark, buys)
    quantity = _quantity(instrument, price, held)
    if instrument.objection_to(quantity, price, mark, held is not None) is not None:
        return None
    flat_side = PositionSide.LONG if step.ledger.is_hedged else PositionSide.BOTH
    return OrderTicket(
        symbol=symbol,
        side=OrderSide.BUY if buys else OrderSide.SELL,
        order_type=OrderType.LIMIT,
        quantity=quantity,
        purpose=Purpose.FENCE,
        strategy_id=FENCE,
        reference_price=mark,
        limit_price=price,
        time_in_force=TimeInForce.GTX,
        reduce_only=held is not None,
        position_side=flat_side if held is None else held.position_side,
        reason="an order's outcome is unknown",
    )


def _price(instrument: Instrument, mark: Decimal, buys: bool) -> Decimal:
    """Far below the mark price for a buyer, far above it for a seller, and within what the exchange takes."""
    if buys:
        share = 1 - (1 - instrument.percent_price_down) * DISTANCE
        return round_price_up_to_tick(mark * share, instrument.tick_size)
    share = 1 + (instrument.percent_price_up - 1) * DISTANCE
    return round_price_down_to_tick(mark * share, instrument.tick_size)


def _quantity(instrument: Instrument, price: Decimal, held: Position | None) -> Decimal:
    """The smallest quantity that the exchange takes; an order that only reduces has no smallest notional."""
    if held is not None:
        return instrument.quantity_min
    least = instrument.round_quantity(instrument.notional_min / price)
    if least * price < instrument.notional_min:
        least += instrument.step_size
    return max(least, instrument.quantity_min)
