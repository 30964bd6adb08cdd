"""What scenes with trims begin with: a position that is being turned while its stop rests at the exchange."""

from decimal import Decimal

from src.domain.decisions.news import Tick
from src.domain.decisions.step import Step
from src.domain.orders.order import Order
from src.domain.orders.types import OrderType, Purpose
from tests.support.domain_builders import BUY, SELL
from tests.support.domain_scene import Scene, submits

STOP_TRADE, TURN_TRADE = 10, 11
PAUSE_MS = 5_000


def a_turn(scene: Scene, opens="1", **changes) -> tuple[Order, Order]:
    """One BTC is held, protected, and being turned; returns its stop and the order that turns it."""
    scene.hold(1)
    stop = scene.stop
    turn = scene.place(quantity=Decimal(1) + Decimal(opens), side=SELL, **changes)
    scene.accept(turn)
    return stop, turn


def a_race(scene: Scene) -> tuple[Order, Step]:
    """Stop and turning order have both traded; returns what takes one BTC back, and the step that sent it."""
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE)
    step = scene.fill(turn, TURN_TRADE)
    return the_trim(scene), step


def trims(step: Step) -> list[tuple]:
    """What a step sends to take something back."""
    tickets = [effect.ticket for effect in submits(step) if effect.ticket.parent_id is not None]
    return [(t.side, t.quantity, t.order_type, t.reduce_only, t.purpose, t.strategy_id) for t in tickets]


def taken_back(quantity) -> list[tuple]:
    return [(BUY, Decimal(quantity), OrderType.MARKET, True, Purpose.EXIT, "sma")]


def the_trim(scene: Scene) -> Order:
    """The one order that is under way to take something back."""
    (order,) = (o for o in scene.ledger.orders.values() if o.is_open and o.ticket.parent_id is not None)
    return order


def is_at_work(scene: Scene) -> bool:
    """Whether something may still be taken back."""
    return any(parent.is_working for parent in scene.ledger.parents.values())


def later(scene: Scene, ms: int = PAUSE_MS) -> Step:
    """Some time passes, by default as much as a new try waits for."""
    scene.now_ms += ms
    return scene.decide(Tick())
