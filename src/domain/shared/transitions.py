"""State machines are tables: state → trigger → next state.

A missing row is an error, never ignored; "old news" that is legal and changes nothing has a row of its own.
The diagrams in ``docs/state-machines.md`` are drawn from the tables, and a test compares them.
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
