"""The passing of time: the day, the equity curve, overdue outcomes, and the watch over protection."""

from decimal import Decimal

import pytest

from src.domain.decisions import news as n
from src.domain.decisions.session import DAY_MS
from src.domain.ledger import events as e
from src.domain.orders.types import Purpose
from tests.support.domain_builders import WALLET
from tests.support.domain_scene import VENUE_AHEAD_MS, Scene, purposes, reconciles


def test_the_day_starts_with_the_equity_of_that_moment_by_venue_time():
    scene = Scene()
    scene.hold()
    scene.view.marks["BTCUSDT"] = Decimal(110)
    scene.decide(n.Tick())
    scene.now_ms = (scene.now_ms // DAY_MS + 1) * DAY_MS - VENUE_AHEAD_MS

    step = scene.decide(n.Tick())

    day = scene.now_ms // DAY_MS + 1
    assert step.events == [e.DayStarted(day, WALLET + 10)]
    assert scene.ledger.account.day == day


def test_a_day_starts_once():
    scene = Scene()
    scene.decide(n.Tick())

    step = scene.decide(n.Tick())

    assert step.events == []


def test_an_account_without_money_has_no_day_yet():
    scene = Scene()
    scene.ledger.account.wallet.clear()

    step = scene.decide(n.Tick())

    assert step.events == []


def test_a_marked_equity_moves_peak_and_drawdown_of_account_and_session():
    scene = Scene()
    scene.hold(100)
    for mark in (110, 90, 100):
        scene.view.marks["BTCUSDT"] = Decimal(mark)
        scene.decide(n.Tick(mark_equity=True))

    account, session = scene.ledger.account, scene.ledger.session
    assert session is not None
    assert account.peak_equity == session.peak_equity == WALLET + 1_000
    assert account.max_drawdown == session.max_drawdown == Decimal(2_000) / (WALLET + 1_000)


@pytest.mark.parametrize(("late_s", "asks"), [(0, 0), (1, 1), (2, 1), (3, 0), (4, 1), (5, 0), (8, 1)])
def test_an_overdue_outcome_is_asked_about_after_1_2_4_8_seconds(late_s, asks):
    scene = Scene()
    order = scene.place()
    scene.now_ms = order.attempt.deadline_ms - VENUE_AHEAD_MS + late_s * 1_000

    step = scene.decide(n.Tick())

    assert len(reconciles(step)) == asks


def test_the_watchdog_protects_a_position_that_lost_its_stop():
    scene = Scene()
    scene.hold()
    for name in [order.client_order_id for order in scene.open(Purpose.PROTECTIVE_STOP)]:
        del scene.ledger.orders[name]

    step = scene.decide(n.Tick())

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]
