"""Storage that fails under the real program: how it ends, the one line that it says, and that the next start goes on
with equal books.
"""

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from src.application.ports.failpoints import install_hook
from src.domain.money import use_money_context
from src.domain.sessions.trading_states import TradingState
from tests.crash.commands import Said, resume, run_command, start
from tests.crash.faults import (
    held_by_another_process,
    impatient,
    raising,
    small_disk,
    sync_fails_once,
)
from tests.crash.kills import start as start_process
from tests.crash.kills import wait_until_running
from tests.crash.places import Place
from tests.crash.points import check, session_ids, unfinished_sessions
from tests.crash.process import killer
from tests.support.faulty_driver import sqlite_error
from tests.support.sqlite_pages import PAGE, root_offset


@pytest.fixture
def place(tmp_path: Path) -> Place:
    use_money_context()
    return Place(tmp_path / "data")


@pytest.fixture
def killed(place: Place) -> Place:
    """A place whose session was killed with orders on their way."""
    said = start(place, fault=lambda: install_hook(killer(("broker.after_send", 12))))
    assert said.code == -9, said.text
    return place


def database(place: Place) -> Path:
    return place.data_dir / "steadyhand.db"


def exchange(place: Place) -> Path:
    (path,) = (place.data_dir / "paper").glob("*.db")
    return path


def goes_on(place: Place) -> Said:
    """Resume the session of a place, and judge its books."""
    (session,) = unfinished_sessions(place)
    said = resume(place)
    assert said.code == 0, said.text
    assert session_ids(place) == [session]
    assert check(place) == []
    return said


def history(place: Place) -> list[tuple[object, ...]]:
    """Everything that a start writes at first: records, and the epoch of the lease."""
    with closing(sqlite3.connect(database(place))) as file:
        return [
            *file.execute("SELECT count(*), max(seq) FROM journal"),
            *file.execute("SELECT lease_epoch, head_seq, head_hash FROM account"),
        ]


# --- F-52: the database is locked -------------------------------------------------------------------------------


def test_a_database_that_another_process_holds_locked_is_refused_and_left_alone(killed: Place):
    before = history(killed)

    with held_by_another_process(database(killed)):
        said = resume(killed, fault=impatient)

    assert (said.code, len(said.errors)) == (1, 1), said.text
    assert "steadyhand.db: another program holds it locked: close that program" in said.errors[0]
    assert history(killed) == before
    goes_on(killed)


def test_a_lock_taken_under_a_running_session_ends_it_and_nothing_is_lost(place: Place):
    locked = sqlite_error(sqlite3.SQLITE_BUSY, "database is locked")

    said = start(place, fault=raising("store.begin", 9, locked))

    assert (said.code, len(said.errors)) == (1, 1), said.text
    assert "another program holds it locked" in said.errors[0]
    goes_on(place)


def test_a_failure_while_a_session_stops_is_an_error_too(place: Place):
    locked = sqlite_error(sqlite3.SQLITE_BUSY, "database is locked")

    said = start(place, fault=raising("store.begin", 20, locked))

    assert (said.code, len(said.errors)) == (1, 1), said.text
    goes_on(place)


# --- F-53: the disk is full, or cannot be written ---------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Place, object]]:
    use_money_context()
    folder = tmp_path / "disk"
    try:
        with small_disk(folder, "7m") as remount:
            yield Place(folder / "data"), remount
    except PermissionError as refusal:
        pytest.skip(str(refusal))


def test_a_session_on_a_full_disk_ends_in_one_line_and_is_resumed_when_there_is_space(disk):
    place, remount = disk

    said = start(place, seconds=3_600)
    full = os.statvfs(place.data_dir).f_bavail
    remount("size=200m")

    assert (said.code, len(said.errors), "Traceback" in said.text) == (1, 1, False), said.text
    assert "full: free some space" in said.errors[0]
    assert full * PAGE < 64 * 1024
    goes_on(place)


def test_a_folder_that_became_read_only_is_refused_and_nothing_changes(disk):
    place, remount = disk
    said = start(place, seconds=10, fault=lambda: install_hook(killer(("broker.after_send", 4))))
    files = {path: path.read_bytes() for path in place.data_dir.rglob("*") if path.is_file()}
    remount("ro")

    said = resume(place)

    assert (said.code, len(said.errors), "Traceback" in said.text) == (1, 1, False), said.text
    assert "writable" in said.errors[0] or "cannot be written" in said.errors[0]
    assert {path: path.read_bytes() for path in files} == files
    remount("rw")
    goes_on(place)


@pytest.mark.parametrize(
    ("code", "text", "line"),
    [
        (sqlite3.SQLITE_FULL, "database or disk is full", "the disk is full: free some space"),
        (
            sqlite3.SQLITE_READONLY,
            "attempt to write a readonly database",
            "it cannot be written: make the file and its folder writable",
        ),
        (sqlite3.SQLITE_IOERR, "disk I/O error", "the disk failed: check the disk and the system log"),
    ],
)
@pytest.mark.parametrize("point", ["store.begin", "store.journal", "store.before_commit"])
def test_a_failure_anywhere_in_a_commit_ends_the_session_in_one_line_and_nothing_is_lost(
    place: Place, point: str, code: int, text: str, line: str
):
    said = start(place, fault=raising(point, 10, sqlite_error(code, text)))

    assert (said.code, len(said.errors)) == (1, 1), said.text
    assert f"database steadyhand.db: {line}" in said.errors[0]
    goes_on(place)


