"""Errors of the domain.

* DomainError
    + InvariantViolated   a value that may not exist: a negative quantity, a NaN price
    + UnitMismatch        two amounts of different assets in one sum
    + IllegalTransition   a state machine was given a trigger that its table has no row for
    + BrokenDecision      a decision failed half-way: the ledger in memory is of no use any more
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


class BrokenDecision(DomainError):
    """A decision failed after it had changed the ledger: what is in memory was never recorded. End the process."""

    def __init__(self, news: object, cause: Exception) -> None:
        super().__init__(f"a decision about {type(news).__name__} failed half-way: {cause}")
