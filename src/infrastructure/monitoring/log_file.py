"""A log file of bounded size that several processes may write: whoever finds it full moves it aside, once."""

import fcntl
import logging
import logging.handlers
import os
from pathlib import Path
from typing import Final

FILE_MAX_BYTES: Final = 20 * 1024 * 1024
FILES_KEPT: Final = 5


class LogFile(logging.handlers.WatchedFileHandler):
    """Appends lines and never raises into the caller: what cannot be written is counted in ``dropped``.

    The file is opened with the first line, and again when somebody else has moved it.
    """

    def __init__(self, path: Path, max_bytes: int = FILE_MAX_BYTES, kept: int = FILES_KEPT) -> None:
        super().__init__(path, delay=True, encoding="utf-8")
        self.dropped = 0
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            if self.stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            super().emit(record)
            if self.stream is not None and self.stream.tell() > self._max_bytes:
                self._move_aside()
        except OSError:
            self.dropped += 1

    def handleError(self, record: logging.LogRecord) -> None:
        """Formatting or writing failed: trading goes on."""
        self.dropped += 1

    def _move_aside(self) -> None:
        """Number the older files up and begin a new one; the lock lets one of several processes do it."""
        with open(self._path.with_suffix(".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._path.stat().st_size > self._max_bytes:
                for number in range(self._kept, 0, -1):
                    older = self._numbered(number - 1)
                    if older.exists():
                        os.replace(older, self._numbered(number))
        self.reopenIfNeeded()

    def _numbered(self, number: int) -> Path:
        return self._path if number == 0 else self._path.with_name(f"{self._path.name}.{number}")
