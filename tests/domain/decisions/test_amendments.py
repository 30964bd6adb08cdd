"""Amendments: stored before they are sent, sent once, believed only on evidence, the worse of both reserved."""

from decimal import Decimal

import pytest

from src.domain.decisions.amending import SETTLING_MS
from src.domain.decisions.effects import ModifyOrder
from src.domain.decisions.news import News, RequestCancel, RequestModify, Tick
from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.domain.orders.news import ModifyAccepted, ModifyRefused, ModifyUnknown, OrderNews
from src.domain.orders.ticket import SIGNED_AHEAD_MS
from src.domain.orders.transitions import ModifyState
from src.domain.orders.types import OrderStatus
from src.domain.sessions.trading_states import SymbolState
from tests.support.domain_builders import BTC, a_fill, a_read, a_report
from tests.support.domain_scene import VENUE_AHEAD_MS, Scene, kinds, reconciles
from tests.support.ledger_builders import ledger_snapshot


def resting(scene: Scene, **changes):
    order = scene.place(**({"limit_price": 99, "quantity": 2} | changes))
    scene.accept(order)
    return order


def request(scene: Scene, order, price=None, quantity=None):
    new_price = None if price is None else Decimal(price)
    new_quantity = None if quantity is None else Decimal(quantity)
    return scene.decide(RequestModify(order.client_order_id, new_price, new_quantity, "by hand"))


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


def test_a_refused_amendment_leaves_the_order_as_it_was_and_asks():
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98, 3)

    step = scene.decide(ModifyRefused(order.client_order_id, -5027, "no need", 0))

    assert (order.ticket.limit_price, order.ticket.quantity) == (Decimal(99), Decimal(2))
    assert pending(scene)[0] == 2
    assert reconciles(step)


def test_an_amendment_of_unknown_outcome_is_no_fact_until_it_can_no_longer_arrive():
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98, 3)

    asked = scene.decide(ModifyUnknown(order.client_order_id, "timeout"))
    scene.decide(a_read(orders=[a_report(order)]))
    too_early = order.modify_state
    scene.now_ms = order.modify_deadline_ms + SETTLING_MS
    scene.decide(a_read(orders=[a_report(order)]))

    assert reconciles(asked)
    assert too_early is ModifyState.UNKNOWN
    assert order.modify_state is ModifyState.NONE
    assert (order.ticket.limit_price, pending(scene)[0]) == (Decimal(99), 2)


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


@pytest.mark.parametrize("case", ["market", "unacknowledged", "canceling", "filled beyond", "unchanged"])
def test_what_cannot_be_amended_raises_and_changes_nothing(case):
    scene = Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))
    quantity = 3
    if case == "market":
        order = scene.place(quantity=2)
        scene.accept(order)
    elif case == "unacknowledged":
        order = scene.place(limit_price=99, quantity=2)
    else:
        order = resting(scene)
    if case == "canceling":
        scene.decide(RequestCancel(order.client_order_id, "by hand"))
    elif case == "filled beyond":
        scene.fill(order, 1, 1)
        quantity = 1
    elif case == "unchanged":
        quantity = 2
    before = len(scene.journal)

    with pytest.raises(ValueError, match=r"\w"):
        request(scene, order, quantity=quantity)

    assert len(scene.journal) == before
    assert order.modify_state is ModifyState.NONE


def test_an_order_that_would_grow_beyond_a_limit_is_not_amended():
    scene = Scene()
    order = resting(scene)

    step = request(scene, order, quantity=100_000)

    assert kinds(step) == [e.OrderDenied]
    assert order.modify_state is ModifyState.NONE


@pytest.mark.parametrize("outcome", ["none yet", "done", "refused", "unknown"])
def test_the_journal_tells_the_whole_story(outcome):
    scene = Scene()
    order = resting(scene)
    request(scene, order, 98, 3)
    news: dict[str, News] = {
        "done": ModifyAccepted(order.client_order_id, Decimal(98), Decimal(3), 0),
        "refused": ModifyRefused(order.client_order_id, -5028, "no", 0),
        "unknown": ModifyUnknown(order.client_order_id, "timeout"),
    }
    if outcome in news:
        scene.decide(news[outcome])

    assert ledger_snapshot(fold(scene.journal)) == ledger_snapshot(scene.ledger)
