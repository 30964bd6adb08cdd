"""The kill switch is a file: it works with a hung loop, without the database, and from any shell."""

from pathlib import Path


class FileKillSwitch:
    """Engaged for as long as the file is there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_engaged(self) -> bool:
        """Whether the file exists; what cannot be looked at counts as engaged."""
        try:
            self._path.stat()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True
