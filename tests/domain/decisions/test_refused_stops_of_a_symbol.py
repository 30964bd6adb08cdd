"""A symbol whose stops the exchange refuses for what they are: nothing more is opened there until a person says so."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import ReopenSymbol, RequestProtection
from src.domain.decisions.step import Step
from src.domain.decisions.watch import UNPROTECTED
from src.domain.market.sides import PositionSide
from src.domain.orders.news import NotSent, Refused
from src.domain.orders.order import Order
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.sessions.trading_states import SymbolState
from tests.support.domain_builders import BTC, a_fill
from tests.support.domain_scene import Scene, alarms, cancels, purposes

BAD_RATE = -2007


def refuse(scene: Scene, order: Order, code: int = BAD_RATE) -> Step:
    return scene.decide(Refused(order.client_order_id, code, "Invalid callBack rate"))


def open_in_vain(scene: Scene, trade_id: int, code: int = BAD_RATE) -> Step:
    """A position whose stop is refused and which is closed at the market; the step of the refusal."""
    scene.hold(protected=False, trade_id=trade_id)
    step = refuse(scene, scene.stop, code)
    (close,) = scene.open(Purpose.EMERGENCY)
    scene.fill(close, trade_id + 1)
    return step


def state(scene: Scene) -> SymbolState:
    return scene.ledger.symbol(BTC).state


def test_three_positions_in_a_row_whose_stops_were_refused_close_the_symbol():
    scene = Scene()
    open_in_vain(scene, 1)
    open_in_vain(scene, 3)
    before = state(scene)

    step = open_in_vain(scene, 5)

    assert (before, state(scene)) == (SymbolState.TRADING, SymbolState.CLOSED)
    assert purposes(step) == [Purpose.EMERGENCY]
    assert alarms(step) == [
        f"{UNPROTECTED}, 3 in a row: nothing is opened without one (Invalid callBack rate (-2007))"
    ]


def test_what_was_to_be_opened_there_is_canceled_and_what_protects_stays():
    scene = Scene()
    open_in_vain(scene, 1)
    open_in_vain(scene, 3)
    here, elsewhere = scene.place(), scene.place(symbol="ETHUSDT")
    scene.accept(here)
    scene.accept(elsewhere)
    scene.hold(protected=False, trade_id=5)
    *_, target = scene.open(Purpose.PROTECTIVE_TARGET)
    scene.accept(target)

    step = refuse(scene, scene.stop)

    assert cancels(step) == [here.client_order_id]


@pytest.mark.parametrize("code", [-2021, -2022, -4118, -4142])
def test_a_stop_that_the_market_or_the_position_has_overtaken_is_not_counted(code):
    scene = Scene()
    for number in range(1, 12, 2):
        open_in_vain(scene, number, code)

    assert state(scene) is SymbolState.TRADING


@pytest.mark.parametrize("between", ["overtaken", "refused for its moment", "not sent"])
def test_what_says_nothing_of_the_stop_itself_does_not_end_the_row(between):
    scene = Scene()
    open_in_vain(scene, 1)
    open_in_vain(scene, 3)
    if between == "overtaken":
        open_in_vain(scene, 5, -2021)
    scene.hold(protected=False, trade_id=7)
    if between == "refused for its moment":
        refuse(scene, scene.stop, -4140)
    elif between == "not sent":
        scene.decide(NotSent(scene.stop.client_order_id, "no route"))
    before, _ = state(scene), scene.wait_for(Purpose.PROTECTIVE_STOP)

    refuse(scene, scene.stop)

    assert (before, state(scene)) == (SymbolState.TRADING, SymbolState.CLOSED)


def test_a_stop_refused_for_its_moment_is_not_counted():
    scene = Scene()
    scene.hold(protected=False)
    for _ in range(6):
        refuse(scene, scene.stop, -4140)
        scene.wait_for(Purpose.PROTECTIVE_STOP)

    assert state(scene) is SymbolState.TRADING


def test_a_stop_refused_beside_one_that_stands_is_not_counted():
    scene = Scene()
    scene.hold()
    standing = scene.stop
    for price in (91, 92, 93):
        scene.now_ms += 60_000
        scene.decide(RequestProtection(BTC, PositionSide.BOTH, stop_loss_price=Decimal(price)))
        (moved,) = [order for order in scene.open(Purpose.PROTECTIVE_STOP) if order is not standing]
        refuse(scene, moved)

    assert scene.stop is standing
    assert state(scene) is SymbolState.TRADING


def test_a_stop_that_the_exchange_takes_ends_the_row():
    scene = Scene()
    open_in_vain(scene, 1)
    open_in_vain(scene, 3)
    scene.hold(trade_id=5)
    stop = scene.stop
    scene.hear(stop, OrderStatus.FILLED, 1, a_fill(stop, 6, 1))

    open_in_vain(scene, 7)
    open_in_vain(scene, 9)

    assert state(scene) is SymbolState.TRADING


def test_a_symbol_that_a_person_has_reopened_is_closed_by_the_next_refusal():
    scene = Scene()
    for number in (1, 3, 5):
        open_in_vain(scene, number)
    scene.decide(ReopenSymbol(BTC, "owner"))
    reopened = state(scene)

    open_in_vain(scene, 7)

    assert (reopened, state(scene)) == (SymbolState.TRADING, SymbolState.CLOSED)


def test_a_refused_target_leaves_a_reopened_symbol_as_it_is():
    scene = Scene()
    for number in (1, 3, 5):
        open_in_vain(scene, number)
    scene.decide(ReopenSymbol(BTC, "owner"))
    scene.hold(protected=False, trade_id=7)
    *_, target = scene.open(Purpose.PROTECTIVE_TARGET)

    refuse(scene, target, -4045)

    assert state(scene) is SymbolState.TRADING
