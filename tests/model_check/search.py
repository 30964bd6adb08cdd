"""Breadth-first search over every reachable state of a model.

Breadth first, so that the first trace to a violation is a shortest one. States that
violate something are searched further: one policy may be wrong in several ways.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from tests.model_check.environment import environment_moves
from tests.model_check.equivalence import SUBSUMED, canonical, finished
from tests.model_check.session import session_moves
from tests.model_check.verdicts import Violation, Witness, violations, witnesses
from tests.model_check.world import Action, Model, Move, State, Successor

Trace = tuple[tuple[Move, State], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What a complete search has seen."""

    states: int
    transitions: int
    actions: frozenset[Action]
    traces: dict[Violation, Trace]
    witnesses: frozenset[Witness]


def explore(model: Model) -> Result:
    """Visit every state of the model."""
    start = model.initial()
    origins: dict[State, Successor | None] = {start: None}
    queue = deque((start,))
    transitions = 0
    taken: set[Action] = set()
    firsts: dict[Violation, State] = {}
    seen: set[Witness] = set()
    while queue:
        state = queue.popleft()
        for kind in violations(state):
            firsts.setdefault(kind, state)
        seen.update(witnesses(model, state))
        for move, successor in successors(model, state):
            transitions += 1
            taken.add(move.action)
            if successor not in origins:
                origins[successor] = (move, state)
                queue.append(successor)
    return Result(
        states=len(origins),
        transitions=transitions,
        actions=frozenset(taken),
        traces={kind: _trace(origins, state) for kind, state in firsts.items()},
        witnesses=frozenset(seen),
    )


def successors(model: Model, state: State) -> Iterator[Successor]:
    """Yield every state that one step leads to, the session's own steps first."""
    if not model.world.merge_equivalent:
        yield from session_moves(model, state)
        yield from environment_moves(model, state)
    elif not finished(model, state):
        for move, successor in chain(session_moves(model, state), environment_moves(model, state)):
            if move.action is not SUBSUMED:
                yield move, canonical(model, successor)


def _trace(origins: dict[State, Successor | None], state: State) -> Trace:
    """The moves from the start to the state, each with the state it leads to."""
    steps: list[tuple[Move, State]] = []
    while (origin := origins[state]) is not None:
        move, before = origin
        steps.append((move, state))
        state = before
    return tuple(reversed(steps))
