"""Amendments: stored before they are sent, sent once, believed only on evidence, the worse of both reserved."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.amending import SETTLING_MS
from src.domain.decisions.effects import ModifyOrder
from src.domain.decisions.news import MoveTrading, News, Tick
from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.domain.orders.news import ModifyAccepted, ModifyRefused, ModifyUnknown, OrderNews
from src.domain.orders.ticket import SIGNED_AHEAD_MS
from src.domain.orders.transitions import ModifyState
from src.domain.orders.types import OrderStatus
from src.domain.risk.clearance import Clearance
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Denied, review
from src.domain.sessions.trading_states import SymbolState, TradingTrigger
from tests.domain.decisions.amendment_scenes import request, resting
from tests.support.domain_builders import BTC, a_fill, a_read, a_report, a_ticket
from tests.support.domain_scene import VENUE_AHEAD_MS, Scene, cancels, kinds, reconciles
from tests.support.ledger_builders import ledger_snapshot


def as_it_would_be(order, price, quantity, **changes):
    return a_report(order, limit_price=Decimal(price), quantity=Decimal(quantity), **changes)


def pending(scene: Scene):
    return scene.ledger.symbol(BTC).pending_buy, scene.ledger.symbol(BTC).pending_price


def test_an_amendment_is_recorded_with_its_deadline_before_it_is_sent():
    scene = Scene()
    order = resting(scene)

    step = request(scene, order, 98, 3)

    (effect,) = step.effects
    assert kinds(step) == [e.ModifyRequested]
    assert isinstance(effect, ModifyOrder)
    assert (effect.amendment.limit_price, effect.amendment.quantity) == (Decimal(98), Decimal(3))
    assert order.modify_deadline_ms == effect.amendment.deadline_ms
    assert effect.amendment.timestamp_ms == scene.now_ms + VENUE_AHEAD_MS


@pytest.mark.parametrize(("price", "quantity"), [(101, 1), (101, 5), (97, 5), (97, 1)])
def test_while_nobody_knows_the_worse_of_both_is_reserved(price, quantity):
    scene = Scene()
    order = resting(scene)

    request(scene, order, price, quantity)

    assert pending(scene) == (max(2, quantity), max(100, price))


@pytest.mark.parametrize("how", ["the answer", "the stream", "a read"])
def test_evidence_of_any_kind_makes_the_order_what_it_was_asked_to_be(how):
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98, 3)
    report = as_it_would_be(order, 98, 3)

    if how == "the answer":
        scene.decide(ModifyAccepted(order.client_order_id, Decimal(98), Decimal(3), scene.now_ms))
    elif how == "the stream":
        scene.stream(OrderNews(report))
    else:
        scene.decide(a_read(orders=[report]))

    assert (order.ticket.limit_price, order.ticket.quantity) == (Decimal(98), Decimal(3))
    assert order.modify_state is ModifyState.NONE
    assert pending(scene)[0] == 3


@pytest.mark.parametrize("limit", ["open_orders_max", "entries_per_minute_max"])
def test_an_amendment_is_neither_another_order_nor_another_entry(limit):
    limits: dict[str, Any] = {limit: 1}
    scene = Scene(limits=RiskLimits(**limits))
    order = resting(scene)

    assert kinds(request(scene, order, 98, 1)) == [e.ModifyRequested]


def test_a_refused_amendment_leaves_the_order_as_it_was_and_asks():
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98, 3)

    step = scene.decide(ModifyRefused(order.client_order_id, -5027, "no need"))

    assert (order.ticket.limit_price, order.ticket.quantity) == (Decimal(99), Decimal(2))
    assert pending(scene)[0] == 2
    assert reconciles(step)


def lost(scene: Scene, **changes):
    """A resting order whose amendment to 3 at 98 is of unknown outcome, and how the order was before it."""
    order = resting(scene, **changes)
    as_it_was = a_report(order)
    request(scene, order, 98, 3)
    assert reconciles(scene.decide(ModifyUnknown(order.client_order_id, "timeout")))
    return order, as_it_was


def test_a_read_of_the_order_as_it_was_may_lag_and_disproves_nothing_however_late_it_comes():
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    order, as_it_was = lost(scene)
    scene.now_ms += 3_600_000

    scene.decide(a_read(orders=[as_it_was]))
    still = order.modify_state, pending(scene)[0]
    more = as_it_would_be(
        order, 98, 3, status=OrderStatus.PARTIALLY_FILLED, filled=2, updated_ms=scene.now_ms
    )
    scene.stream(OrderNews(more, a_fill(order, 1, 2)))
    step = scene.decide(MoveTrading(TradingTrigger.HALT, "a person", "operator"))

    assert still == (ModifyState.UNKNOWN, 3)
    assert pending(scene)[0] == 1
    assert cancels(step) == [order.client_order_id]


@pytest.mark.parametrize(("late_ms", "state"), [(0, ModifyState.UNKNOWN), (1, ModifyState.NONE)])
def test_the_exchanges_own_date_of_the_order_as_it_was_disproves_an_amendment(late_ms, state):
    scene = Scene()
    order, as_it_was = lost(scene)
    assert order.modify_deadline_ms is not None
    dated_ms = order.modify_deadline_ms + SETTLING_MS + late_ms

    scene.stream(OrderNews(replace(as_it_was, updated_ms=dated_ms)))

    assert order.modify_state is state
    assert (order.ticket.limit_price, order.ticket.quantity) == (Decimal(99), Decimal(2))


def test_a_date_at_which_the_order_is_neither_as_it_was_nor_as_wanted_proves_nothing():
    scene = Scene()
    order, _ = lost(scene)

    scene.stream(OrderNews(as_it_would_be(order, 98, 5, updated_ms=scene.now_ms + 3_600_000)))

    assert order.modify_state is ModifyState.UNKNOWN


@pytest.mark.parametrize("another_ms", [0, 1])
def test_what_reads_have_disproven_is_that_amendment_and_no_other(another_ms):
    scene = Scene()
    order, as_it_was = lost(scene)
    assert order.modify_deadline_ms is not None
    never = order.client_order_id, order.modify_deadline_ms + another_ms

    scene.decide(a_read(orders=[as_it_was], unamended=[never, ("gone", 1)]))

    assert (order.modify_state is ModifyState.NONE) is (another_ms == 0)
    assert pending(scene)[0] == 2 + another_ms


@pytest.mark.parametrize("how", ["trades", "a claim"])
@pytest.mark.parametrize("late_s", [0, 11])
def test_what_is_filled_beyond_the_old_quantity_proves_the_amendment(how, late_s):
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    order, as_it_was = lost(scene)
    scene.now_ms += late_s * 1_000
    never = order.client_order_id, order.modify_deadline_ms
    claim: dict[str, Any] = {"filled": "2.5", "quantity": Decimal(4)} if how == "a claim" else {}
    report = as_it_was if how == "trades" else a_report(order, OrderStatus.PARTIALLY_FILLED, **claim)
    fills = [a_fill(order, 1, 2), a_fill(order, 2, "0.5")] if how == "trades" else []

    scene.decide(a_read(fills=fills, orders=[report], unamended=[never]))

    assert (order.modify_state, order.ticket.quantity) == (ModifyState.NONE, Decimal(4 if claim else 3))
    assert pending(scene)[0] == order.ticket.quantity - order.filled_quantity


def test_as_much_as_the_old_quantity_proves_nothing():
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    order, as_it_was = lost(scene)

    scene.decide(a_read(fills=[a_fill(order, 1, 2)], orders=[as_it_was]))

    assert order.modify_state is ModifyState.UNKNOWN


def test_no_reservation_is_negative_though_more_is_filled_than_an_amendment_that_never_happened_allowed():
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    order, as_it_was = lost(scene)
    scene.decide(a_read(fills=[a_fill(order, 1, 4)]))

    scene.decide(a_read(orders=[as_it_was], unamended=[(order.client_order_id, order.modify_deadline_ms)]))

    assert order.modify_state is ModifyState.NONE
    assert pending(scene)[0] == 0


def test_an_overdue_amendment_is_asked_about_after_one_two_four_seconds():
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98)
    due_ms = order.modify_deadline_ms + SETTLING_MS - VENUE_AHEAD_MS

    asked = []
    for second in range(1, 9):
        scene.now_ms = due_ms + second * 1_000
        asked.append(bool(reconciles(scene.decide(Tick()))))

    assert asked == [True, True, False, True, False, False, False, True]


def test_old_news_of_the_order_as_it_was_proves_nothing():
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98, 3)

    scene.stream(OrderNews(a_report(order)))

    assert order.modify_state is ModifyState.REQUESTED


@pytest.mark.parametrize("apart_ms", [2_000, 500])
def test_a_word_from_before_an_amendment_back_to_what_was_proves_nothing(apart_ms):
    scene = Scene()
    order = resting(scene)
    as_it_was = a_report(order, updated_ms=scene.now_ms)
    request(scene, order, 99, 3)
    made_ms = scene.now_ms + 100
    scene.decide(ModifyAccepted(order.client_order_id, Decimal(99), Decimal(3), made_ms))
    scene.now_ms += apart_ms
    request(scene, order, 99, 2)

    scene.decide(a_read(orders=[as_it_was]))

    assert order.modify_state is ModifyState.REQUESTED
    assert pending(scene)[0] == 3


def test_a_word_dated_by_a_clock_as_far_behind_ours_as_the_exchange_allows_proves_an_amendment():
    scene = Scene()
    order = resting(scene)
    scene.now_ms += 60_000
    request(scene, order, 98, 3)
    signed_ms = scene.now_ms + VENUE_AHEAD_MS

    scene.stream(OrderNews(as_it_would_be(order, 98, 3, updated_ms=signed_ms - SIGNED_AHEAD_MS - 1)))
    too_old = order.modify_state
    scene.stream(OrderNews(as_it_would_be(order, 98, 3, updated_ms=signed_ms - SIGNED_AHEAD_MS)))

    assert too_old is ModifyState.REQUESTED
    assert order.modify_state is ModifyState.NONE
    assert order.ticket.quantity == 3


def test_there_is_never_a_second_amendment_before_the_first_is_settled():
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98)

    with pytest.raises(ValueError, match="not settled yet"):
        request(scene, order, 97)


def test_an_order_that_fills_while_it_shrinks_is_over_with_what_it_filled():
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    order = resting(scene)
    request(scene, order, 99, 1)

    scene.hear(order, OrderStatus.FILLED, 1, a_fill(order, 1, 1))

    assert order.status is OrderStatus.FILLED
    assert pending(scene) == (0, 0)


def test_an_amendment_below_what_is_filled_already_ends_the_order_and_is_not_made():
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    order = resting(scene)
    request(scene, order, 98, 1)
    scene.fill(order, 1, "1.5")

    ended = as_it_would_be(
        order, 98, 1, status=OrderStatus.CANCELED, filled="1.5", updated_ms=scene.now_ms + 3_600_000
    )
    scene.stream(OrderNews(ended))

    assert (order.status, order.ticket.quantity, order.filled_quantity) == (
        OrderStatus.CANCELED,
        2,
        Decimal("1.5"),
    )
    assert pending(scene) == (0, 0)
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_the_end_of_an_order_is_the_end_of_its_amendment():
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98, 3)

    scene.hear(order, OrderStatus.CANCELED)

    assert order.modify_state is ModifyState.NONE
    assert pending(scene) == (0, 0)


@pytest.mark.parametrize(("filled", "state"), [(3, SymbolState.TRADING), (4, SymbolState.CLOSED)])
def test_trades_are_held_against_what_an_amendment_on_its_way_may_have_made_of_the_order(filled, state):
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    order = resting(scene)
    request(scene, order, 98, 3)

    scene.decide(a_read(fills=[a_fill(order, 1, 2), a_fill(order, 2, filled - 2)]))

    assert scene.ledger.symbol(BTC).state is state


@pytest.mark.parametrize("outcome", ["none yet", "done", "refused", "unknown"])
def test_the_journal_tells_the_whole_story(outcome):
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98, 3)
    news: dict[str, News] = {
        "done": ModifyAccepted(order.client_order_id, Decimal(98), Decimal(3), 0),
        "refused": ModifyRefused(order.client_order_id, -5028, "no"),
        "unknown": ModifyUnknown(order.client_order_id, "timeout"),
    }
    if outcome in news:
        scene.decide(news[outcome])

    assert ledger_snapshot(fold(scene.journal)) == ledger_snapshot(scene.ledger)


def amended_at_once(scene: Scene, order, times: int):
    """Amend an order again and again; the exchange takes each."""
    for turn in range(times):
        price = Decimal(97 + turn % 2)
        request(scene, order, price)
        scene.decide(ModifyAccepted(order.client_order_id, price, order.ticket.quantity, scene.now_ms))


def test_amendments_count_as_messages_so_that_a_stop_finds_room_at_the_exchange():
    scene = Scene(limits=RiskLimits(orders_per_second_max=5, orders_per_minute_max=8))
    order = resting(scene)
    amended_at_once(scene, order, 4)

    denied = request(scene, order, 96)
    scene.now_ms += 1_000
    later = request(scene, order, 96)
    scene.decide(ModifyAccepted(order.client_order_id, Decimal(96), order.ticket.quantity, scene.now_ms))
    amended_at_once(scene, order, 2)
    scene.now_ms += 1_000
    in_a_minute = request(scene, order, 96)
    scene.now_ms += 60_000

    assert [event.rule for event in denied.events] == ["order_rate"]
    assert kinds(later) == [e.ModifyRequested]
    assert [event.rule for event in in_a_minute.events] == ["order_rate"]
    assert kinds(request(scene, order, 96)) == [e.ModifyRequested]


def test_an_order_waits_for_the_messages_that_amendments_were():
    scene = Scene(limits=(limits := RiskLimits(orders_per_second_max=5)))
    order = resting(scene)
    amended_at_once(scene, order, 4)

    verdicts = [
        review(scene.ledger, scene.view, limits, a_ticket(), scene.now_ms, clearance=clearance)
        for clearance in (None, Clearance(limits))
    ]

    assert [isinstance(v, Denied) and v.objection.rule for v in verdicts] == ["order_rate"] * 2
