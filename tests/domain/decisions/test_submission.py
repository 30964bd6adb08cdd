"""What becomes of a transmission: it happened, it did not, or nobody knows. Nothing is ever sent twice."""

from decimal import Decimal

import pytest

from src.domain.decisions.effects import SubmitOrder
from src.domain.decisions.news import RefuseOrder
from src.domain.ledger import events as e
from src.domain.orders.news import Accepted, NotSent, OutcomeUnknown, Refused
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus
from src.domain.risk.review import Denied
from src.domain.risk.rules import Objection
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.support.domain_builders import BTC, a_ticket, an_exit, exchange_id
from tests.support.domain_scene import (
    VENUE_AHEAD_MS,
    Scene,
    alarms,
    kinds,
    reconciles,
    submits,
)


def refused(order, code=-2010):
    return Refused(order.client_order_id, code, "no")


def unknown(order):
    return OutcomeUnknown(order.client_order_id, "timeout")


def not_sent(order):
    return NotSent(order.client_order_id, "the kill switch is engaged")


# --- on its way ---------------------------------------------------------------------------------------------


def test_an_order_is_recorded_with_its_one_attempt_before_it_is_sent():
    scene = Scene()

    order = scene.place()

    assert order.status is OrderStatus.PENDING_NEW
    assert order.attempt_state is AttemptState.OPEN
    assert order.session_id == "session"
    assert [type(event) for _, event in scene.journal][-1] is e.OrderIntended


def test_an_attempt_is_signed_in_venue_time_with_the_window_of_the_policy():
    scene = Scene(recv_window_ms=3_000)

    order = scene.place()

    assert order.attempt.timestamp_ms == scene.now_ms + VENUE_AHEAD_MS
    assert order.attempt.deadline_ms == scene.now_ms + VENUE_AHEAD_MS + 3_000


def test_every_order_has_its_own_id_and_intent():
    scene = Scene()

    orders = [scene.place() for _ in range(5)]

    assert len({order.client_order_id for order in orders}) == 5
    assert [order.intent for order in orders] == [1, 2, 3, 4, 5]


def test_a_refusal_by_a_rule_is_kept_with_its_value_and_limit():
    scene = Scene()

    step = scene.decide(RefuseOrder(Denied(a_ticket(), Objection("leverage", "12", "10", "too much"))))

    assert step.events == [
        e.OrderDenied(BTC, a_ticket().side, Decimal(1), "sma", "leverage", "12", "10", "too much")
    ]
    assert step.effects == []


# --- accepted -----------------------------------------------------------------------------------------------


def test_an_accepted_order_is_new_and_knows_its_exchange_id():
    scene = Scene()
    order = scene.place()

    scene.accept(order)

    assert (order.status, order.attempt_state) == (OrderStatus.NEW, AttemptState.ACKED)
    assert scene.ledger.order_ids == {(BTC, exchange_id(order)): order.client_order_id}


def test_an_answer_that_comes_twice_changes_nothing_the_second_time():
    scene = Scene()
    order = scene.place()
    scene.accept(order)

    step = scene.accept(order)

    assert step.events == [] and step.effects == []


def test_the_answer_after_the_stream_is_old_news():
    scene = Scene()
    order = scene.place()
    scene.fill(order)

    step = scene.accept(order)

    assert step.events == []
    assert order.status is OrderStatus.FILLED


def test_the_answer_after_the_stream_may_still_teach_an_id():
    scene = Scene()
    order = scene.place(limit_price=99)
    scene.hear(order)
    order.exchange_order_id = None

    scene.accept(order)

    assert order.exchange_order_id is not None


def test_an_answer_for_an_order_that_left_the_working_set_is_no_news():
    scene = Scene()

    step = scene.decide(Accepted("sh1-of-long-ago", 1, None))

    assert step.events == [] and step.effects == []


def test_the_answer_after_a_rejection_by_the_stream_is_old_news_and_breaks_nothing():
    scene = Scene()
    order = scene.place()
    scene.hear(order, OrderStatus.REJECTED)
    order.exchange_order_id = None

    scene.accept(order)

    assert order.status is OrderStatus.REJECTED
    assert scene.ledger.account.trading_state is TradingState.ACTIVE


