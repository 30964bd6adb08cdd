"""Who has a paper exchange open: sessions' processes together, or one emergency command alone.

The account's lease says who writes its database, which may be out of reach; this lock lies beside the exchange's
file and dies with its process. The file stays.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.application.ports.store import AccountBusy, StoreUnavailable
from src.infrastructure.persistence.lease import Lease
from src.interfaces.cli.errors import IN_ITS_PLACE, way_out


def join_exchange(path: Path) -> Lease:
    """Let others know that this process has the exchange at ``path`` open; raises StoreError, also AccountBusy."""
    try:
        return _locked(path, shared=True)
    except AccountBusy as error:
        raise AccountBusy(f"emergency-close is at work on this account ({error}): let it finish") from None


def take_exchange(path: Path) -> Lease:
    """Make sure that no other process has the exchange open, nor opens it; raises as :func:`join_exchange`."""
    try:
        return _locked(path, shared=False)
    except AccountBusy as error:
        raise AccountBusy(
            f"{error}, and the paper exchange is part of that process: if it hangs, end it with kill -9 and repeat this"
        ) from None


@contextmanager
def opening_alone(path: Path) -> Iterator[None]:
    """A block for one process after the other: of two that come first at once, one makes the exchange at ``path``."""
    try:
        descriptor = os.open(path.with_suffix(".opening"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unlocked(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _locked(path: Path, *, shared: bool) -> Lease:
    try:
        return Lease.on_file(path.with_suffix(".lock"), f"pid {os.getpid()}", shared=shared)
    except OSError as error:
        raise _unlocked(path, error) from error


def _unlocked(path: Path, error: OSError) -> StoreUnavailable:
    fix = way_out(error) if error.errno in IN_ITS_PLACE else "make its folder writable"
    return StoreUnavailable(f"cannot lock the paper exchange {path.name} ({error.strerror}): {fix}")
