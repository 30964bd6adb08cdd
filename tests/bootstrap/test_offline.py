"""What can be done while no session runs: halt, re-arm, recover, and look without touching."""

import asyncio
import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from src.application.ports.store import AccountBusy, StoreError
from src.domain.ledger.events import CancelRequested, TradingMoved
from src.domain.sessions.trading_states import TradingState
from src.infrastructure.persistence.codec import decode
from src.interfaces.cli.composition import ConfigurationError
from tests.bootstrap.sessions import (
    FILLED_UNHEARD,
    SENT_UNHEARD,
    copied,
    run_session,
    the_account,
    the_application,
)
from tests.crash.places import Place
from tests.crash.points import check


@pytest.fixture(scope="module")
def killed_after_a_fill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "data"
    run_session(folder, FILLED_UNHEARD)
    return folder


@pytest.fixture(scope="module")
def killed_after_a_send(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sent") / "data"
    run_session(folder, SENT_UNHEARD)
    return folder


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ended") / "data"
    run_session(folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Every file by its content; the shared memory of SQLite's readers holds no data."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm") and path.stat().st_size
    }


@pytest.mark.parametrize("state", ["killed_after_a_fill", "killed_after_a_send", "ended"])
def test_a_dry_run_changes_no_byte(state: str, tmp_path: Path, request: pytest.FixtureRequest):
    data_dir = copied(request.getfixturevalue(state), tmp_path)
    application = the_application(data_dir)
    account = the_account(application)
    before = contents(data_dir)

    application.recover(account, dry_run=True)

    assert contents(data_dir) == before


def test_a_dry_run_says_what_recovery_then_does(killed_after_a_fill: Path, tmp_path: Path):
    application = the_application(copied(killed_after_a_fill, tmp_path))
    account = the_account(application)

    told = application.recover(account, dry_run=True)
    done = application.recover(account, dry_run=False)
    again = application.recover(account, dry_run=True)

    assert told.dry_run
    assert not told.agrees
    assert told.differences
    assert (told.fills_added, told.income_added) == (done.fills_added, done.income_added)
    assert done.agrees
    assert done.unresolved == 0
    assert again.agrees
    assert again.fills_added == 0


def test_what_was_sent_and_lost_is_settled_by_hand(killed_after_a_send: Path, tmp_path: Path):
    application = the_application(copied(killed_after_a_send, tmp_path))
    account = the_account(application)

    outcome = application.recover(account, dry_run=False)

    assert outcome.agrees
    assert outcome.unresolved == 0


def test_after_a_recovery_by_hand_the_session_is_resumed(killed_after_a_fill: Path, tmp_path: Path):
    data_dir = copied(killed_after_a_fill, tmp_path)
    application = the_application(data_dir)
    account = the_account(application)
    reads = application.open_reads()
    (before,) = [row.session_id for row in reads.accounts()]
    reads.close()

    application.recover(account, dry_run=False)
    run_session(data_dir)

    reads = application.open_reads()
    assert [session.id for session in reads.sessions(account)] == [before]
    reads.close()
    assert check(Place(data_dir)) == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_exchange_whose_file_cannot_be_read_is_told_of_in_one_line(
    killed_after_a_fill: Path, tmp_path: Path, dry_run: bool
):
    application = the_application(copied(killed_after_a_fill, tmp_path))
    account_id = the_account(application)
    for path in (application.data_dir / "paper").glob("*.db*"):
        path.write_bytes(b"no database" * 1_000)

    with pytest.raises(StoreError, match="the paper exchange's file"):
        application.recover(account_id, dry_run=dry_run)


@pytest.mark.parametrize("command", [["recover", "--dry-run"], ["start-session"]], ids=lambda words: words[0])
def test_a_session_is_not_opened_where_too_few_files_may_be(
    command: list[str], killed_after_a_fill: Path, tmp_path: Path
):
    """In a process of its own: this one has files open already."""
    folder = copied(killed_after_a_fill, tmp_path)
    told = subprocess.run(
        [sys.executable, "-m", "src.interfaces.cli", *command],
        env={**os.environ, "STEADYHAND_DATA_DIR": str(folder)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (63, 63)),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert told.returncode == 4
    assert told.stderr == "error: no more than 63 files may be open here: allow 64 by ulimit -n 64\n"


def test_a_session_that_ended_well_is_not_recovered(ended: Path, tmp_path: Path):
    application = the_application(copied(ended, tmp_path))

    with pytest.raises(ConfigurationError, match="no unfinished session"):
        application.recover(the_account(application), dry_run=False)


def test_a_session_that_ended_well_agrees_with_its_exchange(ended: Path, tmp_path: Path):
    application = the_application(copied(ended, tmp_path))

    outcome = application.recover(the_account(application), dry_run=True)

    assert outcome.agrees, outcome.differences


def test_a_halt_without_a_session_is_durable_until_it_is_re_armed(killed_after_a_fill: Path, tmp_path: Path):
    application = the_application(copied(killed_after_a_fill, tmp_path))
    account = the_account(application)

    halted = application.halt(account, "a test")
    assert (halted.trading_state, halted.reason) == (TradingState.HALTED.value, "a test")
    rearmed = application.rearm(account)

    assert rearmed.trading_state == TradingState.ACTIVE.value
    reads = application.open_reads()
    events = [decode(record.kind, record.payload) for record in reads.journal(account)]
    reads.close()
    assert [event.reason for event in events if isinstance(event, TradingMoved)] == ["a test", "re-armed"]
    assert application.verify_journal(account) == len(events)


def test_a_halt_asks_for_the_end_of_open_entries_once(killed_after_a_send: Path, tmp_path: Path):
    application = the_application(copied(killed_after_a_send, tmp_path))
    account = the_account(application)

    application.halt(account, "a test")
    application.halt(account, "again")

    reads = application.open_reads()
    events = [decode(record.kind, record.payload) for record in reads.journal(account)]
    reads.close()
    asked = [event.client_order_id for event in events if isinstance(event, CancelRequested)]
    assert len(asked) == len(set(asked)) == 1


def test_while_a_session_holds_the_account_nobody_else_moves_it(killed_after_a_fill: Path, tmp_path: Path):
    application = the_application(copied(killed_after_a_fill, tmp_path))
    account = the_account(application)
    holder = application.database.store()
    asyncio.run(holder.acquire(account, "a session"))

    for move in (lambda: application.halt(account, "a test"), lambda: application.rearm(account)):
        with pytest.raises(AccountBusy) as refused:
            move()
        assert "\n" not in str(refused.value)
