"""In which state of a session a fault strikes."""

from enum import StrEnum


class Phase(StrEnum):
    """``START`` is a new session on an account with a past, ``RECOVERY`` the next process after a kill."""

    START = "start"
    FLAT = "flat"
    ENTRY = "entry"
    POSITION = "position"
    RECOVERY = "recovery"
    STOPPING = "stopping"


BEFORE_RUNNING = frozenset({Phase.START, Phase.RECOVERY})
"""Phases in which the fault is there before the process is."""
