"""What went wrong, in one line with cause and fix: errors of SQLite as errors of the store."""

import sqlite3
from pathlib import Path

from src.application.ports.store import StoreCorrupt, StoreError, StoreNotInitialised, StoreUnavailable

_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "another program holds it locked: close that program",
    sqlite3.SQLITE_LOCKED: "another program holds it locked: close that program",
    sqlite3.SQLITE_FULL: "the disk is full: free some space",
    sqlite3.SQLITE_READONLY: "it cannot be written: make the file and its folder writable",
    sqlite3.SQLITE_IOERR: "the disk failed: check the disk and the system log, then start again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that its folder exists and may be written",
    sqlite3.SQLITE_PERM: "access is denied: check the owner of the file",
    sqlite3.SQLITE_AUTH: "access is denied: check the owner of the file",
}
_CORRUPT = {
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "it is not a database of this program: give another path, or restore it from a backup",
}
_PRIMARY_CODE = 0xFF

# What sqlite3 raises: its own errors, and Python's for text that is not UTF-8.
FAILURES = (sqlite3.Error, UnicodeError)


def store_error(error: sqlite3.Error | UnicodeError, path: Path) -> StoreError:
    """The store's error for one of :data:`FAILURES`, to be raised from it."""
    code = getattr(error, "sqlite_errorcode", 0)
    # The index of the write-ahead log could not be made: SQLite does not say that it is for want of room.
    code = sqlite3.SQLITE_FULL if code == sqlite3.SQLITE_IOERR_SHMSIZE else code & _PRIMARY_CODE
    detail = one_line(error)
    if isinstance(error, UnicodeDecodeError) or detail.startswith("Could not decode to UTF-8"):
        code = sqlite3.SQLITE_CORRUPT
    if code in _UNAVAILABLE:
        return StoreUnavailable(f"database {path.name}: {_UNAVAILABLE[code]} ({detail})")
    if code in _CORRUPT:
        return StoreCorrupt(f"database {path.name}: {_CORRUPT[code]} ({detail})")
    if code == sqlite3.SQLITE_ERROR and "no such" in detail:
        return StoreNotInitialised(
            f"database {path.name} lacks tables of this version: run migrate ({detail})"
        )
    return StoreError(f"database {path.name}: {detail}; this is a fault of the program, please report it")


def one_line(message: object) -> str:
    """What an error says, short and printable even when it quotes damaged bytes."""
    text = "".join(character if character.isprintable() else " " for character in str(message))
    return " ".join(text.split())[:160]
