"""Power failures: what a write-ahead log may look like when the machine stops inside the sync of a commit.

A process that is killed leaves its writes to the kernel; a machine that stops leaves, of what was not synced yet, any
sectors and not others. Which bytes a commit wrote is found by comparing the log before and after it, and some of them
are given their old content back, in the child that then dies. At that moment nothing has acted on the commit: the
failpoint comes first. What earlier commits synced is never touched.
"""

import random
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.crash.process import Point, die, is_at

SECTOR: Final = 512
HEADER: Final = 32
"""Bytes of a log's own header. When SQLite begins a log anew, it syncs the header before it writes any frame
(wal.c, ticket ff5be73dee086): a part of a commit without it cannot be."""
CHECKPOINT: Final = "store.checkpoint"


class Loss(StrEnum):
    """What is lost of the commit under way."""

    ALL = "the whole commit"
    TAIL = "the last frame's second half"
    SECOND_HALF = "its second half"
    FIRST_HALF = "its first half, its end being there"
    SCATTERED = "any of its sectors"


class PowerFailure:
    """A hook that stops the machine inside the commit before a point ``….after_commit``.

    ``store.…`` is about the session's database in ``folder``, ``exchange.…`` about the paper exchange's.
    """

    def __init__(self, point: Point, folder: Path, loss: Loss) -> None:
        self._name, self._ordinal = point
        self._owner = self._name.split(".")[0]
        self._folder = folder
        self._loss = loss
        self._rng = random.Random(f"{point} {loss}")
        self._passed = 0
        self._logs: dict[Path, bytes] = {}
        self._main: dict[Path, int] = {}

    def __call__(self, reached: str) -> None:
        """The hook."""
        if reached == f"{self._owner}.before_commit":
            self._logs = {log: log.read_bytes() for log in self._files("-wal")}
            self._main = {path: path.stat().st_mtime_ns for path in self._files("")}
        elif is_at(self._name, reached):
            self._passed += 1
            if self._passed == self._ordinal:
                self.lose()
                die()

    def _files(self, suffix: str) -> Iterator[Path]:
        pattern = f"steadyhand.db{suffix}" if self._owner == "store" else f"paper/*.db{suffix}"
        yield from self._folder.glob(pattern)

    def lose(self) -> None:
        """Take from the log what is lost of the last commit."""
        if any(path.stat().st_mtime_ns != self._main.get(path) for path in self._files("")):
            # The commit made a checkpoint as well, which comes after its sync: nothing of it can be lost.
            return
        for log in self._files("-wal"):
            before = self._logs.get(log, b"")
            with log.open("r+b") as file:
                after = file.read()
                written = _written(before, after)
                for sector in _lost(written, self._loss, self._rng):
                    old = before[sector : sector + SECTOR].ljust(min(SECTOR, len(after) - sector), b"\0")
                    kept = HEADER if sector == 0 and self._loss is not Loss.ALL else 0
                    file.seek(sector + kept)
                    file.write(old[kept:])
                if self._loss is Loss.ALL and len(before) < len(after):
                    file.truncate(len(before))


def _written(before: bytes, after: bytes) -> list[int]:
    """Where the sectors begin that differ, in order."""
    return [
        start
        for start in range(0, len(after), SECTOR)
        if before[start : start + SECTOR] != after[start : start + SECTOR]
    ]


def _lost(written: list[int], loss: Loss, rng: random.Random) -> list[int]:
    middle = len(written) // 2
    if loss is Loss.ALL:
        return written
    if loss is Loss.TAIL:
        return written[-4:]
    if loss is Loss.SECOND_HALF:
        return written[middle:]
    if loss is Loss.FIRST_HALF:
        return written[: middle or 1]
    return [sector for sector in written if rng.random() < 0.5]


class TornCheckpoint:
    """A hook that stops the machine inside the n-th checkpoint of the session's database.

    Pages of the file are old, new or half of each; the log they come from is whole, as SQLite begins a new one only
    after the file's own sync.
    """

    def __init__(self, ordinal: int, folder: Path) -> None:
        self._ordinal = ordinal
        self._path = folder / "steadyhand.db"
        self._rng = random.Random(f"checkpoint {ordinal}")
        self._passed = 0
        self._before: bytes | None = None

    def __call__(self, reached: str) -> None:
        """The hook."""
        if self._before is not None:
            self._tear(self._before)
            die()
        if reached == CHECKPOINT:
            self._passed += 1
            if self._passed == self._ordinal:
                self._before = self._path.read_bytes()

    def _tear(self, before: bytes) -> None:
        with self._path.open("r+b") as file:
            after = file.read()
            for sector in _written(before, after):
                if self._rng.random() < 0.5:
                    file.seek(sector)
                    file.write(before[sector : sector + SECTOR].ljust(SECTOR, b"\0"))
