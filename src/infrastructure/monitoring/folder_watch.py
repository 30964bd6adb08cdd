"""Whether a name has come into a folder, for one small question to the kernel: inotify, where there is Linux.

The time stamp of the folder tells the same, but in an answer of nineteen numbers: Python takes three times as long.
What another machine puts into a folder that it shares is not told; whoever needs to know looks at the folder as well.

Source: inotify(7). A watch is ended by the kernel in some 8 ms, so it is nothing for programs that live as long.
"""

import ctypes
import os
import select
import weakref
from typing import Final

# IN_ONLYDIR, IN_CREATE (links too), IN_MOVED_TO; that nothing is watched any more is always told.
_MASK: Final = 0x01000000 | 0x00000100 | 0x00000080
_NEWS_MAX: Final = 65_536


class FolderWatch:
    """Watches the folder behind an open descriptor; raises OSError where that cannot be done."""

    __slots__ = ("__weakref__", "_close", "_descriptor", "_poll")

    def __init__(self, folder: int) -> None:
        try:
            library = ctypes.CDLL(None, use_errno=True)
            begin, add = library.inotify_init1, library.inotify_add_watch
        except (AttributeError, TypeError) as error:
            raise OSError("this system has no inotify") from error
        self._descriptor = _checked(begin(os.O_NONBLOCK | os.O_CLOEXEC))
        self._close = weakref.finalize(self, os.close, self._descriptor)
        try:
            # By the descriptor: the path may lead to another folder by now.
            _checked(add(self._descriptor, b"/proc/self/fd/%d" % folder, _MASK))
        except OSError:
            self._close()
            raise
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        self._poll = poll.poll

    def has_news(self) -> bool:
        """Whether a name has come since :meth:`forget`, or may have come unnoticed."""
        return bool(self._poll(0))

    def forget(self) -> None:
        """What has come until now is known; what comes while this is called may count as known or as news."""
        try:
            while os.read(self._descriptor, _NEWS_MAX):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """End the watch; a second call does nothing."""
        self._close()


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
