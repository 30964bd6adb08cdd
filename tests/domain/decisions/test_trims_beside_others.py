"""What takes an excess back leaves alone what somebody else did, and goes on in whatever state the session is."""

from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.news import (
    MoveParent,
    MoveSession,
    MoveTrading,
    RequestCancelAll,
)
from src.domain.ledger.events import ParentOpened
from src.domain.market.sides import PositionSide
from src.domain.orders.news import NotSent, OrderNews
from src.domain.orders.parents import ParentTrigger
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.risk.rules import MANUAL
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger
from tests.domain.decisions.trim_scenes import (
    STOP_TRADE,
    TURN_TRADE,
    a_race,
    a_turn,
    is_at_work,
    later,
    taken_back,
    the_trim,
    trims,
)
from tests.support.domain_builders import BUY, SELL, a_fill, a_report, an_exit
from tests.support.domain_scene import Scene, purposes

# --- what somebody else does ---


def test_a_position_that_somebody_turned_by_hand_is_left_as_they_ordered_it():
    scene = Scene()
    stop, turn = a_turn(scene, strategy_id=MANUAL)

    steps = [scene.fill(stop, STOP_TRADE), scene.fill(turn, TURN_TRADE)]

    assert [trims(step) for step in steps] == [[], []]
    assert scene.position.quantity == -2


def test_what_a_person_sold_beside_a_turn_is_left_as_they_ordered_it():
    scene = Scene()
    _, turn = a_turn(scene)
    by_hand = scene.place(side=SELL, strategy_id=MANUAL)

    steps = [scene.fill(by_hand, STOP_TRADE), scene.fill(turn, TURN_TRADE)]

    assert [trims(step) for step in steps] == [[], []]
    assert scene.position.quantity == -2


@pytest.mark.parametrize("forced", ["web_1", "autoclose-1", "adl_autoclose"])
def test_what_somebody_else_or_the_exchange_closed_is_left_alone(forced: str):
    scene = Scene()
    _, turn = a_turn(scene)
    foreign = a_report(turn, OrderStatus.FILLED, 1, client_order_id=forced, exchange_order_id=777)

    steps = [
        scene.stream(OrderNews(foreign, a_fill(None, STOP_TRADE, 1, side=SELL))),
        scene.fill(turn, TURN_TRADE),
    ]

    assert [trims(step) for step in steps] == [[], []]


def test_what_somebody_else_adds_beside_an_excess_is_left_alone():
    scene = Scene()
    trim, _ = a_race(scene)
    foreign = a_report(trim, OrderStatus.FILLED, 3, client_order_id="web_1", exchange_order_id=777, side=SELL)
    scene.decide(NotSent(trim.client_order_id, "no route"))

    scene.stream(OrderNews(foreign, a_fill(None, 12, 3, side=SELL)))

    assert trims(later(scene)) == taken_back(1)


def test_an_excess_that_somebody_else_has_traded_away_is_not_traded_away_again():
    scene = Scene()
    trim, _ = a_race(scene)
    foreign = a_report(trim, OrderStatus.FILLED, 1, client_order_id="web_1", exchange_order_id=777)
    scene.decide(NotSent(trim.client_order_id, "no route"))

    scene.stream(OrderNews(foreign, a_fill(None, 12, 1, side=BUY)))

    assert trims(later(scene)) == []
    assert not is_at_work(scene)
    assert scene.position.quantity == -1
    assert [parent.reason for parent in scene.ledger.parents.values()] == [
        "no more is held than was approved"
    ]


def test_what_an_entry_adds_later_is_not_taken_back():
    scene = Scene()
    trim, _ = a_race(scene)
    scene.decide(NotSent(trim.client_order_id, "no route"))
    later_entry = scene.place(quantity=5, side=SELL)

    waits = later(scene)
    step = scene.fill(later_entry, 12)

    assert trims(waits) == []
    assert trims(step) == taken_back(1)


def test_an_excess_is_not_taken_back_from_a_position_that_was_closed_meanwhile():
    scene = Scene()
    trim, _ = a_race(scene)
    scene.decide(NotSent(trim.client_order_id, "no route"))
    closing = scene.place(an_exit(quantity=2, side=BUY))

    scene.fill(closing, 12)
    scene.hold(3, SELL, trade_id=13)

    assert trims(later(scene)) == []


def test_a_fill_of_an_exit_that_no_late_news_explains_is_left_to_recovery():
    """Somebody else's trade is missing: an exit cannot have grown a position at the exchange."""
    scene = Scene()
    scene.hold(1)
    closing = scene.place(an_exit())
    scene.accept(closing)
    scene.fill(scene.stop, 20)

    step = scene.fill(closing, 21)

    assert trims(step) == []
    assert not scene.ledger.parents


def test_an_exit_that_only_raced_an_order_by_hand_is_left_alone_when_it_is_heard_of_late():
    scene = Scene()
    scene.hold(1)
    stop, by_hand = scene.stop, scene.place(quantity=1, side=SELL, strategy_id=MANUAL)
    scene.now_ms += 10_000

    scene.fill(by_hand, TURN_TRADE)
    step = scene.fill(stop, STOP_TRADE)

    assert trims(step) == []
    assert not scene.ledger.parents


