"""The hash chain: each record carries the hash of the one before, so that no record can be changed, lost or added.

``hash = sha256(prev_hash ‖ seq ‖ at_ms ‖ epoch ‖ len(kind) ‖ len(key) ‖ kind ‖ key ‖ payload)`` with the numbers as
unsigned big-endian 64-bit integers, the lengths (in bytes) as 16-bit and 32-bit ones: the frame can be read in one
way only. The chain begins with 32 zero bytes. Nothing of the machine enters, so equal histories have equal heads.
"""

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct
from typing import Final

from src.application.ports.store import JournalHead, StoreCorrupt
from src.domain.ledger.events import Event
from src.infrastructure.persistence.codec import KINDS, encode, key_of

GENESIS: Final = bytes(32)
RECORDS_PER_ACCOUNT: Final = 1 << 40

_FRAME = Struct(">32sQQQHI")

# account_no, seq, at_ms, epoch, kind, key, payload, prev_hash, hash
Row = tuple[int, int, int, int, str, str, bytes, bytes, bytes]


def record_hash(prev: bytes, seq: int, at_ms: int, epoch: int, kind: str, key: str, payload: bytes) -> bytes:
    """The hash of a record; see the module's text for the frame."""
    kind_bytes, key_bytes = kind.encode(), key.encode()
    frame = _FRAME.pack(prev, seq, at_ms, epoch, len(kind_bytes), len(key_bytes))
    return sha256(b"".join((frame, kind_bytes, key_bytes, payload))).digest()


class Chain:
    """The end of one account's chain; :meth:`link` makes the next record."""

    __slots__ = ("account_no", "hash", "seq")

    def __init__(self, account_no: int, seq: int = 0, head: bytes = GENESIS) -> None:
        self.account_no = account_no
        self.seq = seq
        self.hash = head

    @property
    def head(self) -> JournalHead:
        """The last record's number and hash."""
        return JournalHead(self.seq, self.hash.hex())

    def link(self, at_ms: int, epoch: int, event: Event) -> tuple[int | str | bytes, ...]:
        """The next record as a row of the journal table, ``record_no`` first."""
        prev, seq = self.hash, self.seq + 1
        kind, key, payload = KINDS[type(event)], key_of(event), encode(event)
        digest = record_hash(prev, seq, at_ms, epoch, kind, key, payload)
        self.seq, self.hash = seq, digest
        record_no = self.account_no * RECORDS_PER_ACCOUNT + seq
        return (record_no, self.account_no, seq, at_ms, epoch, kind, key, payload, prev, digest)


def check_chain(rows: Iterable[Row], after: JournalHead) -> JournalHead:
    """Follow the chain from ``after`` through ``rows``; return where it ends.

    Raises :class:`StoreCorrupt` at the first record that does not fit.
    """
    seq, last = after.seq, bytes.fromhex(after.hash)
    for _, number, at_ms, epoch, kind, key, payload, prev, digest in rows:
        seq += 1
        if number != seq:
            raise StoreCorrupt(f"the journal has no record {seq}: restore the database from a backup")
        if prev != last or digest != record_hash(prev, seq, at_ms, epoch, kind, key, payload):
            raise StoreCorrupt(
                f"record {seq} of the journal was changed after it was written: restore the database from a backup"
            )
        last = digest
    return JournalHead(seq, last.hex())
