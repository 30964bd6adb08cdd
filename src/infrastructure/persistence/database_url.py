"""Which database an address means. Only its kind and place are read here; nothing is opened."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from src.application.ports.store import StoreUnavailable

_FORMS = "sqlite:///file.db or postgresql+asyncpg://user@host/name"


class DatabaseKind(StrEnum):
    """The databases that a store can be kept in."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


_KINDS = {
    "sqlite": DatabaseKind.SQLITE,
    "postgres": DatabaseKind.POSTGRESQL,
    "postgresql": DatabaseKind.POSTGRESQL,
}


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database address; ``path`` is the file of an SQLite database and None for a server.

    The text is left out of ``repr``: it may carry a password.
    """

    kind: DatabaseKind
    path: Path | None
    text: str

    @property
    def name(self) -> str:
        """The database for people: its file, or its name on the server; never more of the address than that."""
        if self.path is not None:
            return self.path.name
        return unquote(urlsplit(self.text).path.rpartition("/")[2])

    def __repr__(self) -> str:
        return f"DatabaseUrl({self.kind.value}, {self.path})"


def parse_database_url(text: str) -> DatabaseUrl:
    """Read an address as SQLAlchemy writes it: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or a server's.

    Raises :class:`StoreUnavailable` for any other form; the message never repeats the address.
    """
    scheme, separator, rest = text.partition("://")
    kind = _KINDS.get(scheme.partition("+")[0].lower())
    if not separator or kind is None:
        # Without its separator the text may be anything, a password alone for example: it is not repeated.
        named = f" {scheme[:20]!r}" if separator else ""
        raise StoreUnavailable(f"the database address is of an unknown kind{named}: use {_FORMS}")
    if kind is DatabaseKind.POSTGRESQL:
        if not urlsplit(text).path.strip("/"):
            raise StoreUnavailable(f"the database address names no database: use {_FORMS}")
        return DatabaseUrl(kind, None, text)
    name = unquote(rest.partition("?")[0])
    if not name.startswith("/") or name == "/" or name == "/:memory:":
        raise StoreUnavailable(f"the database address names no file: use {_FORMS}")
    return DatabaseUrl(kind, Path(name[1:]), text)
