"""An exit that trades while an order turns its position: what both open beyond what was approved is taken back."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import Tick
from src.domain.ledger.events import ParentOpened
from src.domain.orders.news import OutcomeUnknown, Refused
from src.domain.orders.types import OrderStatus, OrderType, Purpose, TimeInForce
from src.domain.risk.rules import MANUAL
from tests.domain.decisions.trim_scenes import (
    STOP_TRADE,
    TURN_TRADE,
    a_turn,
    is_at_work,
    taken_back,
    the_trim,
    trims,
)
from tests.support.domain_builders import BUY, ETH, SELL, a_fill, a_read, an_exit
from tests.support.domain_scene import Scene, alarms


@pytest.mark.parametrize("opens", ["0.5", "1", "3"])
def test_what_a_stop_and_a_turning_order_opened_between_them_is_taken_back_at_once(opens: str):
    scene = Scene()
    stop, turn = a_turn(scene, opens)

    before = scene.fill(stop, STOP_TRADE)
    step = scene.fill(turn, TURN_TRADE)

    assert trims(before) == []
    assert trims(step) == taken_back(1)
    assert any("1.000 more than was approved is held" in text for text in alarms(step))

    scene.accept(the_trim(scene))
    scene.fill(the_trim(scene), 12)
    assert scene.position.quantity == -Decimal(opens)
    assert not is_at_work(scene)


def test_it_is_taken_back_as_well_when_the_turning_order_is_heard_of_first():
    scene = Scene()
    stop, turn = a_turn(scene)

    before = scene.fill(turn, TURN_TRADE)
    scene.ledger.release_settled()
    step = scene.fill(stop, STOP_TRADE)

    assert trims(before) == []
    assert trims(step) == taken_back(1)


@pytest.mark.parametrize("turn_first", [False, True])
@pytest.mark.parametrize(
    "exit_", ["target", "exit by hand", "emergency close", "a stop that closes what is held"]
)
def test_any_exit_that_reduces_what_is_being_turned_races_in_the_same_way(exit_: str, turn_first: bool):
    scene = Scene()
    scene.hold(1)
    tickets = {
        "exit by hand": an_exit(strategy_id=MANUAL),
        "emergency close": an_exit(purpose=Purpose.EMERGENCY),
        "a stop that closes what is held": an_exit(
            order_type=OrderType.STOP_MARKET, stop_price=99, close_position=True, strategy_id=MANUAL
        ),
    }
    if exit_ == "target":
        (closing,) = scene.open(Purpose.PROTECTIVE_TARGET)
    else:
        closing = scene.place(tickets[exit_])
        scene.accept(closing)
    turn = scene.place(quantity=2, side=SELL)
    first, second = (turn, closing) if turn_first else (closing, turn)
    numbers = {closing.client_order_id: STOP_TRADE, turn.client_order_id: TURN_TRADE}

    before = scene.fill(first, numbers[first.client_order_id])
    step = scene.fill(second, numbers[second.client_order_id])

    assert trims(before) == []
    assert trims(step) == taken_back(1)


def test_a_short_position_is_turned_in_the_same_way():
    scene = Scene()
    scene.hold(1, SELL)
    stop, turn = scene.stop, scene.place(quantity=3, side=BUY)

    scene.fill(stop, STOP_TRADE)
    step = scene.fill(turn, TURN_TRADE)

    assert trims(step) == [(SELL, Decimal(1), OrderType.MARKET, True, Purpose.EXIT, "sma")]


def test_an_order_within_a_limit_that_trades_at_once_turns_a_position_as_well():
    scene = Scene()
    stop, turn = a_turn(scene, limit_price=99, time_in_force=TimeInForce.IOC)

    scene.fill(stop, STOP_TRADE)

    assert trims(scene.fill(turn, TURN_TRADE)) == taken_back(1)


def test_without_a_race_nothing_is_written_that_was_not_written_before():
    scene = Scene()
    stop, turn = a_turn(scene)

    scene.fill(turn, TURN_TRADE)
    scene.hear(stop, OrderStatus.CANCELED)
    scene.decide(Tick())

    assert not any(isinstance(event, ParentOpened) for _, event in scene.journal)
    assert scene.position.quantity == -1


@pytest.mark.parametrize(
    ("parts", "expected"), [(["0.4", "0.6"], ["0.4", "0.6"]), (["0.2", "0.3", "0.5"], ["0.2", "0.3", "0.5"])]
)
def test_a_stop_that_trades_in_parts_is_taken_back_in_parts(parts: list[str], expected: list[str]):
    scene = Scene()
    stop, turn = a_turn(scene)

    for number, part in enumerate(parts):
        scene.fill(stop, STOP_TRADE + number, part)
    step = scene.fill(turn, 20)

    assert trims(step) == [each for part in expected for each in taken_back(part)]
    for number, order in enumerate([o for o in scene.ledger.orders.values() if o.ticket.parent_id]):
        scene.fill(order, 30 + number)
    assert scene.position.quantity == -1


def test_a_stop_that_trades_in_parts_around_the_news_of_the_turn_is_taken_back_whole():
    scene = Scene()
    stop, turn = a_turn(scene)

    scene.fill(stop, STOP_TRADE, "0.4")
    first = scene.fill(turn, 20)
    second = scene.fill(stop, STOP_TRADE + 1, "0.6")

    assert trims(first) == taken_back("0.4")
    assert trims(second) == taken_back("0.6")


@pytest.mark.parametrize("stop_first", [True, False])
@pytest.mark.parametrize(("filled", "excess"), [("0.5", None), ("1", None), ("1.5", "0.5"), ("1.9", "0.9")])
def test_of_a_turn_that_ends_half_filled_only_what_is_beyond_its_approval_is_taken_back(
    filled: str, excess: str | None, stop_first: bool
):
    scene = Scene()
    stop, turn = a_turn(scene)

    if stop_first:
        scene.fill(stop, STOP_TRADE)
        scene.fill(turn, TURN_TRADE, filled)
    else:
        scene.fill(turn, TURN_TRADE, filled)
        scene.fill(stop, STOP_TRADE)
    waits = scene.decide(Tick())
    step = scene.hear(turn, OrderStatus.EXPIRED, Decimal(filled))

    assert trims(waits) == []
    assert trims(step) == (taken_back(excess) if excess else [])
    assert is_at_work(scene) is (excess is not None)


def test_a_turn_that_the_exchange_refuses_leaves_nothing_to_take_back():
    scene = Scene()
    scene.hold(1)
    stop, turn = scene.stop, scene.place(quantity=2, side=SELL)

    scene.fill(stop, STOP_TRADE)
    step = scene.decide(Refused(turn.client_order_id, -2019, "margin is insufficient"))

    assert trims(step) == []
    assert not is_at_work(scene)


def test_while_the_outcome_of_the_turn_is_unknown_nothing_is_taken_back():
    scene = Scene()
    scene.hold(1)
    stop, turn = scene.stop, scene.place(quantity=2, side=SELL)
    scene.fill(stop, STOP_TRADE)

    lost = scene.decide(OutcomeUnknown(turn.client_order_id, "timeout"))
    part = scene.fill(turn, TURN_TRADE, "1.5")
    whole = scene.fill(turn, TURN_TRADE + 1)

    assert (trims(lost), trims(part), trims(whole)) == ([], [], taken_back(1))


def test_while_a_trade_is_missing_nothing_is_taken_back():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE)
    fill = a_fill(turn, TURN_TRADE, "1.5")

    claimed = scene.hear(turn, OrderStatus.FILLED, 2, fill)
    heard = scene.hear(turn, OrderStatus.FILLED, 2, a_fill(turn, TURN_TRADE + 1, "0.5"))

    assert (trims(claimed), trims(heard)) == ([], taken_back(1))


def test_while_a_trade_of_a_turn_that_has_ended_is_missing_nothing_is_taken_back():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE)
    scene.fill(turn, TURN_TRADE, 1)

    ended = scene.hear(turn, OrderStatus.EXPIRED, Decimal("1.9"))
    heard = scene.hear(turn, OrderStatus.EXPIRED, Decimal("1.9"), a_fill(turn, TURN_TRADE + 1, "0.9"))

    assert (trims(ended), trims(heard)) == ([], taken_back("0.9"))


@pytest.mark.parametrize("other", [{"side": BUY}, {"side": BUY, "limit_price": 90}, {"side": SELL}])
def test_while_another_outcome_of_the_symbol_is_unknown_nothing_is_taken_back(other: dict):
    scene = Scene()
    stop, turn = a_turn(scene)
    by_hand = scene.place(strategy_id=MANUAL, **other)
    scene.decide(OutcomeUnknown(by_hand.client_order_id, "timeout"))

    scene.fill(stop, STOP_TRADE)
    unknown = scene.fill(turn, TURN_TRADE)
    dead = scene.decide(a_read(dead=[by_hand.client_order_id]))

    assert (trims(unknown), trims(dead)) == ([], taken_back(1))


def test_what_is_unknown_in_another_symbol_is_not_waited_for():
    scene = Scene()
    scene.decide(OutcomeUnknown(scene.place(symbol=ETH).client_order_id, "timeout"))
    stop, turn = a_turn(scene)

    scene.fill(stop, STOP_TRADE)

    assert trims(scene.fill(turn, TURN_TRADE)) == taken_back(1)


def test_parts_of_a_stop_beside_a_turn_that_ends_half_filled_are_taken_back_no_further_than_approved():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE, "0.4")
    scene.fill(stop, STOP_TRADE + 1, "0.6")
    scene.fill(turn, 20, "1.5")

    step = scene.hear(turn, OrderStatus.EXPIRED, Decimal("1.5"))

    assert trims(step) == taken_back("0.4") + taken_back("0.1")


def test_a_race_that_is_over_says_nothing_of_the_next():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE)
    scene.fill(turn, TURN_TRADE)
    scene.fill(the_trim(scene), 12)
    scene.fill(scene.place(an_exit(side=BUY)), 13)
    scene.hold(1, trade_id=14)
    (stop,) = (each for each in scene.open(Purpose.PROTECTIVE_STOP) if each.side is SELL)
    turn = scene.place(quantity=4, side=SELL)

    scene.fill(stop, 20, 1)
    scene.fill(turn, 21, "2.5")

    assert trims(scene.hear(turn, OrderStatus.EXPIRED, Decimal("2.5"))) == []


# --- exits that are heard of late ---


def test_an_exit_by_hand_that_overtook_the_turn_is_taken_back_when_it_is_heard_of_last():
    scene = Scene()
    _, turn = a_turn(scene)
    scene.now_ms += 200
    leaving = scene.place(an_exit(strategy_id=MANUAL))

    scene.fill(turn, TURN_TRADE)
    scene.ledger.release_settled()

    assert trims(scene.fill(leaving, STOP_TRADE)) == taken_back(1)


def test_an_exit_that_traded_after_everything_that_is_known_points_to_a_missing_trade():
    """It cannot have grown a position at the exchange."""
    scene = Scene()
    stop, turn = a_turn(scene)

    scene.fill(turn, TURN_TRADE)
    step = scene.fill(stop, TURN_TRADE + 1)

    assert trims(step) == []
    assert not scene.ledger.parents


def test_parts_of_a_stop_that_are_heard_of_in_another_order_are_nothing_but_a_stop():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.hear(turn, OrderStatus.EXPIRED)

    scene.fill(stop, STOP_TRADE + 1, "0.5")
    step = scene.fill(stop, STOP_TRADE, "0.5")

    assert scene.position.is_flat
    assert trims(step) == []
    assert not scene.ledger.parents


# --- what is no turn ---


@pytest.mark.parametrize(
    "entry",
    [
        {"side": BUY},
        {"side": SELL, "quantity": 2, "limit_price": 120},
        {"side": SELL, "quantity": 2, "limit_price": 99, "time_in_force": TimeInForce.GTC},
        {"side": SELL, "quantity": 2, "parent_id": "by hand"},
        {"side": SELL, "quantity": 2, "symbol": ETH},
    ],
    ids=["the same side", "rests", "may rest", "a part of a parent", "another symbol"],
)
def test_an_exit_beside_an_entry_that_is_no_turn_by_a_strategy_writes_nothing_down(entry: dict):
    scene = Scene()
    scene.hold(1)
    scene.accept(scene.place(**entry))

    scene.fill(scene.stop, STOP_TRADE)

    assert not any(isinstance(event, ParentOpened) for _, event in scene.journal)
