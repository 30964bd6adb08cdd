"""Which account was at work last, by the wall's clock: session time does not tell, when recordings are replayed.

The time stamp of the account's side journal keeps it, the one file that every account has, whatever its database and
its exchange. The start and the end of a session set it.
"""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from src.application.ports.store import AccountRow
from src.infrastructure.persistence.side_journal import side_journal_path

_AHEAD_NS: Final = 60_000_000_000
"""By how much another machine's clock, that of the disk's, may be ahead of ours."""


def mark_active(data_dir: Path, account_id: str) -> None:
    """The account is at work now. Only what commands choose by themselves depends on it: a failure is none."""
    with contextlib.suppress(OSError):
        os.utime(side_journal_path(data_dir, account_id))


def last_active_ns(data_dir: Path, account_id: str) -> int:
    """When the account was at work last, wall time in ns since the epoch; 0 when that is not known.

    A stamp in the future is of a clock that was wrong: it would hold until then, whoever is at work meanwhile.
    """
    try:
        marked_ns = side_journal_path(data_dir, account_id).stat().st_mtime_ns
    except OSError:
        return 0
    return marked_ns if marked_ns <= time.time_ns() + _AHEAD_NS else 0


def newest(data_dir: Path, rows: Iterable[AccountRow]) -> AccountRow | None:
    """The account that was at work last; where that is not known, the latest session time decides."""
    return max(rows, key=lambda row: (last_active_ns(data_dir, row.account_id), row.last_ms), default=None)
