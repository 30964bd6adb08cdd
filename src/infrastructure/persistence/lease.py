"""The lease of an account: a lock of the operating system on a file beside the database.

The lock dies with its process, so a living lock proves a living owner and there is nothing to wait for. The file
stays; removing it would let two processes lock two files of one name.
"""

import fcntl
import os
import time
from contextlib import suppress
from glob import iglob
from pathlib import Path
from typing import Final

from src.application.ports.store import AccountBusy, StoreUnavailable

_OWNER_BYTES: Final = 32
_A_LOOK_S: Final = 0.02
"""How long :func:`holder_of` may have the lock, with a lot to spare."""
_ANOTHER_USER: Final = "another user (or nobody: only that user can tell)"


class Lease:
    """A held lock; :meth:`release` gives it back."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, database: Path, account_id: str, owner: str) -> "Lease":
        """Lock the account, or raise :class:`AccountBusy` naming the owner; the file names it for people."""
        path = lock_path(database, account_id)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"cannot write {path.name} beside the database ({error.strerror}): make the folder writable"
            ) from error
        try:
            _lock_alone(descriptor)
        except BlockingIOError:
            holder = _named_in(descriptor)
            os.close(descriptor)
            raise AccountBusy(f"account {account_id} is held by {holder}: stop that session first") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{owner}\n".encode(), 0)
        return cls(descriptor)

    @classmethod
    def on_file(cls, path: Path, owner: str, *, shared: bool) -> "Lease":
        """Lock a file that is made where it is missing, together with others or alone.

        Raises :class:`AccountBusy`, which names who has it otherwise, and OSError when it cannot be made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _users_of(path, descriptor)
            os.close(descriptor)
            raise AccountBusy(f"{path.name} is held by {holder}") from None
        os.pwrite(descriptor, f"{owner}\n".ljust(_OWNER_BYTES).encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _lock_alone(descriptor: int) -> None:
    """Lock it, at the second try where somebody only looked whether it is locked; raises BlockingIOError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_A_LOOK_S)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def holder_of(path: Path) -> str | None:
    """Who holds the lock of a file, as the file names them; None when nobody does. Nothing is written or waited for.

    What only another user can tell counts as held: the session of a service would be called one that does not run.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        return _ANOTHER_USER
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named_in(descriptor)
    finally:
        os.close(descriptor)
    return None


def _users_of(path: Path, descriptor: int) -> str:
    """The processes that have the file open, or whom it names where the system does not tell.

    Several may share it, and the one that wrote its name last may be gone: nobody should end what has its number now.
    """
    place, tried = os.path.realpath(path), f"/proc/{os.getpid()}/fd/{descriptor}"
    found = set()
    for link in iglob("/proc/[0-9]*/fd/*"):
        with suppress(OSError):
            if link != tried and os.readlink(link) == place:
                found.add(int(link.split("/")[2]))
    return ", ".join(f"pid {pid}" for pid in sorted(found)) or _named_in(descriptor)


def _named_in(descriptor: int) -> str:
    return os.pread(descriptor, 256, 0).decode(errors="replace").strip() or "another process"


def lock_path(database: Path, account_id: str) -> Path:
    """The file that is locked for an account."""
    return database.with_name(f"{database.name}.{account_id}.lock")
