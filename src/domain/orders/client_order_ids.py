"""Client order ids: deterministic from durable numbers, never reused, recognisable as ours.

Form (at most 36 characters of the exchange's alphabet): namespace(3) - epoch in base 36 (4) - sequence in base 36
(7) - attempt (1) - checksum (4). The namespace is random per account, the epoch is that of the lease, the sequence
counts intents of the account; so two instances can never make the same id, and a restored old database is noticed.
"""

import zlib

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CHECK_MODULUS = 36**4
NAMESPACE_LENGTH = 3


def base36(number: int, width: int) -> str:
    """``number`` in base 36, padded with zeros to ``width``; ValueError when it does not fit."""
    if not 0 <= number < 36**width:
        raise ValueError(f"{number} does not fit into {width} digits of base 36")
    digits = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, 36)
        digits = _DIGITS[digit] + digits
    return digits.rjust(width, "0")


def client_order_id(namespace: str, epoch: int, sequence: int, attempt: int = 1) -> str:
    """The id of one attempt."""
    stem = f"{namespace}-{base36(epoch, 4)}-{base36(sequence, 7)}-{base36(attempt, 1)}"
    return f"{stem}-{base36(zlib.crc32(stem.encode()) % _CHECK_MODULUS, 4)}"


def is_ours(text: str, namespace: str) -> bool:
    """Whether an id was made by :func:`client_order_id` in this namespace: the prefix and the checksum agree."""
    stem, _, check = text.rpartition("-")
    if not stem.startswith(f"{namespace}-"):
        return False
    return check == base36(zlib.crc32(stem.encode()) % _CHECK_MODULUS, 4)
