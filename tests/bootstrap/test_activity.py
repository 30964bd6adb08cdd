"""Which account was at work last, by the time stamps of the side journals."""

import os
import time
from pathlib import Path

from src.bootstrap.activity import last_active_ns, mark_active, newest
from src.infrastructure.persistence.side_journal import side_journal_path
from tests.support.session_builders import an_account

HOUR_NS = 3_600_000_000_000


def the_journal(folder: Path, account_id: str) -> Path:
    path = side_journal_path(folder, account_id)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return path


def test_the_account_that_was_marked_last_was_at_work_last(tmp_path: Path):
    for each in ("acc00001", "acc00002"):
        os.utime(the_journal(tmp_path, each), (0, 0))

    mark_active(tmp_path, "acc00001")

    found = newest(tmp_path, [an_account("acc00001"), an_account("acc00002")])
    assert found is not None and found.account_id == "acc00001"


def test_a_time_stamp_in_the_future_says_nothing_of_when_an_account_was_at_work(tmp_path: Path):
    the_journal(tmp_path, "acc00001")
    ahead_ns = time.time_ns() + HOUR_NS
    os.utime(the_journal(tmp_path, "acc00002"), ns=(ahead_ns, ahead_ns))

    found = newest(tmp_path, [an_account("acc00001"), an_account("acc00002")])

    assert last_active_ns(tmp_path, "acc00002") == 0
    assert found is not None and found.account_id == "acc00001"
