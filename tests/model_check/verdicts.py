"""What must never be reached, and what must be reachable.

The violations are the point. The witnesses guard it: a search that finds no
violation means something only if the interesting good ends were reached as well.
"""

from enum import Enum

from tests.model_check.world import ABSENT, DEAD, LIVE, OPEN, Model, State


class Violation(Enum):
    """The ways to lose money by submitting an order."""

    DUP = "executed twice for one intent"
    UNKNOWN_ORDER = "the exchange has an own order that is not in the journal"
    FALSE_DEAD = "an order that was concluded dead has executed"


class Witness(Enum):
    """Good ends that a useful policy reaches."""

    EXECUTED_ONCE = "the intent executed once and the journal knows it"
    FOUND_AFTER_A_CRASH = "the same, although the process died on the way"
    REPLACED = "a dead attempt was replaced and the new one executed"
    STILL_RESERVED = "the horizon is reached with the outcome unknown and reserved"


def violations(state: State) -> list[Violation]:
    """Return what is wrong in this state."""
    executed = [attempt for attempt in state.attempts if attempt.executions]
    if not executed:
        return []
    found = []
    if sum(attempt.executions for attempt in executed) > 1:
        found.append(Violation.DUP)
    if any(attempt.journal == ABSENT for attempt in executed):
        found.append(Violation.UNKNOWN_ORDER)
    if any(attempt.journal == DEAD for attempt in executed):
        found.append(Violation.FALSE_DEAD)
    return found


def witnesses(model: Model, state: State) -> list[Witness]:
    """Return which good ends this state is an example of."""
    if not state.attempts:
        return []
    first, last = state.attempts[0], state.attempts[-1]
    found = []
    if last.journal == LIVE and sum(a.executions for a in state.attempts) == 1:
        found.append(Witness.EXECUTED_ONCE)
        if state.crashes_left < model.world.crashes:
            found.append(Witness.FOUND_AFTER_A_CRASH)
        if first is not last and first.journal == DEAD:
            found.append(Witness.REPLACED)
    if last.journal == OPEN and state.tick == model.world.horizon:
        found.append(Witness.STILL_RESERVED)
    return found
