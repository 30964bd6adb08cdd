"""The passing of time: the day, the equity curve, overdue outcomes, and the watch over protection."""

from decimal import Decimal

import pytest

from src.domain.decisions import news as n
from src.domain.decisions.session import DAY_MS
from src.domain.ledger import events as e
from src.domain.orders.news import OrderNews
from src.domain.orders.types import OrderStatus, OrderType, Purpose, TimeInForce
from tests.support.domain_builders import WALLET, a_fill, a_report
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


@pytest.mark.parametrize(
    ("silent_s", "asks"), [(1, 0), (2, 1), (3, 1), (4, 0), (5, 1), (8, 0), (9, 1), (10, 0), (17, 1)]
)
@pytest.mark.parametrize(
    "kind", [{}, {"limit_price": 101, "time_in_force": TimeInForce.IOC}], ids=["market", "immediate limit"]
)
def test_an_order_that_does_not_rest_and_of_whose_end_nothing_is_heard_is_asked_about(kind, silent_s, asks):
    scene = Scene()
    scene.accept(scene.place(**kind))
    scene.now_ms += 1_000 * silent_s

    assert len(reconciles(scene.decide(n.Tick()))) == asks


@pytest.mark.parametrize(
    "kind",
    [
        {"limit_price": 99},
        {
            "order_type": OrderType.STOP,
            "stop_price": 101,
            "limit_price": 102,
            "time_in_force": TimeInForce.IOC,
        },
    ],
    ids=["resting", "waiting for its trigger"],
)
def test_nothing_is_to_be_heard_of_an_order_that_waits(kind):
    scene = Scene()
    scene.accept(scene.place(**kind))
    scene.now_ms += 3_000

    assert not reconciles(scene.decide(n.Tick()))


@pytest.mark.parametrize(("status", "filled"), [(OrderStatus.FILLED, 2), (OrderStatus.PARTIALLY_FILLED, 1)])
def test_a_trade_that_an_order_claims_is_asked_about_until_it_is_there(status, filled):
    scene = Scene()
    order = scene.place(limit_price=99, quantity=2)
    scene.accept(order)
    scene.now_ms += 60_000
    scene.stream(OrderNews(a_report(order, status, filled, updated_ms=scene.now_ms + VENUE_AHEAD_MS)))
    scene.now_ms += 3_000

    waited = scene.decide(n.Tick())
    scene.stream(OrderNews(a_report(order, status, filled), a_fill(order, 1, Decimal(filled), 99)))
    scene.now_ms += 2_000

    assert len(reconciles(waited)) == 1
    assert not reconciles(scene.decide(n.Tick()))
