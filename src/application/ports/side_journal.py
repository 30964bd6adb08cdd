"""Where orders are recorded that are sent around the session: without its loop, and without its database.

An account has one side journal, made while all is well and of a size that never changes, so that it can be written when
nothing else can. A record is durable when the call that writes it returns.
"""

from dataclasses import dataclass
from typing import Protocol

from src.application.ports.store import StoreError
from src.domain.orders.emergency import EmergencyOrder


class SideJournalError(StoreError):
    """The side journal cannot be used; one line with cause and fix."""


class SideJournalFull(SideJournalError):
    """There is no room for another order and its outcome: nothing is sent that cannot be recorded."""


class SideJournalBusy(SideJournalError):
    """Another emergency command is writing it."""


@dataclass(frozen=True, slots=True)
class SideRecords:
    """What a side journal holds: each order once, with the newest that was recorded of it, oldest first.

    ``records`` counts what was written, ``damage`` says in one line what of it cannot be read any more; a record that
    was being written when its process died is no damage, because its order was not sent.
    """

    orders: tuple[EmergencyOrder, ...] = ()
    records: int = 0
    damage: str = ""


class SideJournal(Protocol):
    """The side journal of one account. Every call may raise :class:`SideJournalError`."""

    @property
    def next_number(self) -> int:
        """The number of the next record; never used before, whatever was retired."""
        ...

    def has_records(self) -> bool:
        """Whether there is something to import; costs one short read."""
        ...

    def read(self) -> SideRecords:
        """Everything that was written since the last retirement; needs no lock."""
        ...

    def append(self, order: EmergencyOrder) -> None:
        """Write what is known of an order, durably. Raises :class:`SideJournalFull`.

        The first record of an order also keeps room for its outcome, which can then always be written.
        """
        ...

    def retire(self, read: SideRecords) -> bool:
        """Make room again: what was read is in the session's journal now.

        False when an emergency command is at work or has written more since; then nothing has changed.
        """
        ...
