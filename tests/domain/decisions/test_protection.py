"""Protective orders: there from the first fill, growing before the old one goes, shrinking lazily, gone when flat."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import RequestProtection, Tick
from src.domain.decisions.step import Policy
from src.domain.market.sides import PositionSide
from src.domain.orders.news import OrderNews, Refused
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderStatus, OrderType, Purpose, WorkingType
from src.domain.sessions.trading_states import SymbolState
from tests.support.domain_builders import (
    BTC,
    BUY,
    SELL,
    a_fill,
    a_report,
    a_view,
    an_exit,
    an_instrument,
)
from tests.support.domain_scene import Scene, alarms, cancels, purposes, submits

STOP, TARGET = Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET


# --- placed with the first fill -----------------------------------------------------------------------------


def test_stop_and_target_are_placed_in_the_step_of_the_first_fill():
    scene = Scene()
    order = scene.place(quantity=2)

    step = scene.fill(order, quantity=1)

    stop, target = (effect.ticket for effect in submits(step))
    assert (stop.purpose, stop.order_type, stop.side) == (STOP, OrderType.STOP_MARKET, SELL)
    assert (target.purpose, target.order_type, target.side) == (TARGET, OrderType.TAKE_PROFIT_MARKET, SELL)
    assert stop.reduce_only and target.reduce_only
    assert stop.strategy_id == "sma"


def test_they_cover_what_the_entry_may_still_fill():
    scene = Scene()
    order = scene.place(quantity=3)

    step = scene.fill(order, quantity=1)

    assert [effect.ticket.quantity for effect in submits(step)] == [3, 3]


def test_a_position_that_is_off_a_step_that_has_changed_is_covered_by_the_next_larger_quantity():
    scene = Scene(a_view(instruments={BTC: an_instrument(step_size=Decimal("0.01"))}))

    order = scene.place(quantity=Decimal("0.009"))

    step = scene.fill(order)

    assert [effect.ticket.quantity for effect in submits(step)] == [Decimal("0.01"), Decimal("0.01")]


def test_an_emergency_close_of_such_a_position_is_as_large_too():
    scene = Scene(a_view(instruments={BTC: an_instrument(step_size=Decimal("0.01"))}))
    scene.hold(Decimal("0.009"), protected=False)

    step = scene.decide(Refused(scene.stop.client_order_id, -2021, "would trigger"))

    (close,) = (effect.ticket for effect in submits(step))
    assert (close.purpose, close.quantity) == (Purpose.EMERGENCY, Decimal("0.01"))


def test_the_further_fills_of_the_same_entry_need_no_new_ones():
    scene = Scene()
    order = scene.place(quantity=3)
    scene.fill(order, 1, quantity=1)

    steps = [scene.fill(order, trade_id, quantity=1) for trade_id in (2, 3)]

    assert [step.effects for step in steps] == [[], []]


@pytest.mark.parametrize(("side", "stop", "target"), [(BUY, "98", "105"), (SELL, "102", "95")])
def test_without_a_word_the_policy_says_where_they_trigger(side, stop, target):
    scene = Scene(stop_loss_pct=Decimal("0.02"), take_profit_pct=Decimal("0.05"))

    scene.hold(side=side)

    assert scene.stop.ticket.stop_price == Decimal(stop)
    assert scene.open(TARGET)[0].ticket.stop_price == Decimal(target)


def test_the_entry_itself_may_say_where_they_trigger():
    scene = Scene()

    scene.fill(scene.place(stop_loss_price=90, take_profit_price=120))

    assert scene.stop.ticket.stop_price == 90
    assert scene.open(TARGET)[0].ticket.stop_price == 120


@pytest.mark.parametrize(
    ("side", "price", "stop", "target"),
    [(BUY, "100.3", "98.3", "105.3"), (SELL, "100.3", "102.3", "95.3")],
)
def test_trigger_prices_are_rounded_towards_the_entry(side, price, stop, target):
    scene = Scene()

    scene.fill(scene.place(side=side), price=price)

    assert scene.stop.ticket.stop_price == Decimal(stop)
    assert scene.open(TARGET)[0].ticket.stop_price == Decimal(target)


def test_a_policy_without_percentages_places_nothing():
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))

    step = scene.fill(scene.place())

    assert step.effects == []


def test_a_policy_that_wants_none_any_more_takes_them_away():
    scene = Scene()
    scene.hold()
    standing = [scene.stop.client_order_id, scene.open(TARGET)[0].client_order_id]
    scene.policy = Policy(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))

    step = scene.decide(Tick())

    assert sorted(cancels(step)) == sorted(standing)


def test_the_working_type_of_the_policy_triggers_them():
    scene = Scene(working_type=WorkingType.MARK_PRICE)

    scene.hold()

    assert scene.stop.ticket.working_type is WorkingType.MARK_PRICE


def test_a_position_made_by_somebody_else_is_protected_too():
    scene = Scene()
    foreign = a_report(scene.place(), OrderStatus.FILLED, 1, client_order_id="web_1", exchange_order_id=777)

    step = scene.stream(OrderNews(foreign, a_fill()))

    assert purposes(step) == [STOP, TARGET]


# --- growing, shrinking, turning ----------------------------------------------------------------------------


def test_a_position_that_grows_gets_the_new_stop_before_the_old_one_goes():
    scene = Scene()
    scene.hold(1)
    old = scene.stop
    more = scene.place()
    scene.accept(more)

    grown = scene.fill(more, 2)
    _, new = scene.open(STOP)
    acknowledged = scene.accept(new)

    assert (purposes(grown), cancels(grown)) == ([STOP, TARGET], [])
    assert new.quantity == 2
    assert cancels(acknowledged) == [old.client_order_id]


def test_the_stream_may_acknowledge_the_new_stop_as_well():
    scene = Scene()
    scene.hold(1)
    old = scene.stop
    scene.fill(scene.place(), 2)
    _, new = scene.open(STOP)

    step = scene.hear(new)

    assert cancels(step) == [old.client_order_id]


def test_a_position_that_shrinks_keeps_its_larger_stop():
    scene = Scene()
    scene.hold(2)

    step = scene.fill(scene.place(an_exit(quantity=1)), 2)

    assert step.effects == []
    assert scene.stop.quantity == 2


def test_a_position_that_turned_around_gets_stops_of_the_other_side_and_loses_the_old_ones():
    scene = Scene()
    scene.hold(1)
    old = [scene.stop.client_order_id, scene.open(TARGET)[0].client_order_id]

    step = scene.fill(scene.place(side=SELL, quantity=3), 2)

    assert scene.position.quantity == -2
    assert sorted(cancels(step)) == sorted(old)
    assert [effect.ticket.side for effect in submits(step)] == [BUY, BUY]


def test_a_closed_position_takes_its_stops_with_it():
    scene = Scene()
    scene.hold(1)
    stop, (target,) = scene.stop, scene.open(TARGET)

    step = scene.fill(scene.place(an_exit()), 2)

    assert sorted(cancels(step)) == sorted([stop.client_order_id, target.client_order_id])
    assert submits(step) == []


def test_a_stop_that_fills_closes_the_position_and_takes_the_target_with_it():
    scene = Scene()
    scene.hold(1)
    (target,) = scene.open(TARGET)

    step = scene.fill(scene.stop, 2, price=98)

    assert scene.position.is_flat
    assert cancels(step) == [target.client_order_id]


def test_a_stop_that_fills_in_part_still_covers_what_is_left():
    scene = Scene()
    scene.hold(2)

    step = scene.fill(scene.stop, 2, quantity=1)

    assert step.effects == []
    assert scene.stop.remaining_quantity == 1


@pytest.mark.parametrize("end", [OrderStatus.EXPIRED, OrderStatus.CANCELED])
def test_a_stop_that_ends_while_the_position_is_open_has_a_successor_at_once(end):
    scene = Scene()
    scene.hold()

    step = scene.hear(scene.stop, end)

    assert purposes(step) == [STOP]


def test_a_stop_that_is_rejected_when_it_triggers_becomes_a_market_close():
    scene = Scene()
    scene.hold()

    step = scene.hear(scene.stop, OrderStatus.REJECTED)

    assert purposes(step) == [Purpose.EMERGENCY]


def test_a_later_entry_with_its_own_stop_price_moves_the_stop_without_a_naked_moment():
    scene = Scene()
    scene.hold(2)
    old = scene.stop
    scene.fill(scene.place(an_exit(quantity=1)), 2)
    entry = scene.place(quantity=1, stop_loss_price=Decimal("97.53"))

    filled = scene.fill(entry, 3)
    (new,) = [order for order in scene.open(STOP) if order is not old]
    accepted = scene.accept(new)

    assert purposes(filled) == [STOP]
    assert cancels(filled) == []
    assert new.ticket.stop_price == Decimal("97.6")
    assert cancels(accepted) == [old.client_order_id]


def test_a_person_may_ask_for_another_target():
    scene = Scene()
    scene.hold()

    step = scene.decide(RequestProtection(BTC, PositionSide.BOTH, take_profit_price=Decimal(107)))

    (target,) = submits(step)
    assert (target.ticket.purpose, target.ticket.stop_price) == (TARGET, Decimal(107))


def test_a_trailing_stop_takes_the_place_of_the_fixed_one():
    scene = Scene(trailing_stop_pct=Decimal("0.015"))

    scene.hold()

    ticket = scene.stop.ticket
    assert ticket.order_type is OrderType.TRAILING_STOP_MARKET
    assert (ticket.callback_pct, ticket.stop_price) == (Decimal("0.015"), None)
    assert ticket.reduce_only


def test_a_trailing_stop_that_has_followed_the_price_stays_beside_the_one_for_more():
    scene = Scene(trailing_stop_pct=Decimal("0.015"))
    scene.hold(1)
    first = scene.stop

    scene.hold(1, trade_id=2)
    last = scene.open(STOP)[-1]
    looked_at = scene.decide(Tick())
    closing = scene.fill(scene.place(quantity=2, side=SELL), 3)

    assert first.is_open
    assert (first.quantity, last.quantity) == (Decimal(1), Decimal(2))
    assert submits(looked_at) == []
    assert first.client_order_id not in cancels(looked_at)
    assert {first.client_order_id, last.client_order_id} <= set(cancels(closing))


def test_the_newest_and_the_five_oldest_trailing_stops_stand():
    scene = Scene(trailing_stop_pct=Decimal("0.015"))

    for trade_id in range(1, 9):
        scene.hold(1, trade_id=trade_id)
        for order in list(scene.ledger.orders.values()):
            if order.ticket.purpose is STOP and order.cancel_state is CancelState.REQUESTED:
                scene.hear(order, OrderStatus.CANCELED)

    assert [order.quantity for order in scene.open(STOP)] == [1, 2, 3, 4, 5, 8]


def test_a_trailing_stop_goes_when_somebody_wants_a_price():
    scene = Scene(trailing_stop_pct=Decimal("0.015"))
    scene.hold(1)
    first = scene.stop
    scene.decide(RequestProtection(BTC, PositionSide.BOTH, Decimal(90), None))

    step = scene.accept(scene.open(STOP)[-1])

    assert cancels(step) == [first.client_order_id]


def test_a_stop_price_of_the_entry_is_stronger_than_a_trailing_policy():
    scene = Scene(trailing_stop_pct=Decimal("0.015"))

    scene.fill(scene.place(stop_loss_price=95))

    assert scene.stop.ticket.order_type is OrderType.STOP_MARKET


def test_a_position_that_is_covered_causes_nothing_however_often_it_is_looked_at():
    scene = Scene()
    scene.hold()

    steps = [scene.decide(Tick()) for _ in range(5)]

    assert [step.effects for step in steps] == [[]] * 5


# --- an instrument that the session does not follow ---------------------------------------------------------


def test_the_stop_of_a_position_whose_instrument_is_unknown_is_left_standing():
    scene = Scene()
    scene.hold()
    stop = scene.stop
    scene.view.instruments.clear()

    step = scene.decide(Tick())

    assert step.effects == []
    assert stop.is_open and stop.cancel_state == "NONE"


def test_a_naked_position_whose_instrument_is_unknown_is_alarmed_once_and_closed_for_entries():
    scene = Scene(a_view(instruments={}))

    first = scene.fill(scene.place())
    second = scene.decide(Tick())

    assert len(alarms(first)) == 1 and alarms(second) == []
    assert scene.ledger.symbol(BTC).state is SymbolState.CLOSED


@pytest.mark.parametrize("share", ["1", "1.5"])
@pytest.mark.parametrize(("price_min", "lowest"), [("0", "0.1"), ("1", "1")])
def test_a_target_below_every_price_triggers_at_the_lowest_one(share, price_min, lowest):
    scene = Scene(
        a_view(instruments={BTC: an_instrument(price_min=Decimal(price_min))}),
        take_profit_pct=Decimal(share),
    )

    scene.hold(side=SELL, protected=False)

    assert scene.open(TARGET)[0].ticket.stop_price == Decimal(lowest)


def test_an_entry_against_the_position_does_not_move_its_stop():
    scene = Scene()
    scene.fill(scene.place(quantity=2, stop_loss_price=90))

    scene.fill(scene.place(side=SELL, stop_loss_price=120), 2)

    assert scene.position.quantity == 1
    assert scene.position.stop_loss_price == 90
