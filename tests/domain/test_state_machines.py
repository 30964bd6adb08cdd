"""All state machines of the domain: complete tables, absorbing ends, and the few rows that everything rests on."""

from collections.abc import Mapping
from enum import Enum

import pytest

from src.domain.orders.transitions import (
    ATTEMPT_TRANSITIONS,
    CANCEL_TRANSITIONS,
    ORDER_TRANSITIONS,
    AttemptState,
    AttemptTrigger,
    CancelState,
    OrderTrigger,
)
from src.domain.orders.types import OrderStatus
from src.domain.sessions.session import SESSION_TRANSITIONS, SessionTrigger, TradingSessionStatus
from src.domain.sessions.trading_states import TRADING_TRANSITIONS, TradingState, TradingTrigger
from src.domain.shared.errors import IllegalTransition
from src.domain.shared.transitions import next_state
from tests.domain.draw_state_machines import MACHINES, PAGE, Machine, page

EVERY_MACHINE = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)

TERMINAL = [status for status in OrderStatus if status.is_terminal]
FILLS = (OrderTrigger.PARTIAL_FILL, OrderTrigger.FINAL_FILL)


@EVERY_MACHINE
def test_every_state_has_a_row(machine: Machine):
    assert set(machine.table) == set(type(machine.start).__members__.values())


def reachable(table: Mapping[Enum, Mapping[Enum, Enum]], start: Enum) -> set[Enum]:
    """Every state that some sequence of triggers leads to from ``start``, itself included."""
    seen = {start}
    todo = [start]
    while todo:
        for target in table[todo.pop()].values():
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


@EVERY_MACHINE
def test_every_state_can_be_reached(machine: Machine):
    assert reachable(machine.table, machine.start) == set(machine.table)


@EVERY_MACHINE
def test_every_trigger_moves_some_state(machine: Machine):
    triggers = {trigger for row in machine.table.values() for trigger in row}

    assert triggers == set(type(next(iter(triggers))).__members__.values())


@EVERY_MACHINE
def test_a_missing_row_is_an_error_that_names_state_and_trigger(machine: Machine):
    every_trigger = {trigger for row in machine.table.values() for trigger in row}
    missing = [(s, t) for s, row in machine.table.items() for t in every_trigger - row.keys()]

    for state, trigger in missing:
        with pytest.raises(IllegalTransition) as raised:
            next_state(machine.table, state, trigger)

        assert (raised.value.state, raised.value.trigger) == (state.name, trigger.name)


def test_the_page_of_diagrams_equals_the_tables():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.domain.draw_state_machines"


# --- orders -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", TERMINAL)
def test_an_order_that_is_over_never_opens_again(status):
    assert all(target.is_terminal for target in ORDER_TRANSITIONS[status].values())


@pytest.mark.parametrize("status", TERMINAL)
def test_only_a_late_fill_moves_an_order_that_is_over(status):
    movers = {trigger for trigger, target in ORDER_TRANSITIONS[status].items() if target is not status}

    assert movers <= {OrderTrigger.FINAL_FILL}


@pytest.mark.parametrize("status", [s for s in OrderStatus if s is not OrderStatus.DENIED])
def test_a_fill_is_booked_whatever_the_status_of_an_order_that_was_sent(status):
    row = ORDER_TRANSITIONS[status]

    # An order that is FILLED has nothing left to be filled in part.
    assert row[OrderTrigger.FINAL_FILL] is OrderStatus.FILLED
    assert status is OrderStatus.FILLED or OrderTrigger.PARTIAL_FILL in row


@pytest.mark.parametrize("status", [s for s in OrderStatus if s is not OrderStatus.DENIED])
def test_a_late_acknowledgement_and_a_late_trigger_never_set_an_order_back(status):
    for trigger in (OrderTrigger.ACCEPT, OrderTrigger.TRIGGER):
        target = ORDER_TRANSITIONS[status][trigger]

        assert target is status or status in (OrderStatus.PENDING_NEW, OrderStatus.NEW)


