"""How much may still be asked of the exchange this minute: one budget for every process of the host.

The exchange counts request weight per address and minute and says in every answer how much is used; whoever goes on
beyond the limit is banned. The processes of a host share a small file of fixed size, each change under a lock, so
that two of them cannot spend the same weight. A part is kept back for orders, cancels and the stream's upkeep. Sources:
USDⓈ-M general information, "LIMITS"; header X-MBX-USED-WEIGHT-1M; a ban names its end in ms ("banned until").
"""

import fcntl
import os
import re
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from src.application.ports.broker import RateLimitError

WEIGHT_PER_MINUTE: Final = 2_400
RESERVE: Final = 400
_ROW: Final = struct.Struct("<qqqq")
"""Minute of the count, weight used in it; when a ban was told (ms since the epoch), and how long it lasts, ms."""
_BAN: Final = re.compile(rb"banned until (\d{13})")
_TOO_MANY: Final = frozenset({418, 429})
_LOCK_TRIES: Final = 50
_LOCK_PAUSE_S: Final = 0.001


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class WeightBudget:
    """The host's count in ``path``; ``now_ms`` is the wall's clock, as all processes must read the same one."""

    def __init__(
        self,
        path: Path,
        *,
        weight_max: int = WEIGHT_PER_MINUTE,
        reserve: int = RESERVE,
        now_ms: Callable[[], int] = _wall_ms,
    ) -> None:
        self._weight_max = weight_max
        self._reserve = reserve
        self._now_ms = now_ms
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def spend(self, weight: int, *, urgent: bool = False) -> None:
        """Count a request before it is sent; only ``urgent`` ones may use the reserve.

        Raises :class:`RateLimitError` when a ban is on or the minute is used up, with the seconds to wait.
        """
        now_ms = self._now_ms()
        with self._row(now_ms) as row:
            minute, used, *_ = row
            if silent_ms := _still_silent(row, now_ms):
                raise RateLimitError("the exchange has asked for silence", silent_ms / 1000)
            if minute != now_ms // 60_000:
                minute, used = now_ms // 60_000, 0
            limit = self._weight_max if urgent else self._weight_max - self._reserve
            if used + weight > limit:
                raise RateLimitError(
                    f"{used} of {limit} request weight is used in this minute", 60 - now_ms % 60_000 / 1000
                )
            row[:2] = minute, used + weight

    def learn(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Take over the exchange's own count, and a ban if it speaks of one."""
        now_ms = self._now_ms()
        used = headers.get("x-mbx-used-weight-1m", "")
        with self._row(now_ms) as row:
            if used.isdigit():
                same = row[0] == now_ms // 60_000
                row[0], row[1] = now_ms // 60_000, max(int(used), row[1] if same else 0)
            if status in _TOO_MANY:
                row[2:] = now_ms, max(_still_silent(row, now_ms), _silence_ms(headers, body, now_ms))

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)

    @contextmanager
    def _row(self, now_ms: int) -> Iterator[list[int]]:
        self._lock()
        try:
            data = os.pread(self._file, _ROW.size, 0)
            before = _ROW.unpack(data) if len(data) == _ROW.size else (0, 0, 0, 0)
            row = list(before)
            # Told later than now, the wall's clock has been set back since: it lasts as long as it was to last then.
            row[2] = min(row[2], now_ms)
            try:
                yield row
            finally:
                if tuple(row) != before:
                    os.pwrite(self._file, _ROW.pack(*row), 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _lock(self) -> None:
        """Take the lock, which others hold for microseconds; without it in the end, a count may be lost.

        Only a process that was frozen in between holds it longer, and a way out for its orders may not wait for that.
        """
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOCK_PAUSE_S)
            else:
                return


def _still_silent(row: list[int], now_ms: int) -> int:
    """For how long the ban that the row tells of still lasts, ms."""
    return max(0, row[2] + row[3] - now_ms)


def _silence_ms(headers: Mapping[str, str], body: bytes, now_ms: int) -> int:
    """What Retry-After says, in ms; else until the moment that the body names, and ten seconds at least.

    The header first: the moment is one of the exchange's clock, from which this machine's may be hours away.
    """
    seconds = headers.get("retry-after", "")
    if seconds.isdigit():
        return int(seconds) * 1000
    found = _BAN.search(body)
    return max(10_000, int(found.group(1)) - now_ms if found else 0)
