"""Which rules for submitting orders are safe, and what each of them rests on."""

from dataclasses import replace

import pytest

from tests.model_check.cases import CHOSEN, COMMON, DEEPER, EXPECTED, WEAK, model_of, result_of
from tests.model_check.policies import POLICIES
from tests.model_check.report import stories
from tests.model_check.search import Result, explore
from tests.model_check.verdicts import Violation
from tests.model_check.world import World

SHALLOW = replace(COMMON, horizon=6)

# A promise the exchange breaks, and the proofs of death that rest on it.
BROKEN_PROMISES = {
    "it accepts a tick too late": (replace(SHALLOW, late_acceptance=1), {"E3", "F"}),
    "it reads older data than stated": (replace(SHALLOW, read_lag=3), {"E3"}),
    "its stream omits an event": (replace(SHALLOW, stream_omits=True), {"F"}),
    "its stream is out of order": (replace(SHALLOW, stream_reorders=True), {"F"}),
}


def told(result: Result) -> str:
    """Tell the traces, for the message of a failed assertion."""
    return "\n".join(stories(result))


@pytest.mark.parametrize("name", CHOSEN)
def test_a_chosen_policy_has_no_violation_in_its_complete_state_space(
    name: str,
) -> None:
    result = result_of(name)

    assert not result.traces, told(result)


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize(
    "world",
    [DEEPER, replace(SHALLOW, horizon=8, recv_window=2, read_lag=3, read_lag_bound=3)],
    ids=["more time and sends", "longer windows"],
)
def test_a_chosen_policy_survives_deeper_worlds_too(name: str, world: World) -> None:
    result = result_of(name, world)

    assert not result.traces, told(result)


@pytest.mark.parametrize("name", WEAK)
def test_a_weaker_policy_shows_exactly_the_violations_expected_of_it(
    name: str,
) -> None:
    result = result_of(name)

    assert set(result.traces) == EXPECTED[name].violations, told(result)


@pytest.mark.parametrize("name", WEAK)
def test_the_shortest_traces_of_a_weaker_policy_are_short_enough_to_read(
    name: str,
) -> None:
    result = result_of(name)

    assert all(3 <= len(trace) <= 14 for trace in result.traces.values()), told(result)


@pytest.mark.parametrize("name", POLICIES)
def test_the_search_has_not_silently_become_smaller(name: str) -> None:
    assert result_of(name).states >= EXPECTED[name].states_min


@pytest.mark.parametrize("promise", BROKEN_PROMISES)
@pytest.mark.parametrize("name", ["E3", "F", "G"])
def test_a_proof_of_death_fails_only_with_the_promise_it_rests_on(promise: str, name: str) -> None:
    world, resting_on_it = BROKEN_PROMISES[promise]

    result = explore(model_of(name, world))

    assert (Violation.DUP in result.traces) == (name in resting_on_it), told(result)


@pytest.mark.parametrize("name", ["E3", "F"])
def test_a_margin_after_the_deadline_makes_up_for_late_acceptance(name: str) -> None:
    late = replace(SHALLOW, late_acceptance=1)

    result = explore(model_of(name, replace(late, deadline_margin=1)))

    assert not result.traces, told(result)


def test_the_default_policy_needs_no_promise_of_the_exchange_at_all() -> None:
    hostile = replace(
        COMMON,
        late_acceptance=COMMON.horizon,
        read_lag=COMMON.horizon,
        stream_omits=True,
        stream_reorders=True,
        merge_equivalent=False,
    )

    result = explore(model_of("G", hostile))

    assert not result.traces, told(result)
    assert result.states >= 10_000
