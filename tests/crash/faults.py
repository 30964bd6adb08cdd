"""Faults of storage for a child process: to be put in before it runs the program."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from src.application.ports.failpoints import install_hook
from src.infrastructure.persistence import driver
from src.infrastructure.persistence.driver import SqliteDriver
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.support.faulty_driver import sqlite_error

Fault = Callable[[], None]
PATIENCE_MS = 50
_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_process(path: Path) -> Iterator[None]:
    """Another process has the database's write lock for as long as the block runs."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None, "it is a pipe"
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.kill()


def impatient() -> None:
    """A lock is waited for only so long that a test does not have to."""
    driver.BUSY_TIMEOUT_MS = PATIENCE_MS


def raising(name: str, ordinal: int, error: sqlite3.Error) -> Fault:
    """SQLite fails once, at the n-th passage of a failpoint that lies inside a transaction."""
    passed = 0

    def hook(reached: str) -> None:
        nonlocal passed
        passed += reached == name
        if reached == name and passed == ordinal:
            raise error

    return lambda: install_hook(hook)


def sync_fails_once(at: int, told: Path) -> Fault:
    """The sync of the n-th commit fails, its bytes being written; every later one would succeed.

    One byte a call is added to ``told`` by every commit that is tried after the failure.
    """
    commits = 0

    class FailingSync(SqliteDriver):
        """A driver on a disk with a bad moment."""

        def commit(self) -> None:
            """Make the transaction durable, once not."""
            nonlocal commits
            commits += 1
            super().commit()
            if commits == at:
                raise sqlite_error(sqlite3.SQLITE_IOERR, "disk I/O error")
            if commits > at:
                with told.open("ab") as file:
                    file.write(b"!")

    def install() -> None:
        defaults = SqliteStore.__init__.__kwdefaults__
        assert defaults is not None, "the driver is a keyword of the store"
        defaults["connect"] = FailingSync

    return install


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of a few megabytes at a folder; yields a function that mounts it anew with other options.

    Raises PermissionError where this process may not mount.
    """
    if os.geteuid() != 0:
        raise PermissionError("only root may mount")
    folder.mkdir()
    mounted = _mount("-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    if mounted.returncode:
        raise PermissionError(mounted.stderr.decode())
    try:
        yield lambda options: _remounted(folder, options)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _remounted(folder: Path, options: str) -> None:
    done = _mount("-o", f"remount,{options}", str(folder))
    assert done.returncode == 0, done.stderr


def _mount(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["mount", *arguments], capture_output=True, check=False)
