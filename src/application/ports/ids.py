"""Where ids come from that must be unique without being counted: sessions, namespaces."""

from typing import Protocol


class Ids(Protocol):
    """Makes ids; seeded in virtual time, so that equal seeds give equal journals."""

    def session_id(self) -> str:
        """A new session's id: a UUID as text."""
        ...

    def namespace(self) -> str:
        """Three characters (lower-case letters and digits) that begin every client order id of an account."""
        ...
