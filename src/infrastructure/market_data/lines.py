"""Bytes of a recording turned into lines, a block at a time, whether the file is packed with gzip or not."""

import zlib
from collections.abc import Iterator
from typing import IO, Final

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WBITS: Final = 31
_PACKED_BLOCK: Final = 32 * 1024
_PLAIN_BLOCK: Final = 256 * 1024


class DamagedFile(ValueError):
    """The rest of a packed file cannot be unpacked; everything before it was delivered."""


def read_lines(file: IO[bytes]) -> Iterator[list[bytes]]:
    """Lines without their line ends, in lists of a few hundred to a few thousand.

    A last line without a line end counts. Raises :class:`DamagedFile` where a packed file is cut or garbled, after
    all lines before that place.
    """
    rest = b""
    blocks = _unpacked(file) if file.read(2) == _GZIP_MAGIC else iter(lambda: file.read(_PLAIN_BLOCK), b"")
    file.seek(0)
    damage = None
    while True:
        try:
            block = next(blocks, None)
        except zlib.error as error:
            damage = DamagedFile(str(error))
            break
        except DamagedFile as error:
            damage = error
            break
        if block is None:
            break
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield lines
    if rest:
        yield [rest]
    if damage is not None:
        raise damage


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """The content of a gzip file, which may be several joined ones and may be padded with zero bytes."""
    unpacker = zlib.decompressobj(_GZIP_WBITS)
    is_inside = False
    packed = b""
    while packed := packed or file.read(_PACKED_BLOCK):
        if not is_inside and not (packed := packed.lstrip(b"\0")):
            continue
        is_inside = True
        yield unpacker.decompress(packed)
        packed = unpacker.unused_data
        if unpacker.eof:
            unpacker = zlib.decompressobj(_GZIP_WBITS)
            is_inside = False
    if is_inside:
        raise DamagedFile("the compressed data ends too early")
