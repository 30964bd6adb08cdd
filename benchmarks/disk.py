"""What the disk itself costs: the same bytes, written and synced without a database around them."""

import os
import struct
from pathlib import Path
from time import perf_counter_ns
from typing import Final

FRAME_HEADER_BYTES: Final = 24
LOG_BYTES: Final = 4 << 20

# SQLite's wal-index header: the page size at byte 14 (16 bits), the number of valid frames at byte 16 (32 bits),
# both in the machine's own byte order. https://www.sqlite.org/walformat.html, "The WAL-Index File Format"
_PAGE_SIZE: Final = struct.Struct("=H")
_FRAMES: Final = struct.Struct("=I")


class WriteAheadLog:
    """Tells how many bytes commits append to a database's write-ahead log.

    The index beside the log stays open until :meth:`close`; closing it earlier would release SQLite's own locks,
    which POSIX ties to the process. Call it after the store is closed.
    """

    def __init__(self, database: Path) -> None:
        self._index = os.open(f"{database}-shm", os.O_RDONLY | os.O_CLOEXEC)
        (size,) = _PAGE_SIZE.unpack(os.pread(self._index, _PAGE_SIZE.size, 14))
        self._frame_bytes = FRAME_HEADER_BYTES + (size if size > 1 else 65_536)
        self._frames = self._count()

    def grown_by(self) -> int:
        """Bytes appended since the last call; after a restart of the log, those since the restart."""
        before, self._frames = self._frames, self._count()
        frames = self._frames - before if self._frames >= before else self._frames
        return frames * self._frame_bytes

    def close(self) -> None:
        """Let the index go."""
        os.close(self._index)

    def _count(self) -> int:
        (frames,) = _FRAMES.unpack(os.pread(self._index, _FRAMES.size, 16))
        return int(frames)


class PlainLog:
    """A file of the log's size in the same folder, written round and round: one pwrite and one fdatasync."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.pwrite(self._descriptor, bytes(LOG_BYTES), 0)
        os.fsync(self._descriptor)
        self._content = os.urandom(1 << 20)
        self._place = 0

    def write(self, size: int) -> int:
        """Write and sync ``size`` bytes inside the file; return how long that took, ns."""
        if self._place + size > LOG_BYTES:
            self._place = 0
        data = self._content[:size]
        before = perf_counter_ns()
        os.pwrite(self._descriptor, data, self._place)
        os.fdatasync(self._descriptor)
        after = perf_counter_ns()
        self._place += size
        return after - before

    def close(self) -> None:
        """Let the file go."""
        os.close(self._descriptor)
