"""What an audit is asked: whose books, and where those of either side lie; also as a document for another process."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where to ask and as whom; key and secret are kept out of every representation."""

    url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to audit.

    ``database`` is the path of an SQLite file or the address of a PostgreSQL database. The exchange is either the paper
    exchange's ``file``, with the number of its account, or a ``venue``. What lies before ``since_ms`` is taken from the
    session's own books. ``is_exact`` says that the exchange's rounding is known: paper and the local exchange.
    """

    account_id: str
    database: str = field(repr=False)
    is_server: bool = False
    file: Path | None = None
    account: int = 1
    venue: Credentials | None = None
    since_ms: int = 0
    is_exact: bool = True

    def as_document(self) -> dict[str, Any]:
        """What travels to an auditor's own process; it holds secrets and goes through a pipe only."""
        venue = self.venue
        return {
            "account_id": self.account_id,
            "database": self.database,
            "is_server": self.is_server,
            "file": None if self.file is None else str(self.file),
            "account": self.account,
            "venue": None if venue is None else [venue.url, venue.key, venue.secret],
            "since_ms": self.since_ms,
            "is_exact": self.is_exact,
        }

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "AuditRequest":
        """The request that :meth:`as_document` wrote."""
        given = dict(document)
        file, venue = given.pop("file"), given.pop("venue")
        return cls(
            file=None if file is None else Path(file),
            venue=None if venue is None else Credentials(*venue),
            **given,
        )
