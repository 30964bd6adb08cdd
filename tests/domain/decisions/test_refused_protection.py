"""What becomes of a position whose protective orders are refused or lost: never naked, and never a storm."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import RequestCancel, RequestProtection, Tick
from src.domain.decisions.reducing import STORM_PER_MINUTE
from src.domain.market.sides import PositionSide
from src.domain.orders.news import OrderNews, OutcomeUnknown, Refused
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.sessions.trading_states import SymbolState
from tests.support.domain_builders import BTC, SELL, a_fill, a_report, a_view, an_exit, an_instrument
from tests.support.domain_scene import Scene, alarms, cancels, purposes, reconciles, submits


def refused(order, code=-2010):
    return Refused(order.client_order_id, code, "no")


def unknown(order):
    return OutcomeUnknown(order.client_order_id, "timeout")


def test_a_stop_that_would_trigger_at_once_becomes_one_market_close():
    scene = Scene()
    scene.hold(protected=False)

    step = scene.decide(refused(scene.stop, -2021))

    (close,) = submits(step)
    assert close.ticket.purpose is Purpose.EMERGENCY
    assert close.ticket.quantity == 1
    assert close.ticket.side is SELL
    assert close.ticket.reduce_only


@pytest.mark.parametrize("code", [-1003, -1008, -1015, -1021, -4140, -4141, -5028])
def test_a_stop_turned_away_for_its_moment_is_tried_again_with_growing_pauses(code):
    scene = Scene()
    scene.hold(protected=False)

    pauses = []
    for _ in range(4):
        assert purposes(scene.decide(refused(scene.stop, code))) == []
        pauses.append(scene.wait_for(Purpose.PROTECTIVE_STOP))

    assert pauses == [500, 1_000, 2_000, 4_000]
    assert not scene.open(Purpose.EMERGENCY)


def test_a_market_that_stays_halted_is_told_of_ever_more_rarely():
    scene = Scene()
    scene.hold(protected=False)

    told = []
    for refusal in range(1, 17):
        if alarms(scene.decide(refused(scene.stop, -4140))):
            told.append(refusal)
        while not scene.open(Purpose.PROTECTIVE_STOP):
            scene.now_ms += 1_000
            scene.decide(Tick())

    assert told == [1, 2, 4, 8, 16]


def test_a_stop_that_was_taken_forgets_the_pauses():
    scene = Scene()
    scene.hold(protected=False)
    scene.decide(refused(scene.stop, -1008))
    scene.now_ms += 500
    scene.decide(Tick())

    scene.accept(scene.stop)

    assert not scene.ledger.refusals


def test_a_new_stop_price_that_is_reached_already_closes_the_position_although_the_old_stop_stands():
    scene = Scene()
    scene.hold()
    old = scene.stop
    scene.decide(RequestProtection(BTC, PositionSide.BOTH, stop_loss_price=Decimal(101)))
    (new,) = [order for order in scene.open(Purpose.PROTECTIVE_STOP) if order is not old]

    step = scene.decide(refused(new, -2021))

    assert purposes(step) == [Purpose.EMERGENCY]


@pytest.mark.parametrize("code", [-2021, -4142])
def test_a_target_whose_price_is_reached_already_becomes_a_market_close(code):
    scene = Scene()
    scene.hold(protected=False)
    (target,) = scene.open(Purpose.PROTECTIVE_TARGET)

    step = scene.decide(refused(target, code))

    assert purposes(step) == [Purpose.EMERGENCY]


def test_a_target_refused_for_another_reason_leaves_the_position_with_its_stop_and_an_alarm():
    scene = Scene()
    scene.hold(protected=False)
    (target,) = scene.open(Purpose.PROTECTIVE_TARGET)

    step = scene.decide(refused(target, -4045))

    assert submits(step) == []
    assert alarms(step)
    assert scene.stop.is_open


def test_an_alarm_says_why_a_target_was_rejected_after_it_was_accepted():
    scene = Scene()
    scene.hold()
    (target,) = scene.open(Purpose.PROTECTIVE_TARGET)

    step = scene.stream(
        OrderNews(a_report(target, OrderStatus.REJECTED, reason="ReduceOnly Order is rejected."))
    )

    assert alarms(step) == [f"the target {target.client_order_id} was refused: ReduceOnly Order is rejected."]


def test_a_refused_stop_beside_one_that_covers_the_position_closes_nothing():
    scene = Scene()
    scene.hold(protected=False)
    first = scene.stop
    scene.decide(unknown(first))
    _, second = scene.open(Purpose.PROTECTIVE_STOP)
    scene.accept(first)

    step = scene.decide(refused(second, -1008))

    assert submits(step) == []
    assert scene.stop is first


def test_a_second_stop_that_would_trigger_at_once_closes_nothing_beside_one_at_its_price():
    scene = Scene()
    scene.hold(protected=False)
    first = scene.stop
    scene.decide(unknown(first))
    _, second = scene.open(Purpose.PROTECTIVE_STOP)
    scene.accept(first)

    assert submits(scene.decide(refused(second, -2021))) == []


def test_a_stop_of_unknown_outcome_gets_a_companion_because_it_cannot_be_counted_on():
    scene = Scene()
    scene.hold(protected=False)

    step = scene.decide(unknown(scene.stop))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]


def test_the_superfluous_one_of_two_stops_goes_once_both_are_known():
    scene = Scene()
    scene.hold(protected=False)
    scene.decide(unknown(scene.stop))
    first, second = scene.open(Purpose.PROTECTIVE_STOP)

    scene.accept(first)
    step = scene.accept(second)

    assert cancels(step) == [first.client_order_id]


def test_an_emergency_close_of_unknown_outcome_cannot_be_counted_on_so_a_stop_is_placed():
    scene = Scene()
    scene.hold(protected=False)
    scene.decide(refused(scene.stop, -2021))
    (close,) = scene.open(Purpose.EMERGENCY)

    step = scene.decide(unknown(close))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]


def test_a_refused_emergency_close_leaves_no_position_without_a_stop():
    scene = Scene()
    scene.hold(protected=False)
    scene.decide(refused(scene.stop, -2021))
    (close,) = scene.open(Purpose.EMERGENCY)

    step = scene.decide(refused(close, -2022))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]
    (asked,) = reconciles(step)
    assert asked.reason == f"{close.client_order_id}, which only reduces, was refused (-2022)"


def refuse_all(scene):
    """Until nothing is under way any more; how many orders were sent meanwhile."""
    sent = 0
    while waiting := scene.open(Purpose.PROTECTIVE_STOP) + scene.open(Purpose.EMERGENCY):
        sent += sum(len(submits(scene.decide(refused(order, -2015)))) for order in waiting)
    return sent


def test_an_exchange_that_refuses_every_stop_and_close_is_asked_with_growing_pauses():
    scene = Scene()
    scene.hold(protected=False)
    refuse_all(scene)

    pauses = []
    for _ in range(4):
        pauses.append(scene.wait_for(Purpose.PROTECTIVE_STOP))
        assert refuse_all(scene) == 1

    assert pauses == [1_000, 2_000, 4_000, 8_000]


def test_a_close_that_has_traded_forgets_that_others_were_refused():
    scene = Scene()
    scene.hold(3, protected=False)
    scene.decide(refused(scene.stop, -2021))
    (close,) = scene.open(Purpose.EMERGENCY)
    scene.decide(refused(close, -2015))
    scene.decide(refused(scene.stop, -2021))
    (close,) = scene.open(Purpose.EMERGENCY)
    scene.accept(close)

    step = scene.hear(close, OrderStatus.EXPIRED, 1, a_fill(close, 7, 1))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]


def test_a_position_opened_after_another_was_refused_its_stop_gets_one_at_once():
    scene = Scene()
    scene.hold(protected=False)
    for _ in range(5):
        scene.decide(refused(scene.stop, -4140))
        scene.now_ms = scene.ledger.refusals[(BTC, PositionSide.BOTH, Purpose.PROTECTIVE_STOP)].next_ms
        scene.decide(Tick())
    scene.decide(refused(scene.stop, -4140))
    scene.fill(scene.place(an_exit()), 2)

    step = scene.fill(scene.place(), 3)

    assert Purpose.PROTECTIVE_STOP in purposes(step)


def test_a_refused_target_is_tried_again_with_growing_pauses():
    scene = Scene()
    scene.hold(protected=False)

    pauses = []
    for _ in range(3):
        (target,) = scene.open(Purpose.PROTECTIVE_TARGET)
        scene.decide(refused(target, -4045))
        pauses.append(scene.wait_for(Purpose.PROTECTIVE_TARGET))

    assert pauses == [500, 1_000, 2_000]


def lose_all(scene):
    """Nobody knows of any order that would protect, until there is no other on its way."""
    while on_their_way := [
        order for order in scene.open(Purpose.PROTECTIVE_STOP) if order.attempt_state is AttemptState.OPEN
    ]:
        for order in on_their_way:
            scene.decide(unknown(order))


def test_an_exchange_that_loses_every_stop_is_not_asked_in_a_loop():
    scene = Scene()
    scene.hold(protected=False)

    lose_all(scene)

    assert len(scene.open(Purpose.PROTECTIVE_STOP)) == STORM_PER_MINUTE
    assert scene.ledger.symbol(BTC).state is SymbolState.CLOSED


def test_after_a_storm_protection_is_tried_again_every_second():
    scene = Scene()
    scene.hold(protected=False)
    lose_all(scene)

    scene.now_ms += 1_000
    step = scene.decide(Tick())

    assert Purpose.PROTECTIVE_STOP in purposes(step)


def test_an_emergency_close_under_way_is_not_doubled_and_needs_no_stop_beside_it():
    scene = Scene()
    scene.hold(protected=False)
    scene.decide(refused(scene.stop, -2021))
    (target,) = scene.open(Purpose.PROTECTIVE_TARGET)

    steps = [scene.decide(refused(target, -2021)), scene.decide(Tick())]

    assert [purposes(step) for step in steps] == [[], []]
    assert len(scene.open(Purpose.EMERGENCY)) == 1


def test_an_emergency_close_takes_only_what_no_market_exit_takes_already():
    scene = Scene()
    scene.hold(3, protected=False)
    scene.place(an_exit(quantity=1))

    step = scene.decide(refused(scene.stop, -2021))

    assert submits(step)[0].ticket.quantity == 2


@pytest.mark.parametrize("why", ["it rests at a limit", "its outcome is unknown", "it was asked to end"])
def test_an_emergency_close_does_not_wait_for_an_exit_that_may_never_fill(why):
    scene = Scene()
    scene.hold(3, protected=False)
    exit_ = scene.place(an_exit(quantity=3, **({"limit_price": 110} if why == "it rests at a limit" else {})))
    if why == "its outcome is unknown":
        scene.decide(unknown(exit_))
    elif why == "it was asked to end":
        scene.decide(RequestCancel(exit_.client_order_id, "by hand"))

    step = scene.decide(refused(scene.stop, -2021))

    assert [(effect.ticket.purpose, effect.ticket.quantity) for effect in submits(step)] == [
        (Purpose.EMERGENCY, Decimal(3))
    ]


def test_a_stop_refused_after_the_position_is_closed_causes_nothing():
    scene = Scene()
    scene.hold(protected=False)
    stop = scene.stop
    scene.fill(scene.place(an_exit()), 2)

    step = scene.decide(refused(stop, -2022))

    assert submits(step) == []


def test_a_stop_refused_after_the_position_has_turned_around_does_not_close_the_new_one():
    scene = Scene()
    scene.hold(protected=False)
    stop = scene.stop
    scene.fill(scene.place(side=SELL, quantity=3), 2)

    step = scene.decide(refused(stop, -2022))

    assert submits(step) == []


def test_an_emergency_close_that_expires_unfilled_leaves_a_stop():
    scene = Scene()
    scene.hold(protected=False)
    scene.decide(refused(scene.stop, -2021))
    (close,) = scene.open(Purpose.EMERGENCY)

    step = scene.hear(close, OrderStatus.EXPIRED)

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]


def test_a_refused_stop_beside_one_that_is_only_on_its_way_becomes_a_market_close():
    scene = Scene()
    scene.hold(protected=False)
    first = scene.stop
    scene.decide(unknown(first))

    step = scene.decide(refused(first, -2021))

    assert purposes(step) == [Purpose.EMERGENCY]


def test_a_position_larger_than_one_market_order_is_closed_by_several():
    scene = Scene(a_view(instruments={BTC: an_instrument(market_quantity_max=Decimal(40))}))
    scene.hold(100, protected=False)

    step = scene.decide(refused(scene.stop, -4005))

    assert [(effect.ticket.purpose, effect.ticket.quantity) for effect in submits(step)] == [
        (Purpose.EMERGENCY, Decimal(quantity)) for quantity in (40, 40, 20)
    ]


def test_a_storm_is_forgotten_after_a_minute():
    scene = Scene()
    scene.hold(protected=False)
    lose_all(scene)
    scene.ledger.symbol(BTC).state = SymbolState.TRADING
    scene.now_ms += 60_000

    step = scene.decide(Tick())

    assert Purpose.PROTECTIVE_STOP in purposes(step)
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING
