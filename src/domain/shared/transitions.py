"""State machines are tables: state → trigger → next state.

A missing row is an error, never ignored; "old news" that is legal and changes nothing has a row of its own.
The diagrams in ``docs/state-machines.md`` are drawn from the tables by :func:`mermaid`, and a test compares them.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from src.domain.shared.errors import IllegalTransition

State = TypeVar("State", bound=Enum)
Trigger = TypeVar("Trigger", bound=Enum)
Table = Mapping[State, Mapping[Trigger, State]]


def next_state(table: Table[State, Trigger], state: State, trigger: Trigger) -> State:
    """Return the state after ``trigger``; raise :class:`IllegalTransition` when the table has no row for it."""
    try:
        return table[state][trigger]
    except KeyError:
        raise IllegalTransition(state.name, trigger.name) from None


def reachable(table: Table[State, Trigger], start: State) -> set[State]:
    """Every state that some sequence of triggers leads to from ``start``, itself included."""
    seen = {start}
    todo = [start]
    while todo:
        for target in table[todo.pop()].values():
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def mermaid(table: Table[State, Trigger], start: State) -> str:
    """Draw the table as a Mermaid state diagram; rows that stay where they are ("old news") are left out."""
    lines = ["stateDiagram-v2", f"    [*] --> {start.name}"]
    for state, row in table.items():
        for trigger, target in row.items():
            if target is not state:
                lines.append(f"    {state.name} --> {target.name}: {trigger.name.lower()}")
        if not any(target is not state for target in row.values()):
            lines.append(f"    {state.name} --> [*]")
    return "\n".join(lines)
