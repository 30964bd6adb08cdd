"""Errors of the domain.

* DomainError
    + InvariantViolated   a value that may not exist: a negative quantity, a NaN price
    + UnitMismatch        two amounts of different assets in one sum
    + IllegalTransition   a state machine was given a trigger that its table has no row for
"""


class DomainError(Exception):
    """Base of everything the domain raises."""


class InvariantViolated(DomainError, ValueError):
    """A value breaks the rule of its type."""


class UnitMismatch(DomainError):
    """Amounts of different assets were combined."""


class IllegalTransition(DomainError):
    """The table of a state machine has no row for this trigger in this state."""

    def __init__(self, state: str, trigger: str) -> None:
        super().__init__(f"no transition from {state} on {trigger}")
        self.state = state
        self.trigger = trigger