def test_an_exit_that_only_raced_an_order_by_hand_is_left_alone_beside_a_turn_long_before():
    scene = Scene()
    scene.hold(1, SELL)
    scene.fill(scene.place(an_exit(side=BUY)), 2)
    scene.now_ms += 20_000
    scene.hold(1, trade_id=3)
    (stop,) = (each for each in scene.open(Purpose.PROTECTIVE_STOP) if each.side is SELL)
    by_hand = scene.place(quantity=1, side=SELL, strategy_id=MANUAL)

    scene.fill(by_hand, TURN_TRADE)
    step = scene.fill(stop, STOP_TRADE)

    assert trims(step) == []
    assert not scene.ledger.parents


def test_what_somebody_adds_beside_a_late_exit_that_closed_before_it_opened_is_left_alone():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(turn, TURN_TRADE, "0.5")
    scene.hear(turn, OrderStatus.EXPIRED, Decimal("0.5"))
    scene.fill(stop, STOP_TRADE)
    scene.decide(NotSent(the_trim(scene).client_order_id, "no route"))
    foreign = a_report(turn, OrderStatus.FILLED, 3, client_order_id="web_1", exchange_order_id=777)

    scene.stream(OrderNews(foreign, a_fill(None, 12, 3, side=SELL)))

    assert trims(later(scene)) == taken_back("0.5")


# --- the session around it ---


@pytest.mark.parametrize("trigger", [TradingTrigger.HALT, TradingTrigger.REDUCE])
def test_an_excess_is_taken_back_while_nothing_may_be_opened(trigger: TradingTrigger):
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE)
    scene.decide(MoveTrading(trigger, "wanted", "operator"))

    assert trims(scene.fill(turn, TURN_TRADE)) == taken_back(1)


@pytest.mark.parametrize("trigger", [SessionTrigger.PAUSE, SessionTrigger.STOP])
def test_an_excess_is_taken_back_while_the_session_is_paused_or_stops(trigger: SessionTrigger):
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE)
    scene.decide(MoveSession(trigger, "wanted"))

    assert trims(scene.fill(turn, TURN_TRADE)) == taken_back(1)


def test_a_session_that_is_stopped_takes_nothing_back_any_more():
    scene = Scene()
    trim, _ = a_race(scene)
    scene.decide(NotSent(trim.client_order_id, "no route"))

    scene.decide(MoveSession(SessionTrigger.STOP, "wanted"))
    scene.decide(MoveSession(SessionTrigger.CLEANED_UP, "stopped"))

    assert not is_at_work(scene)


def test_a_person_may_pause_it():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE)
    (name,) = scene.ledger.parents
    scene.decide(MoveParent(name, ParentTrigger.PAUSE, "by hand"))

    paused = scene.fill(turn, TURN_TRADE)
    resumed = scene.decide(MoveParent(name, ParentTrigger.RESUME, "by hand"))

    assert (trims(paused), trims(resumed)) == ([], taken_back(1))


def test_whoever_cancels_everything_ends_it_too():
    scene = Scene()
    trim, _ = a_race(scene)
    scene.decide(NotSent(trim.client_order_id, "no route"))

    scene.decide(RequestCancelAll(None, "by hand"))

    assert trims(later(scene)) == []
    assert not is_at_work(scene)


def test_an_emergency_close_goes_first():
    scene = Scene()
    trim, _ = a_race(scene)
    scene.decide(NotSent(trim.client_order_id, "no route"))

    closing = scene.decide(MoveTrading(TradingTrigger.HALT, "wanted", "operator", flatten=True))
    waits = later(scene)
    (close,) = scene.open(Purpose.EMERGENCY)
    scene.fill(close, 12)

    assert Purpose.EMERGENCY in purposes(closing)
    assert trims(waits) == []
    assert scene.position.is_flat
    assert not is_at_work(scene)


@pytest.mark.parametrize("late", [False, True])
def test_in_hedge_mode_no_single_order_turns_a_position(late: bool):
    scene = Scene()
    long: dict[str, Any] = {"position_side": PositionSide.LONG}
    short: dict[str, Any] = {"position_side": PositionSide.SHORT}
    entry, other = scene.place(**long), scene.place(side=SELL, quantity=2, **short)
    closing = scene.place(an_exit(purpose=Purpose.EMERGENCY, **long))
    heard = [(other, 12, short), (closing, 10, long)] if late else [(closing, 10, long), (other, 12, short)]

    steps = [
        scene.hear(order, OrderStatus.FILLED, order.quantity, a_fill(order, number, order.quantity, **held))
        for order, number, held in (*heard, (entry, 9, long))
    ]

    assert [trims(step) for step in steps] == [[], [], []]
    assert not any(isinstance(event, ParentOpened) for _, event in scene.journal)
