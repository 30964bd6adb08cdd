"""The kill switch is a file: it works with a hung loop, without the database, and from any shell."""

import os
from pathlib import Path


class FileKillSwitch:
    """Engaged for as long as the file is there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def is_engaged(self) -> bool:
        """Whether the file exists; what cannot be looked at counts as engaged."""
        try:
            os.stat(self._path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def engage(self, reason: str) -> None:
        """Make the file durable; its text is for people. Raises OSError when the folder cannot be written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, f"{reason}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._sync_folder()

    def release(self) -> bool:
        """Remove the file, durably; False when there was none."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        self._sync_folder()
        return True

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
