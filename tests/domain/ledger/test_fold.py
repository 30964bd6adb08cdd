"""The ledger is its journal, folded: twice the same, in parts the same, and equal to what the decisions made of it."""

from copy import deepcopy
from dataclasses import FrozenInstanceError, fields
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.decisions.news import MoveTrading, RequestCancel, TakeOver, Tick
from src.domain.ledger import events as e
from src.domain.ledger.evolve import EVENT_TYPES, evolve, fold
from src.domain.orders.news import NotSent, OutcomeUnknown, Refused
from src.domain.orders.types import OrderStatus
from src.domain.sessions.trading_states import TradingTrigger
from tests.support.domain_builders import BUY, OPENING, SELL, START_MS, a_ledger, a_read, some_income
from tests.support.domain_scene import Scene
from tests.support.ledger_builders import ledger_snapshot

ORDERS = ["buy", "sell"]
NEWS_OF_ONE = ["accept", "refuse", "lose", "not sent", "fill", "cancel", "end", "dead"]
NEWS_OF_ALL = ["income", "tick", "halt", "take over"]
ACTION = st.one_of(*map(st.sampled_from, (ORDERS, NEWS_OF_ONE, NEWS_OF_ONE, NEWS_OF_ALL)))
ACTIONS = st.lists(st.tuples(ACTION, st.integers(0, 5)), max_size=40)


def play(actions):
    """A session in which these things happened, each to the n-th order that is still there."""
    scene = Scene()
    for number, (action, which) in enumerate(actions, 1):
        scene.now_ms += 700
        orders = [order for order in scene.ledger.orders.values() if order.is_open]
        order = orders[which % len(orders)] if orders else None
        happen(scene, action, order, number)
    return scene


def happen(scene, action, order, number):
    if action in ("buy", "sell"):
        scene.place(side=BUY if action == "buy" else SELL, quantity=number % 3 + 1, limit_price=100)
    elif action == "income":
        scene.stream(some_income(100 + number, amount=Decimal(number) / 8))
    elif action == "tick":
        scene.decide(Tick(mark_equity=True))
    elif action == "halt":
        scene.decide(MoveTrading(TradingTrigger.HALT, "enough", "operator"))
    elif action == "take over":
        scene.decide(TakeOver(number + 1))
    elif order is not None:
        happen_to(scene, action, order, number)


def happen_to(scene, action, order, number):
    name = order.client_order_id
    if action == "accept":
        scene.accept(order)
    elif action == "fill":
        scene.fill(order, number, quantity=order.remaining_quantity / (number % 2 + 1))
    elif action == "end":
        scene.hear(order, OrderStatus.EXPIRED, order.filled_quantity)
    elif action == "dead":
        scene.decide(a_read(dead=[name]))
    else:
        scene.decide(
            {
                "refuse": Refused(name, -2010, "no"),
                "lose": OutcomeUnknown(name, "timeout"),
                "not sent": NotSent(name, "no"),
                "cancel": RequestCancel(name, "by hand"),
            }[action]
        )


@given(ACTIONS)
def test_the_journal_folds_to_the_ledger_that_wrote_it(actions):
    scene = play(actions)

    assert ledger_snapshot(fold(scene.journal)) == ledger_snapshot(scene.ledger)


@given(ACTIONS)
def test_folding_the_same_events_twice_gives_equal_ledgers(actions):
    journal = play(actions).journal

    assert ledger_snapshot(fold(journal)) == ledger_snapshot(fold(deepcopy(journal)))


@given(ACTIONS, st.data())
def test_a_fold_that_was_interrupted_anywhere_goes_on_to_the_same_end(actions, data):
    journal = play(actions).journal
    cut = data.draw(st.integers(1, len(journal)))

    ledger = fold(journal[:cut])
    for at_ms, event in journal[cut:]:
        evolve(ledger, event, at_ms)

    assert ledger_snapshot(ledger) == ledger_snapshot(fold(journal))


@given(ACTIONS)
def test_the_same_news_leads_to_the_same_events(actions):
    assert play(actions).journal == play(actions).journal


def test_every_kind_of_event_has_exactly_one_handler():
    assert set(EVENT_TYPES) == set(get_args(e.Event))


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_an_event_cannot_be_changed_once_it_happened(kind):
    assert kind.__dataclass_params__.frozen
    assert not hasattr(kind, "__dict__") or "__slots__" in kind.__dict__


def test_a_frozen_event_says_so():
    event = OPENING[1]

    with pytest.raises(FrozenInstanceError):
        setattr(event, fields(event)[0].name, 7)


def test_session_time_never_goes_back():
    ledger = a_ledger()

    evolve(ledger, e.StreamOpened(2), START_MS - 1)

    assert ledger.account.last_ms == START_MS
    assert ledger.account.stream_epoch == 2


def test_a_journal_begins_with_its_account():
    with pytest.raises(ValueError, match="begins with the account"):
        fold([(START_MS, OPENING[1])])
