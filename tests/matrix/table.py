"""The table the matrix is made from: operations, faults, phases, and where they do not meet, with the reason.

A cell is (operation, fault, phase). Nothing is listed by hand: a cell is left out only by a rule of this module, which
says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.matrix.faults import FAULTS, Fault
from tests.matrix.operations import OPERATIONS, Operation
from tests.matrix.phases import Phase


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; ``reason`` says why it is not run, or is empty."""

    operation: Operation
    fault: Fault
    phase: Phase
    reason: str = ""

    @property
    def name(self) -> str:
        """How it is asked for on the command line."""
        return f"{self.operation.name}/{self.fault.name}/{self.phase.value}"


class Reason(StrEnum):
    """Why a fault and an operation do not meet."""

    RUN_TWICE = "a request that the exchange executes twice is two orders, whatever its client does"
    NEVER_OLD = "the answer is about the moment, there is no older one"
    NO_BODY = "the answer names no symbol"


_NEVER_OLD: Final = frozenset({"time", "listen_key.start", "listen_key.keep", "orders.countdown"})


def cells() -> Iterator[Cell]:
    """Every cell. Families that have nothing in common (a stream has no HTTP status) are not crossed at all."""
    for operation in OPERATIONS:
        for fault in FAULTS:
            if operation.family not in fault.families:
                continue
            for phase in Phase:
                yield Cell(operation, fault, phase, _reason(operation, fault, phase))


def _reason(operation: Operation, fault: Fault, phase: Phase) -> str:
    if phase in operation.never:
        return operation.never[phase]
    if fault.name == "duplicate" and operation.is_at_once:
        return Reason.RUN_TWICE.value
    if fault.name == "stale" and operation.name in _NEVER_OLD:
        return Reason.NEVER_OLD.value
    if fault.name == "wrong_symbol" and not operation.names_symbol:
        return Reason.NO_BODY.value
    return ""
