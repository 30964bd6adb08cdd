"""Whether the model can be believed: that it is neither empty nor made to fail."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.model_check.__main__ import main
from tests.model_check.cases import CHOSEN, COMMON, EXPECTED, WEAK, model_of, result_of
from tests.model_check.environment import environment_moves
from tests.model_check.policies import POLICIES
from tests.model_check.report import stories, table
from tests.model_check.search import Result, explore, successors
from tests.model_check.verdicts import Violation, Witness, violations
from tests.model_check.world import DEAD, LIVE, Action, Model, State, World

SMALL = World(horizon=3, signatures=2, crashes=1, read_lag=1, read_lag_bound=1)

# The one fault that a weaker policy is blind to, taken out of the world.
WITHOUT_THE_FAULT = {
    "D": replace(COMMON, read_lag=0),
    "E2": replace(COMMON, clock_step=0),
    "F3": replace(COMMON, stream_gaps=False, crashes=0),
    "I": replace(COMMON, crashes=0),
    "K": replace(COMMON, crashes=0),
}

# The same fault and no other. A slow or silent network is part of every world.
CALM = replace(COMMON, crashes=0, read_lag=0, clock_step=0, stream_gaps=False)
FAULT_ALONE = {
    **dict.fromkeys(("A", "B", "C", "F2", "J"), CALM),
    "D": replace(CALM, read_lag=COMMON.read_lag),
    "E2": replace(CALM, read_lag=COMMON.read_lag, clock_step=COMMON.clock_step),
    "F3": replace(CALM, stream_gaps=True),
    "I": replace(CALM, crashes=1),
    "K": replace(CALM, crashes=1),
}


@pytest.mark.parametrize("name", WITHOUT_THE_FAULT)
def test_a_counterexample_needs_the_fault_it_is_blamed_on(name: str) -> None:
    result = explore(model_of(name, WITHOUT_THE_FAULT[name]))

    assert not result.traces, "\n".join(stories(result))


def test_the_same_id_may_be_sent_again_only_while_its_order_stays_open() -> None:
    resting = explore(model_of("B", replace(COMMON, orders_rest=True)))

    assert Violation.DUP not in resting.traces
    assert Action.DUPLICATE in resting.actions
    assert Violation.DUP in result_of("B").traces


@pytest.mark.parametrize("name", FAULT_ALONE)
def test_the_fault_a_counterexample_is_blamed_on_is_enough_alone(name: str) -> None:
    result = explore(model_of(name, FAULT_ALONE[name]))

    assert Violation.DUP in result.traces


@pytest.mark.parametrize("name", CHOSEN)
def test_a_chosen_policy_is_not_safe_by_doing_nothing(name: str) -> None:
    wanted = set(Witness) - ({Witness.REPLACED} if name == "G" else set())

    assert wanted == result_of(name).witnesses


def test_both_proofs_of_death_are_used() -> None:
    assert Action.CONCLUDE in result_of("E3").actions
    assert Action.READ_FENCE in result_of("F").actions


def test_every_move_of_the_model_happens_somewhere() -> None:
    results = [result_of(name) for name in POLICIES]
    results.append(explore(model_of("B", replace(SMALL, orders_rest=True))))
    results.append(explore(model_of("G", replace(SMALL, merge_equivalent=False))))

    happened = frozenset[Action]().union(*(result.actions for result in results))

    assert happened == set(Action)


@pytest.mark.parametrize(
    ("delay", "executes"),
    [(-1, False), (0, True), (COMMON.recv_window, True), (COMMON.recv_window + 1, False)],
    ids=["signed in the future", "at once", "at the deadline", "after the deadline"],
)
def test_a_request_executes_only_from_its_signed_time_to_its_deadline(delay: int, executes: bool) -> None:
    model = model_of("G")
    sent = after(model, Action.SIGN, Action.SEND)
    request = sent.requests[0]._replace(signed_at=2)

    arrival = sent._replace(tick=2 + delay, requests=(request,))

    possible = {move.action for move, _ in environment_moves(model, arrival)}
    assert (Action.EXECUTE in possible) == executes
    assert Action.REFUSE in possible


def test_a_session_that_still_waits_hears_that_its_request_came_too_late() -> None:
    late = (Action.TICK,) * (COMMON.recv_window + 1)

    told = after(model_of("G"), Action.SIGN, Action.SEND, *late, Action.REFUSE, Action.READ_REFUSED)

    assert told.attempts[0].journal == DEAD


def test_a_copy_in_flight_still_executes_after_its_order_was_adopted() -> None:
    copied = (Action.SIGN, Action.SEND, Action.TIME_OUT, Action.RESEND)

    adopted = after(model_of("B"), *copied, Action.EXECUTE, Action.TIME_OUT, Action.FIND)
    both = after(model_of("B"), *copied, Action.EXECUTE, Action.TIME_OUT, Action.FIND, Action.EXECUTE)

    assert adopted.attempts[0].journal == LIVE
    assert Violation.DUP in violations(both)


def test_the_stream_keeps_the_order_in_which_things_happened() -> None:
    model = model_of("F")

    execution_first = after(model, Action.SIGN, Action.SEND, Action.EXECUTE, Action.OTHER_EVENT)
    execution_last = after(model, Action.SIGN, Action.SEND, Action.OTHER_EVENT, Action.EXECUTE)

    assert execution_first.stream == (-1, 0)
    assert execution_last.stream == (0, -1)


@pytest.mark.parametrize("name", WEAK)
def test_a_trace_is_a_real_run_that_ends_with_its_violation(name: str) -> None:
    model = model_of(name)
    for kind, trace in result_of(name).traces.items():
        state = model.initial()
        for step in trace:
            assert kind not in violations(state)
            assert step in list(successors(model, state))
            state = step[1]
        assert kind in violations(state)


@pytest.mark.parametrize("name", POLICIES)
def test_leaving_out_equivalent_states_changes_no_verdict(name: str) -> None:
    reduced = explore(model_of(name, SMALL))
    complete = explore(model_of(name, replace(SMALL, merge_equivalent=False)))

    assert lengths(reduced) == lengths(complete)
    assert set(reduced.traces) == EXPECTED[name].violations
    assert reduced.states < complete.states


def test_the_search_is_deterministic() -> None:
    assert explore(model_of("F3", SMALL)) == explore(model_of("F3", SMALL))


def test_the_readme_shows_the_table_that_a_run_prints() -> None:
    readme = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")

    assert "\n".join(table()) in readme


def test_the_command_tells_the_traces_of_a_policy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["--policy", "C"])

    printed = capsys.readouterr().out
    assert "DUP: executed twice for one intent" in printed
    assert "asks for order 1: not found" in printed


def after(model: Model, *actions: Action) -> State:
    """Return the state that these actions lead to."""
    state = model.initial()
    for wanted in actions:
        state = next(following for move, following in successors(model, state) if move.action is wanted)
    return state


def lengths(result: Result) -> dict[Violation, int]:
    """Return how long the shortest trace to each violation is."""
    return {kind: len(trace) for kind, trace in result.traces.items()}
