"""What scenes with parent orders begin with, and how they go on."""

from decimal import Decimal
from typing import Any

from src.domain.decisions.news import OpenParent, Tick
from src.domain.orders.parents import ParentKind, ParentTicket
from src.domain.orders.types import Purpose
from tests.support.domain_builders import BTC, BUY, MARK
from tests.support.domain_scene import Scene, submits

SLICE_MS = 10_000


def a_scene(**changes: Any) -> Scene:
    """Without protective orders, which are not what these scenes are about."""
    return Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0), **changes)


def open_parent(scene: Scene, kind: ParentKind = ParentKind.TWAP, **changes: Any):
    values: dict[str, Any] = {
        "symbol": BTC,
        "side": BUY,
        "quantity": Decimal(10),
        "purpose": Purpose.ENTRY,
        "strategy_id": "sma",
        "reference_price": MARK,
    }
    if kind in (ParentKind.TWAP, ParentKind.VWAP):
        values |= {"start_ms": scene.now_ms, "end_ms": scene.now_ms + 3 * SLICE_MS, "slices": 3}
    step = scene.decide(OpenParent(ParentTicket(kind=kind, **(values | changes))))
    return step, next(iter(scene.ledger.parents.values()), None)


def quantities(step) -> list[Decimal]:
    return [effect.ticket.quantity for effect in submits(step)]


def child(scene: Scene, step):
    return scene.ledger.orders[submits(step)[0].attempt.client_order_id]


def later(scene: Scene, ms: int = SLICE_MS):
    scene.now_ms += ms
    return scene.decide(Tick())