# --- refused ------------------------------------------------------------------------------------------------


def test_a_refused_order_is_rejected_and_says_why():
    scene = Scene()
    order = scene.place()

    step = scene.decide(refused(order))

    assert (order.status, order.attempt_state) == (OrderStatus.REJECTED, AttemptState.REFUSED)
    assert order.reason == "no (-2010)"
    assert step.effects == []


def test_a_refusal_that_comes_twice_changes_nothing_the_second_time():
    scene = Scene()
    order = scene.place()
    scene.decide(refused(order))

    step = scene.decide(refused(order))

    assert step.events == [] and step.effects == []


def test_a_refused_exit_is_a_reason_to_ask_for_the_position():
    scene = Scene()
    scene.hold()
    order = scene.place(an_exit())

    step = scene.decide(refused(order, -2022))

    assert len(reconciles(step)) == 1
    assert submits(step) == []


def test_an_order_that_one_channel_accepted_and_the_other_refused_closes_its_symbol():
    scene = Scene()
    order = scene.place()
    scene.hear(order)

    step = scene.decide(refused(order))

    assert scene.ledger.symbol(BTC).state is SymbolState.CLOSED
    assert alarms(step)
    assert order.status is OrderStatus.NEW


def test_a_refusal_after_the_proof_of_death_only_confirms_it():
    scene = Scene()
    order = scene.place()
    scene.decide(not_sent(order))

    step = scene.decide(refused(order))

    assert step.events == [] and step.effects == []
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


# --- unknown ------------------------------------------------------------------------------------------------


def test_an_order_whose_outcome_is_unknown_stays_pending_restricts_its_symbol_and_is_asked_about():
    scene = Scene()
    order = scene.place()

    step = scene.decide(unknown(order))

    assert (order.status, order.attempt_state) == (OrderStatus.PENDING_NEW, AttemptState.UNKNOWN)
    assert scene.ledger.symbol(BTC).state is SymbolState.REDUCE_ONLY
    assert scene.ledger.symbol(BTC).pending_buy == 1
    assert len(reconciles(step)) == 1


def test_an_order_whose_outcome_is_unknown_is_never_sent_again():
    scene = Scene()
    order = scene.place()

    steps = [scene.decide(unknown(order)) for _ in range(3)]

    assert not any(isinstance(effect, SubmitOrder) for step in steps for effect in step.effects)
    assert [kinds(step) for step in steps[1:]] == [[], []]


@pytest.mark.parametrize("evidence", ["answer", "stream", "refusal", "not sent"])
def test_any_later_evidence_settles_an_unknown_outcome_and_frees_the_symbol(evidence):
    scene = Scene()
    order = scene.place()
    scene.decide(unknown(order))

    if evidence == "answer":
        scene.accept(order)
    elif evidence == "stream":
        scene.hear(order)
    elif evidence == "refusal":
        scene.decide(refused(order))
    else:
        scene.decide(not_sent(order))

    assert order.attempt_state is not AttemptState.UNKNOWN
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_a_symbol_stays_restricted_until_its_last_unknown_outcome_is_settled():
    scene = Scene()
    first, second = scene.place(), scene.place()
    scene.decide(unknown(first))
    scene.decide(unknown(second))

    scene.accept(first)
    state_between = scene.ledger.symbol(BTC).state
    scene.accept(second)

    assert state_between is SymbolState.REDUCE_ONLY
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_a_lost_answer_after_the_stream_told_is_no_news():
    scene = Scene()
    order = scene.place()
    scene.hear(order)

    step = scene.decide(unknown(order))

    assert step.events == [] and step.effects == []


# --- not sent -----------------------------------------------------------------------------------------------


def test_an_order_that_never_left_is_dead_at_once_and_reserves_nothing():
    scene = Scene()
    order = scene.place()

    scene.decide(not_sent(order))

    assert (order.status, order.attempt_state) == (OrderStatus.REJECTED, AttemptState.DEAD)
    assert scene.ledger.symbol(BTC).pending_buy == 0
