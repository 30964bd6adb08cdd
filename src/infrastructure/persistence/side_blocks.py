"""The blocks of a side journal: fixed in size, each with a checksum, each chained to the one before.

A block is magic, generation, number and length, then the payload, zeros, the SHA-256 of the previous block's hash and
of all of this, and a CRC-32 of everything. The CRC tells a block that was written whole from one that was torn; the
hash tells whether those before it are the ones that stood there when it was written. Blocks of an earlier generation
are as good as blank.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Final

BLOCK_SIZE: Final = 1_024
_HEAD: Final = struct.Struct("<4sIIH")
_CRC: Final = struct.Struct("<I")
_MAGIC: Final = b"SHSJ"
_HASH_SIZE: Final = 32
_BODY_SIZE: Final = BLOCK_SIZE - _HASH_SIZE - _CRC.size
PAYLOAD_MAX: Final = _BODY_SIZE - _HEAD.size


@dataclass(frozen=True, slots=True)
class Block:
    """A block that was read whole. ``hash`` is what the next block of its generation is chained to."""

    generation: int
    number: int
    payload: bytes
    hash: bytes
    data: bytes

    def follows(self, previous: bytes) -> bool:
        """Whether it is chained to the block with this hash."""
        return self.hash == hashlib.sha256(previous + self.data[:_BODY_SIZE]).digest()


def block_of(generation: int, number: int, payload: bytes, previous: bytes = b"") -> Block:
    """The block to write; ValueError for a payload beyond :data:`PAYLOAD_MAX` bytes."""
    if len(payload) > PAYLOAD_MAX:
        raise ValueError(f"{len(payload)} bytes do not fit into a block: {PAYLOAD_MAX} do")
    body = (_HEAD.pack(_MAGIC, generation, number, len(payload)) + payload).ljust(_BODY_SIZE, b"\0")
    digest = hashlib.sha256(previous + body).digest()
    data = body + digest + _CRC.pack(zlib.crc32(body + digest))
    return Block(generation, number, payload, digest, data)


def read_block(data: bytes) -> Block | None:
    """The block that these bytes are, or None for anything else: blank, torn, cut off."""
    if len(data) != BLOCK_SIZE or not data.startswith(_MAGIC):
        return None
    sealed = data[: -_CRC.size]
    if _CRC.unpack(data[-_CRC.size :])[0] != zlib.crc32(sealed):
        return None
    _, generation, number, length = _HEAD.unpack_from(data)
    if length > PAYLOAD_MAX:
        return None
    payload = data[_HEAD.size : _HEAD.size + length]
    return Block(generation, number, payload, sealed[-_HASH_SIZE:], data)
