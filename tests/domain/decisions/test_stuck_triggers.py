"""A stop or target whose trigger was met, and which does not trade: no protection, however often it is called one."""

from dataclasses import replace

import pytest

from src.domain.decisions.news import Tick
from src.domain.decisions.protective_terms import HANGING_MS
from src.domain.orders.news import OrderNews, Refused
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from tests.support.domain_builders import a_fill, a_report
from tests.support.domain_scene import VENUE_AHEAD_MS, Scene, cancels, purposes, reconciles

GUARDS = [Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET]


def a_scene_with_a_trigger_met(purpose=Purpose.PROTECTIVE_STOP, venue_ahead_ms=VENUE_AHEAD_MS):
    scene = Scene()
    scene.venue_ahead_ms = venue_ahead_ms
    scene.hold()
    (guard,) = scene.open(purpose)
    triggered_ms = scene.now_ms + venue_ahead_ms
    scene.stream(OrderNews(a_report(guard, OrderStatus.TRIGGERED, updated_ms=triggered_ms)))
    return scene, guard


def steps(scene, seconds):
    """What the watchdog decides in each of the next seconds."""
    for _ in range(seconds):
        scene.now_ms += 1_000
        yield scene.decide(Tick())


def hang(scene):
    """Let time pass until it counts as hanging; what is decided then."""
    return list(steps(scene, HANGING_MS // 1_000))[-1]


def test_a_trigger_without_a_trade_is_asked_about_ever_more_rarely():
    scene, _ = a_scene_with_a_trigger_met()

    asked = [second for second, step in enumerate(steps(scene, 14), start=1) if reconciles(step)]

    assert asked == [1, 2, 4, 8]


@pytest.mark.parametrize("purpose", GUARDS)
def test_what_hangs_in_its_trigger_gets_a_successor_and_is_canceled_when_that_stands(purpose):
    scene, guard = a_scene_with_a_trigger_met(purpose)

    step = hang(scene)
    _, successor = scene.open(purpose)
    taken = scene.accept(successor)

    assert purposes(step) == [purpose]
    assert cancels(taken) == [guard.client_order_id]


@pytest.mark.parametrize("venue_ahead_ms", [-3_600_000, 3_600_000])
def test_how_long_it_hangs_is_told_by_the_exchanges_clock_however_wrong_ours_is(venue_ahead_ms):
    scene, stop = a_scene_with_a_trigger_met(venue_ahead_ms=venue_ahead_ms)

    before = [purposes(step) for step in steps(scene, HANGING_MS // 1_000 - 1)]
    after = [purposes(step) for step in steps(scene, 1)]

    assert not any(before)
    assert after == [[Purpose.PROTECTIVE_STOP]]
    assert stop.is_open


@pytest.mark.parametrize("purpose", GUARDS)
def test_a_position_beyond_the_price_at_which_its_order_hangs_is_closed_at_the_market(purpose):
    scene, _ = a_scene_with_a_trigger_met(purpose)
    hang(scene)
    _, successor = scene.open(purpose)

    step = scene.decide(Refused(successor.client_order_id, -2021, "would trigger"))

    assert purposes(step) == [Purpose.EMERGENCY]


def test_a_triggered_stop_that_trades_in_time_has_no_successor():
    scene, stop = a_scene_with_a_trigger_met()
    list(steps(scene, 3))

    scene.fill(stop, 2)

    assert scene.position.is_flat
    assert [purposes(step) for step in steps(scene, 20)] == [[]] * 20


@pytest.mark.parametrize("purpose", GUARDS)
def test_what_has_triggered_and_traded_in_part_alone_is_asked_about_and_protects_no_longer(purpose):
    scene = Scene()
    scene.hold(2)
    (guard,) = scene.open(purpose)
    report = a_report(guard, OrderStatus.PARTIALLY_FILLED, 1, updated_ms=scene.now_ms + VENUE_AHEAD_MS)
    fill = replace(a_fill(guard, 2, 1), traded_ms=report.updated_ms)
    scene.stream(OrderNews(report, fill))

    done = list(steps(scene, HANGING_MS // 1_000))

    assert [second for second, step in enumerate(done, start=1) if reconciles(step)] == [1, 2, 4, 8]
    assert [purposes(step) for step in done] == [[]] * 14 + [[purpose]]


def test_what_rests_at_a_limit_since_its_trigger_does_not_hang():
    scene = Scene()
    order = scene.place(order_type=OrderType.STOP, stop_price=101, limit_price=102)
    scene.accept(order)
    scene.stream(OrderNews(a_report(order, OrderStatus.TRIGGERED, updated_ms=scene.now_ms)))

    assert [reconciles(step) for step in steps(scene, 20)] == [[]] * 20
