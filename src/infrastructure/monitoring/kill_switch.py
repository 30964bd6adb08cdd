"""The kill switch is a file: it works with a hung loop, without the database, and from any shell.

``HALT`` in the data folder stops every account, ``HALT-`` and the beginning of an account's id that account alone. A
file made by hand halts, whatever is in it; one that begins with ``soft:`` or ``hard:`` says how. Of several such
lines the strictest counts.
"""

import contextlib
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from src.application.plain_text import plain
from src.application.ports.kill_switch import KillLevel
from src.infrastructure.monitoring.folder_watch import FolderWatch

_SETTLED_NS: Final = 1_000_000_000
"""A folder that was changed less than this ago (wall time) may change again without its time stamp showing it."""
_ACCOUNT_CHARS: Final = 8
_TEXT_MAX: Final = 500


class _Folder(NamedTuple):
    """The folder as it was opened, and what closes it."""

    descriptor: int
    status: os.stat_result
    watch: FolderWatch | None
    close: Callable[[], object]


class FileKillSwitch:
    """Engaged for as long as the file of all accounts is there, or the one of ``account_id``.

    Without an account, only the file of all counts. Throwing the switch makes the file of the account, if there is
    one, else that of all. One that ``is_watched`` has the kernel tell of new files, where it does: looks cost less.
    """

    def __init__(self, path: Path, account_id: str = "", *, is_watched: bool = False) -> None:
        own = path.with_name(f"{path.name}-{account_id[:_ACCOUNT_CHARS]}") if account_id else path
        self._path = own
        self._paths = (path,) if own == path else (path, own)
        self._folder = str(path.parent)
        self._open: _Folder | None = None
        self._quiet_since_ns = -1
        self._is_watched = is_watched
        # What tells of news since no file was there; None while a file may be there, or nothing tells.
        self._has_news: Callable[[], bool] | None = None

    @property
    def path(self) -> Path:
        """The file that this switch makes."""
        return self._path

    def is_engaged(self) -> bool:
        """Whether a file exists; what cannot be looked at counts as engaged.

        No file appears in a folder without changing the folder's time stamp, so a folder that was looked through
        and has not changed since costs one look. It is looked at through a descriptor, which takes half the time; that
        the path may lead to another folder by now, or that the kernel does not tell of what another machine has put
        there, is noticed by :meth:`level`, which sessions ask every second.
        """
        has_news = self._has_news
        if has_news is not None and not has_news():
            return False
        return self._look()

    def _look(self) -> bool:
        """The same, by the folder itself."""
        self._has_news = None
        try:
            opened = self._open or self._open_folder()
            if opened.watch is not None:
                # Before the look: what comes after it is news.
                opened.watch.forget()
            changed_ns = os.fstat(opened.descriptor).st_mtime_ns
        except OSError:
            return any(map(_exists, self._paths))
        if changed_ns != self._quiet_since_ns:
            self._quiet_since_ns = -1
            if any(map(_exists, self._paths)):
                return True
            if 0 <= changed_ns < time.time_ns() - _SETTLED_NS:
                self._quiet_since_ns = changed_ns
        if opened.watch is not None:
            self._has_news = opened.watch.has_news
        return False

    def _open_folder(self) -> _Folder:
        """Keep the folder open from now on; raises OSError."""
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        close = weakref.finalize(self, os.close, descriptor)
        watch = None
        if self._is_watched:
            with contextlib.suppress(OSError):  # then its time stamp has to do
                watch = FolderWatch(descriptor)
        self._open = _Folder(descriptor, os.fstat(descriptor), watch, close)
        return self._open

    def _is_quiet(self) -> bool:
        """Whether the path leads to the folder that was looked through, and that has not changed since: in one look."""
        if self._open is None or self._quiet_since_ns < 0:
            return False
        try:
            now = os.stat(self._folder)
        except OSError:
            return False
        return now.st_mtime_ns == self._quiet_since_ns and os.path.samestat(self._open.status, now)

    def _follow_path(self) -> None:
        """Let go of a folder that the path does not lead to any more."""
        if self._open is None:
            return
        opened = self._open
        try:
            if os.path.samestat(opened.status, os.stat(self._folder)):
                return
        except OSError:
            pass  # it leads nowhere
        self._open = self._has_news = None
        self._quiet_since_ns = -1
        opened.close()
        if opened.watch is not None:
            opened.watch.close()

    def level(self) -> KillLevel | None:
        """What is wanted: the strictest of the files that are there; one that cannot be read halts."""
        found = self._strictest()
        return found[0] if found is not None else None

    def reason(self) -> str:
        """What the strictest file says after its level."""
        found = self._strictest()
        return found[1] if found is not None else ""

    def _strictest(self) -> tuple[KillLevel, str] | None:
        if self._is_quiet():
            return None
        self._follow_path()
        found = [_read(path) for path in self._paths if _exists(path)] if self._look() else []
        return max(found, key=lambda each: _rank(each[0]), default=None)

    def engage(self, reason: str, level: KillLevel = KillLevel.HALT) -> None:
        """Make the file durable; its text is for people. Raises OSError when the folder cannot be written.

        One that is there already and asks for as much, or for more, stays as it is: only a release takes a halt back.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if _exists(self._path) and _rank(_read(self._path)[0]) >= _rank(level):
            self._sync_folder()
            return
        # A file made by hand may end in the middle of a line.
        begin = "\n" if _exists(self._path) else ""
        text = f"{begin}{level.value}: {' '.join(reason.splitlines())}\n".encode()
        # Appended: of two halts at the same time none takes back what the other asks for.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, text)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._sync_folder()

    def release(self) -> bool:
        """Remove the file, durably; False when there was none. The file of all accounts is left to a switch of all."""
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


def release_all(path: Path) -> bool:
    """Remove the file of all accounts and those of single ones; False when there was none."""
    others = [other for other in path.parent.glob(f"{path.name}-*") if other.is_file()]
    released = [FileKillSwitch(each).release() for each in (*others, path)]
    return any(released)


def _exists(path: Path) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _rank(level: KillLevel) -> int:
    """How much a level asks for."""
    return list(KillLevel).index(level)


def _read(path: Path) -> tuple[KillLevel, str]:
    """The strictest level that a file asks for, and its reason in one line. Its first line halts, whatever it says."""
    try:
        # A power failure may leave zeros.
        text = plain(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return KillLevel.HALT, ""
    first, *others = text.strip().splitlines() or [""]
    asked = [_level_of(first) or (KillLevel.HALT, first[:_TEXT_MAX]), *filter(None, map(_level_of, others))]
    return max(asked, key=lambda each: _rank(each[0]))


def _level_of(line: str) -> tuple[KillLevel, str] | None:
    """The level that a line begins with, and the reason behind it."""
    word, _, rest = line.partition(":")
    if word.strip() not in set(KillLevel):
        return None
    return KillLevel(word.strip()), rest.strip()[:_TEXT_MAX]
