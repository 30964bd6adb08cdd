"""The side journal is a file of fixed size, written block by block with synced writes; it never grows.

Its first two blocks are headers; the one with the higher generation holds. A retirement writes the next generation into
the other, so that a torn write leaves what was. Every other block is a record. The file is written out in full when it
is made, so that a full disk does not matter later (on a file system that copies on write, it does).
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from src.application.ports.failpoints import failpoint
from src.application.ports.side_journal import (
    SideJournalBusy,
    SideJournalError,
    SideJournalFull,
    SideRecords,
)
from src.domain.orders.emergency import EmergencyOrder
from src.infrastructure.persistence.codec import decode_as, encode
from src.infrastructure.persistence.side_blocks import BLOCK_SIZE, Block, block_of, read_block

HEADERS: Final = 2
BLOCKS: Final = 512
"""Headers and records of a file: half a megabyte, for 255 orders with their outcomes."""
_READ_AT_ONCE: Final = 64
"""Blocks: as much as memory is at hand for; each recovery reads the file."""
_BLANK: Final = bytes(_READ_AT_ONCE * BLOCK_SIZE)
_FOLDER: Final = "emergency"


@dataclass(frozen=True, slots=True)
class SideHeader:
    """Whose side journal it is, and the number of the first record of its generation."""

    account_id: str
    exchange: str
    namespace: str
    first_number: int = 1


def side_journal_path(data_dir: Path, account_id: str) -> Path:
    """The side journal of an account."""
    return data_dir / _FOLDER / f"{account_id[:8]}.journal"


def side_journals(data_dir: Path) -> list[Path]:
    """Every side journal of a data folder; raises OSError where they cannot be looked for."""
    folder = data_dir / _FOLDER
    return sorted(path for path in folder.iterdir() if path.suffix == ".journal") if folder.exists() else []


class FileSideJournal:
    """Implements the SideJournal port over the file at ``path``, which has to be there: see :func:`ensure`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_DSYNC | os.O_CLOEXEC)
        except OSError as error:
            raise self._failure(error, "open") from error
        try:
            self._header, self.header = self._newest_header()
        except SideJournalError:
            self.close()
            raise
        self._last = self._header
        self._open_orders: set[str] = set()
        self._used = 0

    def close(self) -> None:
        """Let the file and its lock go; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # --- writing ----------------------------------------------------------------------------------------------

    def claim(self) -> SideRecords:
        """Lock it for as long as it is open, and go on behind what is there. Raises :class:`SideJournalBusy`."""
        if not self._locked():
            raise SideJournalBusy(f"another emergency command is at work on {self._path.name}: let it finish")
        self._last, records = self._read()
        self._used = records.records
        self._open_orders = {order.client_order_id for order in records.orders if order.trigger is None}
        return records

    @property
    def next_number(self) -> int:
        """The number of the next record."""
        return self.header.first_number + self._used

    def append(self, order: EmergencyOrder) -> None:
        """Write one record behind the last, with one write that returns when it is on the disk."""
        is_new = order.trigger is None
        kept_for_others = len(self._open_orders - {order.client_order_id})
        if self._used + 1 + is_new + kept_for_others > BLOCKS - HEADERS:
            raise SideJournalFull(
                f"{self._path.name} is full: start a session, which imports it, or close by hand at the exchange"
            )
        block = block_of(self._last.generation, self.next_number, encode(order), self._last.hash)
        failpoint("side_journal.before_write")
        self._write(HEADERS + self._used, block)
        failpoint("side_journal.after_write")
        self._last = block
        self._used += 1
        (self._open_orders.add if is_new else self._open_orders.discard)(order.client_order_id)

    # --- reading ----------------------------------------------------------------------------------------------

    def has_records(self) -> bool:
        """Whether the first record is there, or something that was one."""
        # Records are written in order, each on the disk before the next: none follows so much that never was written.
        return self._read_at(HEADERS, _READ_AT_ONCE) != _BLANK and bool(self._whole_blocks())

    def read(self) -> SideRecords:
        """Everything of this generation."""
        return self._read()[1]

    def retire(self, read: SideRecords) -> bool:
        """Begin a new generation behind what was read."""
        with self._lock() as locked:
            if not locked or self._read()[1].records != read.records:
                return False
            header = SideHeader(
                self.header.account_id,
                self.header.exchange,
                self.header.namespace,
                self.header.first_number + read.records,
            )
            generation = self._header.generation + 1
            block = block_of(generation, 0, encode(header))
            failpoint("side_journal.before_retire")
            self._write(generation % HEADERS, block)
            failpoint("side_journal.after_retire")
            self._header, self.header = block, header
            self._last, self._used = block, 0
            return True

    def _read(self) -> tuple[Block, SideRecords]:
        """The last block, and what the chained ones and those behind a gap say."""
        # Whoever else has the file open may have retired what this one remembers.
        self._header, self.header = self._newest_header()
        whole = self._whole_blocks()
        chained: list[Block] = []
        previous = self._header.hash
        while (block := whole.get(len(chained))) is not None and block.follows(previous):
            chained.append(block)
            previous = block.hash
        beyond = [whole[place] for place in sorted(whole) if place >= len(chained)]
        damage = f"record {len(chained) + 1} cannot be read, and {len(beyond)} follow it" if beyond else ""
        latest: dict[str, EmergencyOrder] = {}
        for block in (*chained, *beyond):
            order = self._order(block)
            latest[order.client_order_id] = order
        used = max(whole) + 1 if whole else 0
        last = whole[used - 1] if used else self._header
        return last, SideRecords(tuple(latest.values()), used, damage)

    def _order(self, block: Block) -> EmergencyOrder:
        try:
            return decode_as(EmergencyOrder, block.payload)
        except ValueError as error:
            raise SideJournalError(f"{self._path.name} was written by another version: {error}") from error

    def _whole_blocks(self) -> dict[int, Block]:
        """Every block of this generation that was written whole, by its place among the records."""
        found = {}
        for first in range(HEADERS, BLOCKS, _READ_AT_ONCE):
            data = self._read_at(first, min(_READ_AT_ONCE, BLOCKS - first))
            if _BLANK.startswith(data):
                # As nearly all of it is: one look instead of one at each block.
                continue
            for place in range(len(data) // BLOCK_SIZE):
                block = read_block(data[place * BLOCK_SIZE : (place + 1) * BLOCK_SIZE])
                if block is not None and block.generation == self._header.generation:
                    found[first - HEADERS + place] = block
        return found

    def _newest_header(self) -> tuple[Block, SideHeader]:
        is_whole = os.fstat(self._file).st_size == BLOCKS * BLOCK_SIZE
        blocks = [read_block(self._read_at(place, 1)) for place in range(HEADERS)]
        newest = max((block for block in blocks if block), key=lambda block: block.generation, default=None)
        try:
            if newest is not None and is_whole:
                return newest, decode_as(SideHeader, newest.payload)
        except ValueError:
            newest = None
        raise SideJournalError(
            f"{self._path.name} cannot be read: move it out of the data folder and start a session; what the exchange "
            "knows of its orders then halts trading"
        )

    # --- the file ---------------------------------------------------------------------------------------------

    def _read_at(self, place: int, blocks: int) -> bytes:
        try:
            return os.pread(self._file, blocks * BLOCK_SIZE, place * BLOCK_SIZE)
        except OSError as error:
            raise self._failure(error, "read") from error

    def _write(self, place: int, block: Block) -> None:
        try:
            written = os.pwrite(self._file, block.data, place * BLOCK_SIZE)
        except OSError as error:
            raise self._failure(error, "write") from error
        if written != BLOCK_SIZE:
            raise SideJournalError(f"{self._path.name}: a record was written in part only: check the disk")

    def _failure(self, error: OSError, verb: str) -> SideJournalError:
        closed = error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
        fix = "make the data folder writable" if closed else "check the disk"
        return SideJournalError(f"cannot {verb} {self._path.name} ({error.strerror}): {fix}")

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        """Whether the lock could be had; given back at the end."""
        locked = self._locked()
        try:
            yield locked
        finally:
            if locked:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def ensure(data_dir: Path, header: SideHeader) -> FileSideJournal:
    """The account's side journal, made if it is not there.

    One that the account had under another namespace, with a database that is gone, is set aside if it holds orders:
    they are of no use to this one. Raises SideJournalError, also for another account's.
    """
    path = side_journal_path(data_dir, header.account_id)
    if not path.exists():
        _make(path, header)
    journal = FileSideJournal(path)
    there = journal.header
    if (there.account_id, there.exchange) != (header.account_id, header.exchange):
        journal.close()
        raise SideJournalError(
            f"{path.name} is the side journal of another account ({there.exchange} {there.account_id[:8]}): move it "
            "out of the data folder"
        )
    if there.namespace == header.namespace:
        return journal
    with closing(journal):
        if journal.claim().records:
            path.rename(path.with_suffix(f".{there.namespace}"))
        else:
            path.unlink()
    _make(path, header)
    return FileSideJournal(path)


def _make(path: Path, header: SideHeader) -> None:
    """Write the whole file under another name and put it in place, all of it durable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = mkstemp(prefix=f"{path.stem}.", dir=path.parent)
        try:
            _fill(descriptor, block_of(0, 0, encode(header)).data)
            failpoint("side_journal.made")
            # Not over one that somebody else has made meanwhile, and may have open.
            with suppress(FileExistsError):
                os.link(unfinished, path)
        finally:
            os.unlink(unfinished)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SideJournalError(
            f"cannot make {path.name} in the data folder ({error.strerror}): free some space, make the folder writable"
        ) from error


def _fill(descriptor: int, first: bytes) -> None:
    """Write every block, so that each has its place on the disk from now on, and close the file."""
    try:
        blank = bytes(BLOCKS * BLOCK_SIZE - len(first))
        if os.writev(descriptor, (first, blank)) != BLOCKS * BLOCK_SIZE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
