"""What the simulated trader does with parent orders and amendments, at random."""

import random
from decimal import Decimal
from typing import Any

from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import MoveParent, OpenParent, RequestCancelAll, RequestModify
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentKind, ParentTicket, ParentTrigger
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose
from tests.simulation.deeds import TRADER
from tests.simulation.market import SYMBOL, TICK

QUANTITY = Decimal("0.009")
PART = Decimal("0.003")
SCHEDULE_MS = 6_000
# What a person may ask for.
KINDS = (ParentKind.OCO, ParentKind.ICEBERG, ParentKind.TWAP, ParentKind.VWAP)


def open_a_parent(runner: SessionRunner, rng: random.Random) -> None:
    """An iceberg, a TWAP, a VWAP or a pair of entries around the market."""
    prices = runner.loop.desk.best_prices(SYMBOL)
    if prices is None:
        return
    side = rng.choice(tuple(OrderSide))
    kind = rng.choice(KINDS)
    now_ms = runner.loop.inputs.now_ms()
    price = prices[1] if side is OrderSide.BUY else prices[0]
    limit = price + TICK * rng.randrange(-20, 21)
    held_as = runner.adapter.side_opened(side)
    more: dict[str, Any] = {"position_side": held_as}
    if kind is ParentKind.OCO:
        more["legs"] = tuple(_legs(rng, side, held_as, price))
    elif kind is ParentKind.ICEBERG:
        more |= {"limit_price": limit, "visible_quantity": PART}
    else:
        weights = (Decimal(1), Decimal(2), Decimal(1)) if kind is ParentKind.VWAP else ()
        more |= {"start_ms": now_ms, "end_ms": now_ms + SCHEDULE_MS, "slices": 3, "weights": weights}
        more["limit_price"] = rng.choice((None, limit))
    ticket = ParentTicket(kind, SYMBOL, side, QUANTITY, Purpose.ENTRY, TRADER, price, **more)
    runner.loop.decide(OpenParent(ticket))


def _legs(rng: random.Random, side: OrderSide, held_as: PositionSide, price: Decimal) -> list[OrderTicket]:
    away = TICK * rng.randrange(5, 60) * side.sign
    common = (QUANTITY, Purpose.ENTRY, TRADER, price)
    return [
        OrderTicket(SYMBOL, side, OrderType.LIMIT, *common, position_side=held_as, limit_price=price - away),
        OrderTicket(
            SYMBOL, side, OrderType.STOP_MARKET, *common, position_side=held_as, stop_price=price + away
        ),
    ]


def move_a_parent(runner: SessionRunner, rng: random.Random) -> None:
    """Pause, resume or cancel one; now and then everything is canceled."""
    loop = runner.loop
    at_work = [name for name, parent in loop.ledger.parents.items() if parent.is_working]
    if at_work and rng.random() < 0.8:
        loop.decide(MoveParent(rng.choice(at_work), rng.choice(tuple(ParentTrigger)[:3]), "at random"))
    else:
        loop.decide(RequestCancelAll(SYMBOL, "at random"))


def amend_an_order(runner: SessionRunner, rng: random.Random) -> None:
    """Another price and quantity for a resting order; what cannot be amended is left alone."""
    resting = [order for order in runner.loop.ledger.orders.values() if _rests(order)]
    if not resting:
        return
    order = rng.choice(resting)
    assert order.ticket.limit_price is not None, "a resting order has a limit"
    price = order.ticket.limit_price + TICK * rng.randrange(-10, 11)
    quantity = max(PART, order.quantity + PART * rng.randrange(-2, 3))
    try:
        runner.loop.decide(RequestModify(order.client_order_id, price, quantity, "at random"))
    except ValueError:
        return


def _rests(order: Order) -> bool:
    return order.is_open and order.ticket.order_type is OrderType.LIMIT and order.ticket.parent_id is None
