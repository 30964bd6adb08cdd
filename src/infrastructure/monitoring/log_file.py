"""A log file of bounded size that several processes may write: whoever finds it full moves it aside, once."""

import fcntl
import logging
import os
from pathlib import Path
from typing import Final

FILE_MAX_BYTES: Final = 20 * 1024 * 1024
FILES_KEPT: Final = 5
LOOK_AFTER_S: Final = 0.05
"""So long (wall time) a file is taken to be where it was: what somebody else moves meanwhile gets a few lines more."""


class LogFile(logging.Handler):
    """Appends lines and never raises into the caller: what cannot be written is counted in ``dropped``.

    The file is opened with the first line, and again when somebody else has moved it. A line is one write, so those of
    several processes do not mix, and nothing of it waits in this one.
    """

    def __init__(self, path: Path, max_bytes: int = FILE_MAX_BYTES, kept: int = FILES_KEPT) -> None:
        super().__init__()
        self.dropped = 0
        self._path = path
        self._name = str(path)
        self._max_bytes = max_bytes
        self._kept = kept
        self._file = -1
        self._identity = (0, 0)
        self._looked_s = 0.0
        self._size = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            # A clock that was set back counts as time that has passed.
            if self._file < 0 or not 0 <= record.created - self._looked_s < LOOK_AFTER_S:
                self._size = self._open()
                self._looked_s = record.created
            if os.write(self._file, line) < len(line):
                self.dropped += 1
            self._size += len(line)
            if self._size > self._max_bytes:
                self._move_aside()
        except Exception:  # noqa: BLE001 - whatever a record's rendering or a disk does, trading goes on
            self.dropped += 1

    def close(self) -> None:
        """Close the file; a later line would open it again."""
        self.acquire()
        try:
            self._let_go()
        finally:
            self.release()
        super().close()

    def _open(self) -> int:
        """Have the file of this name open; return its size."""
        try:
            found = os.stat(self._name)
            if (found.st_dev, found.st_ino) == self._identity:
                return found.st_size
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        self._let_go()
        self._file = os.open(self._name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        found = os.fstat(self._file)
        self._identity = (found.st_dev, found.st_ino)
        return found.st_size

    def _let_go(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._identity = -1, (0, 0)

    def _move_aside(self) -> None:
        """Number the older files up and begin a new one; the lock lets one of several processes do it."""
        with open(self._path.with_suffix(".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._path.stat().st_size > self._max_bytes:
                for number in range(self._kept, 0, -1):
                    older = self._numbered(number - 1)
                    if older.exists():
                        os.replace(older, self._numbered(number))
            self._size = self._open()

    def _numbered(self, number: int) -> Path:
        return self._path if number == 0 else self._path.with_name(f"{self._path.name}.{number}")
