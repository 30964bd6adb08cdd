"""Client order ids: deterministic from durable numbers, never reused, recognisable as ours.

Form (at most 36 characters of the exchange's alphabet): namespace(3) - epoch in base 36 (4) - sequence in base 36
(7) - attempt (1) - checksum (4). The namespace is random per account, the epoch is that of the lease, the sequence
counts intents of the account; so two instances can never make the same id, and a restored old database is noticed.

An order that is sent around the session, in an emergency, has an id of another form: namespace(3) . venue time of the
attempt in ms, base 36 (8) . number of its record (5) - checksum (4). The dot tells the two apart.
"""

import zlib
from functools import lru_cache
from typing import Final

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = 36 * 36
# Two digits at a time: an id is on the way of every order.
_PAIR_DIGITS: Final = tuple(high + low for high in _DIGITS for low in _DIGITS)
_CHECK_MODULUS = 36**4
NAMESPACE_LENGTH = 3


def base36(number: int, width: int) -> str:
    """``number`` in base 36, padded with zeros to ``width``; ValueError when it does not fit."""
    if not 0 <= number < 36**width:
        raise ValueError(f"{number} does not fit into {width} digits of base 36")
    digits = ""
    rest = number
    while rest:
        rest, pair = divmod(rest, _PAIRS)
        digits = _PAIR_DIGITS[pair] + digits
    return digits[-width:] if len(digits) > width else digits.rjust(width, "0")


@lru_cache(maxsize=4)
def client_order_id(namespace: str, epoch: int, sequence: int, attempt: int = 1) -> str:
    """The id of one attempt; ValueError for an attempt or another number that its digits cannot tell.

    The last ones are remembered: whoever rehearses an order has made the id of the next one already.
    """
    if not 0 <= attempt < len(_DIGITS):
        raise ValueError(f"attempt {attempt} does not fit into one digit of base 36")
    above, rest = divmod(sequence, _CHECK_MODULUS)
    stem = f"{_beginning(namespace, epoch, above)}{_four_digits(rest)}-{_DIGITS[attempt]}"
    return f"{stem}-{_check(stem)}"


@lru_cache(maxsize=4)
def _beginning(namespace: str, epoch: int, above: int) -> str:
    """What the ids of one process have in common, for more than a million orders: all but the last four digits."""
    return f"{namespace}-{base36(epoch, 4)}-{base36(above, 3)}"


def _four_digits(number: int) -> str:
    """A number below 36⁴ in base 36."""
    high, low = divmod(number, _PAIRS)
    return _PAIR_DIGITS[high] + _PAIR_DIGITS[low]


def emergency_order_id(namespace: str, timestamp_ms: int, number: int) -> str:
    """The id of an order that no session sends.

    ``timestamp_ms`` is the attempt's (venue time), ``number`` that of its record in the side journal: a side journal
    that was lost, or put back from a copy, does not make the ids of another one again.
    """
    stem = f"{namespace}.{base36(timestamp_ms, 8)}.{base36(number, 5)}"
    return f"{stem}-{_check(stem)}"


def is_ours(text: str, namespace: str) -> bool:
    """Whether an id was made in this namespace, by a session or in an emergency: prefix and checksum agree."""
    return _is_made(text, f"{namespace}-") or is_emergency(text, namespace)


def is_emergency(text: str, namespace: str) -> bool:
    """Whether an id was made by :func:`emergency_order_id` in this namespace."""
    return _is_made(text, f"{namespace}.")


def _is_made(text: str, prefix: str) -> bool:
    stem, _, check = text.rpartition("-")
    return stem.startswith(prefix) and check == _check(stem)


def _check(stem: str) -> str:
    return _four_digits(zlib.crc32(stem.encode()) % _CHECK_MODULUS)