def test_a_denied_order_was_never_sent_and_nothing_can_happen_to_it():
    assert not ORDER_TRANSITIONS[OrderStatus.DENIED]


def test_the_open_statuses_only_go_forward():
    rank = {
        OrderStatus.PENDING_NEW: 0,
        OrderStatus.NEW: 1,
        OrderStatus.TRIGGERED: 2,
        OrderStatus.PARTIALLY_FILLED: 3,
    }

    for status, row in ORDER_TRANSITIONS.items():
        for target in row.values():
            assert rank.get(target, 4) >= rank.get(status, 4)


# --- attempts and cancels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [AttemptState.ACKED, AttemptState.REFUSED, AttemptState.DEAD])
def test_a_settled_attempt_stays_settled(state):
    assert set(ATTEMPT_TRANSITIONS[state].values()) == {state}


def test_a_lost_attempt_is_settled_by_any_later_evidence():
    row = ATTEMPT_TRANSITIONS[AttemptState.UNKNOWN]

    assert row[AttemptTrigger.ACCEPTED] is row[AttemptTrigger.FOUND] is AttemptState.ACKED
    assert row[AttemptTrigger.REFUSED] is AttemptState.REFUSED
    assert row[AttemptTrigger.NOT_SENT] is row[AttemptTrigger.PROVEN_DEAD] is AttemptState.DEAD


def test_a_sighting_of_a_dead_or_refused_attempt_has_no_row_because_it_is_a_breach():
    for state in (AttemptState.DEAD, AttemptState.REFUSED):
        assert not {AttemptTrigger.FOUND, AttemptTrigger.ACCEPTED} & ATTEMPT_TRANSITIONS[state].keys()


def test_nothing_that_was_seen_at_the_exchange_is_ever_declared_dead():
    assert (
        not {AttemptTrigger.PROVEN_DEAD, AttemptTrigger.NOT_SENT}
        & ATTEMPT_TRANSITIONS[AttemptState.ACKED].keys()
    )


def test_a_cancel_may_be_asked_for_again_and_is_never_taken_back():
    assert set(CANCEL_TRANSITIONS[CancelState.REQUESTED].values()) == {CancelState.REQUESTED}


# --- sessions and trading -----------------------------------------------------------------------------------


def test_a_session_runs_only_after_starting_or_when_a_pause_ends():
    ways = {
        (status, trigger)
        for status, row in SESSION_TRANSITIONS.items()
        for trigger, target in row.items()
        if target is TradingSessionStatus.RUNNING
    }

    assert ways == {
        (TradingSessionStatus.STARTING, SessionTrigger.INITIALIZED),
        (TradingSessionStatus.PAUSED, SessionTrigger.RESUME),
    }


@pytest.mark.parametrize("status", [s for s in TradingSessionStatus if s is not TradingSessionStatus.STOPPED])
def test_a_new_process_starts_every_unfinished_session_again_and_goes_on_stopping_one(status):
    stopping = status is TradingSessionStatus.STOPPING
    after = status if stopping else TradingSessionStatus.STARTING

    assert SESSION_TRANSITIONS[status][SessionTrigger.RECOVER] is after


@pytest.mark.parametrize(
    "status",
    [s for s in TradingSessionStatus if s not in (TradingSessionStatus.STOPPED, TradingSessionStatus.ERROR)],
)
def test_every_session_at_work_can_fail(status):
    assert SESSION_TRANSITIONS[status][SessionTrigger.FAIL] is TradingSessionStatus.ERROR


def test_a_finished_session_can_only_be_started():
    assert set(SESSION_TRANSITIONS[TradingSessionStatus.STOPPED]) == {SessionTrigger.START}


def test_a_halt_is_left_only_by_rearming():
    ways = {
        t
        for t, target in TRADING_TRANSITIONS[TradingState.HALTED].items()
        if target is not TradingState.HALTED
    }

    assert ways == {TradingTrigger.REARM}


@pytest.mark.parametrize("state", list(TradingState))
def test_a_halt_is_possible_in_every_trading_state(state):
    assert TRADING_TRANSITIONS[state][TradingTrigger.HALT] is TradingState.HALTED