def test_a_failure_of_the_paper_exchanges_file_ends_the_session_in_one_line(place: Place):
    full = sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full")

    said = start(place, fault=raising("exchange.before_commit", 10, full))

    assert (said.code, len(said.errors)) == (1, 1), said.text
    assert "the paper exchange's file" in said.errors[0]
    assert "free some space" in said.errors[0]
    goes_on(place)


# --- F-55: a sync fails -----------------------------------------------------------------------------------------


def test_a_failed_sync_ends_the_process_and_is_not_tried_again(place: Place, tmp_path: Path):
    tried_again = tmp_path / "tried again"

    said = start(place, fault=sync_fails_once(12, tried_again))

    assert (said.code, len(said.errors)) == (1, 1), said.text
    assert "the disk failed: check the disk and the system log, then start again" in said.errors[0]
    assert not tried_again.exists()
    assert unfinished_sessions(place) == session_ids(place)
    goes_on(place)


# --- F-56: a file is damaged ------------------------------------------------------------------------------------


def torn(path: Path, table: str) -> bytes:
    """Zero the second half of a table's first page; the file's content."""
    start_of_page = root_offset(path, table)
    with path.open("r+b") as file:
        file.seek(start_of_page + PAGE // 2)
        file.write(bytes(PAGE // 2))
    return path.read_bytes()


@pytest.mark.parametrize("table", ["account", "journal", "orders", "fills", "sessions"])
def test_a_torn_page_of_the_database_is_found_at_the_start_and_nothing_is_written(killed: Place, table: str):
    content = torn(database(killed), table)

    said = resume(killed)
    again = resume(killed)

    assert (said.code, len(said.errors), "Traceback" in said.text) == (1, 1, False), said.text
    assert "steadyhand.db" in said.errors[0] and "restore" in said.errors[0]
    assert said.errors == again.errors
    assert database(killed).read_bytes() == content


@pytest.mark.parametrize("table", ["orders", "trades", "postings", "state"])
def test_a_torn_page_of_the_exchanges_file_is_never_traded_on(killed: Place, table: str):
    torn(exchange(killed), table)
    before = history(killed)

    said = resume(killed)

    assert (said.code, len(said.errors), "Traceback" in said.text) == (1, 1, False), said.text
    assert "the paper exchange's file" in said.errors[0] and "restore" in said.errors[0]
    assert history(killed)[0] == before[0]


@pytest.mark.parametrize("which", [database, exchange])
def test_a_file_overwritten_with_something_else_is_refused_in_one_line(killed: Place, which):
    which(killed).write_bytes(b"no database " * 5_000)
    for log in which(killed).parent.glob(f"{which(killed).name}-*"):
        log.unlink()

    said = resume(killed)

    assert (said.code, len(said.errors), "Traceback" in said.text) == (1, 1, False), said.text
    assert "not a database" in said.errors[0]


# --- F-58: two at once ------------------------------------------------------------------------------------------


def test_a_session_that_was_frozen_keeps_its_account_and_goes_on(place: Place):
    process = start_process(place, "20", duration="1d", auto_restart=False)
    wait_until_running(process)
    process.send_signal(signal.SIGSTOP)
    before = history(place)

    refused = resume(place)
    shown, doctor, halted = (run_command(place, name) for name in ("status", "doctor", "halt"))
    unchanged = history(place) == before
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)

    assert (refused.code, len(refused.errors)) == (1, 1), refused.text
    assert f"is held by pid {process.pid}: stop that session first" in refused.errors[0]
    holds = f"pid {process.pid} holds the account but does not answer"
    assert f"pid {process.pid} does not answer, last known state" in shown.text and holds in doctor.text
    assert halted.code == 0 and "HALT in the data folder halts" in halted.text
    assert unchanged
    assert process.returncode in (0, 130), said
    assert [each for each in check(place) if "traded nothing" not in each] == []


# --- F-57: schema, F-59: an old copy ----------------------------------------------------------------------------


def test_a_database_of_a_newer_version_is_refused_and_left_alone(killed: Place):
    with closing(sqlite3.connect(database(killed))) as file, file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    before = history(killed)

    said = resume(killed)

    assert (said.code, len(said.errors)) == (1, 1), said.text
    assert "was written by a newer version: update this program" in said.errors[0]
    assert history(killed) == before


def test_an_exchanges_file_of_a_newer_version_is_refused(killed: Place):
    with closing(sqlite3.connect(exchange(killed))) as file:
        file.execute("PRAGMA user_version = 99")

    said = resume(killed)

    assert (said.code, len(said.errors), "Traceback" in said.text) == (1, 1, False), said.text
    assert "schema 99" in said.errors[0]


def test_an_old_copy_of_the_database_halts_trading_with_one_line_that_says_so(killed: Place, tmp_path: Path):
    with closing(sqlite3.connect(database(killed))) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    shutil.copy(database(killed), tmp_path / "old.db")
    later = resume(killed, seconds=20, fault=lambda: install_hook(killer(("broker.after_send", 14))))
    for path in killed.data_dir.glob("steadyhand.db*"):
        if not path.name.endswith(".lock"):
            path.unlink()
    shutil.copy(tmp_path / "old.db", database(killed))

    said = resume(killed)

    assert later.code == -9, later.text
    first = said.text.splitlines()[0]
    assert "trading HALTED (" in first and "is ours by its name, but not in the journal)" in first
    with closing(killed.database.reads()) as reads:
        (row,) = reads.accounts()
        ledger = reads.ledger(row.account_id)
    assert ledger is not None and ledger.account.trading_state is TradingState.HALTED
    assert run_command(killed, "status").code == 0
