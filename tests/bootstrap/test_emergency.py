"""Getting flat on paper while no session runs: beside a broken database, and what the next start makes of it."""

import os
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.failpoints import install_hook
from src.application.ports.store import AccountBusy, StoreError
from src.application.trading.services.emergency_close import EmergencyReport
from src.bootstrap.application import PaperApplication
from src.domain.ledger.events import OrderIntended
from src.domain.orders.client_order_ids import is_emergency
from src.domain.orders.types import Purpose
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.lease import Lease
from src.infrastructure.persistence.side_journal import FileSideJournal, SideHeader, ensure, side_journals
from src.interfaces.cli.composition import ConfigurationError, Health, SessionRequest
from tests.bootstrap.sessions import FILLED_UNHEARD, copied, run_session, the_account, the_application
from tests.crash.places import Place
from tests.crash.points import check
from tests.crash.process import Hook, die
from tests.support.exchange_file import ExchangeFile

POINTS = (
    "side_journal.before_write",
    "side_journal.after_write",
    "emergency.before_submit",
    "emergency.after_submit",
    "exchange.before_commit",
    "exchange.after_commit",
    "broker.answer",
)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "data"
    run_session(folder, FILLED_UNHEARD)
    return folder


@pytest.fixture
def folder(killed: Path, tmp_path: Path) -> Path:
    """The data folder of a session that was killed while it held something."""
    return copied(killed, tmp_path)


def exchange(folder: Path) -> ExchangeFile:
    (path,) = (folder / "paper").glob("*.db")
    return ExchangeFile(path)


def closed(folder: Path, lines: list[str] | None = None) -> EmergencyReport:
    application = the_application(folder)
    (account,) = application.emergency_accounts()
    told = [] if lines is None else lines
    return application.close_in_emergency(account.account_id, "3 a.m.", told.append)


def emergency_orders(application: PaperApplication) -> list[OrderIntended]:
    account = the_account(application)
    with closing(application.open_reads()) as reads:
        events = [decode(record.kind, record.payload) for record in reads.journal(account)]
    return [e for e in events if isinstance(e, OrderIntended) and e.ticket.purpose is Purpose.EMERGENCY]


def killer_at(point: str) -> Hook:
    """Kills this process at a point; at the exchange's, when an order has been sent to it."""
    is_sent = not point.startswith("exchange.")

    def hook(name: str) -> None:
        nonlocal is_sent
        is_sent = is_sent or name == "emergency.after_submit"
        if is_sent and name == point:
            die()

    return hook


def records(folder: Path) -> int:
    (path,) = side_journals(folder)
    with closing(FileSideJournal(path)) as journal:
        return journal.read().records


def held(folder: Path) -> list[Decimal]:
    return [held.quantity for held in exchange(folder).holdings.values() if held.quantity]


def test_everything_is_closed_without_a_database_and_the_next_start_books_it_to_the_last_digit(folder: Path):
    assert held(folder)
    for name in ("steadyhand.db", "steadyhand.db-wal"):
        if (folder / name).exists():
            (folder / name).rename(folder / f"kept-{name}")
    (folder / "steadyhand.db").write_bytes(b"this is no database" * 1_000)
    lines: list[str] = []

    report = closed(folder, lines)

    assert report.is_flat and not report.unknown
    assert held(folder) == []
    assert any("at the market, reduce-only" in line for line in lines)
    (folder / "steadyhand.db").unlink()
    for name in ("steadyhand.db", "steadyhand.db-wal"):
        if (folder / f"kept-{name}").exists():
            (folder / f"kept-{name}").rename(folder / name)
    run_session(folder)
    (order,) = emergency_orders(the_application(folder))
    assert is_emergency(order.attempt.client_order_id, order.attempt.client_order_id[:3])
    assert records(folder) == 0
    assert check(Place(folder)) == []


@pytest.mark.parametrize("point", POINTS)
def test_an_emergency_that_is_killed_is_repeated_and_nothing_is_sent_twice(point: str, folder: Path):
    (before,) = held(folder)
    pid = os.fork()
    if pid == 0:
        install_hook(killer_at(point))
        closed(folder)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1]), f"it never came by {point}"

    report = closed(folder)

    assert report.positions == ()
    assert held(folder) == []
    run_session(folder)
    assert check(Place(folder)) == []
    trades = exchange(folder).trades.values()
    orders = {order.attempt.client_order_id for order in emergency_orders(the_application(folder))}
    executed = {
        name: exchange(folder).executed[name][0] for name in orders & exchange(folder).executed.keys()
    }
    assert sum(executed.values()) == abs(before) and trades


def test_a_dry_run_says_what_the_next_start_imports_and_changes_nothing(folder: Path):
    closed(folder)
    application = the_application(folder)
    before = records(folder)

    outcome = application.recover(the_account(application), dry_run=True)

    said = [difference.verdict for difference in outcome.differences]
    assert any("would record OrderIntended" in text and "EMERGENCY" in text for text in said)
    assert not any("not in the journal" in text for text in said)
    assert records(folder) == before
    assert emergency_orders(application) == []


@pytest.mark.parametrize("point", ["emergency.read", "emergency.imported", "side_journal.before_retire"])
def test_an_import_that_is_killed_is_done_again_once(point: str, folder: Path):
    closed(folder)

    run_session(folder, (point, 1))
    run_session(folder)

    assert len(emergency_orders(the_application(folder))) == 1
    assert records(folder) == 0
    assert check(Place(folder)) == []


def test_a_backup_takes_along_what_no_session_has_imported(folder: Path, tmp_path: Path):
    closed(folder)
    made = the_application(folder).back_up(None)
    other = tmp_path / "other"

    the_application(other).restore(made.file)
    run_session(other)

    assert len(emergency_orders(the_application(other))) == 1
    assert check(Place(other)) == []


def test_a_paper_exchange_that_a_process_has_open_is_left_alone(folder: Path):
    application = the_application(folder)
    parts = application.open_session(SessionRequest())

    with closing(parts), pytest.raises(AccountBusy, match=rf"held by pid {os.getpid()}.*kill -9"):
        closed(folder)

    assert held(folder) and records(folder) == 0


def test_who_has_a_paper_exchange_open_is_named_not_a_start_that_was_refused_since(folder: Path):
    (path,) = (folder / "paper").glob("*.db")
    parts = the_application(folder).open_session(SessionRequest())
    Lease.on_file(path.with_suffix(".lock"), "pid 7", shared=True).release()

    with closing(parts), pytest.raises(AccountBusy, match=rf"held by pid {os.getpid()}, and"):
        closed(folder)


def test_no_session_opens_a_paper_exchange_that_an_emergency_has_open(folder: Path):
    (path,) = (folder / "paper").glob("*.db")
    alone = Lease.on_file(path.with_suffix(".lock"), "pid 7", shared=False)

    with pytest.raises(AccountBusy, match=rf"emergency-close is at work .*held by pid {os.getpid()}\)"):
        the_application(folder).open_session(SessionRequest())
    alone.release()


def test_a_paper_account_whose_market_is_not_known_is_left_to_the_next_start(folder: Path):
    for note in (folder / "paper").glob("*.json"):
        note.unlink()

    with pytest.raises(StoreError, match="start-session closes its positions"):
        closed(folder)


def test_an_account_of_another_key_is_refused(folder: Path):
    other = SideHeader("99999999-another", "testnet", "xyz")
    ensure(folder, other).close()
    (folder / "testnet").mkdir()
    (folder / "testnet" / "keys.json").write_text('[{"key": "k", "secret": "s"}]')

    with pytest.raises(ConfigurationError, match="the key in the settings is not that of account 99999999"):
        the_application(folder).close_in_emergency(other.account_id, "3 a.m.", print)


def test_a_side_journal_that_cannot_be_read_is_named_with_its_trouble(folder: Path):
    (path,) = side_journals(folder)
    path.write_bytes(b"")

    (account,) = the_application(folder).emergency_accounts()

    assert account.account_id == path.stem
    assert "move it out of the data folder" in account.trouble


def test_side_journals_that_cannot_be_looked_for_are_not_taken_for_none(tmp_path: Path):
    assert the_application(tmp_path).emergency_accounts() == []
    (tmp_path / "emergency").write_text("a file in the place of the folder")

    with pytest.raises(NotADirectoryError):
        the_application(tmp_path).emergency_accounts()


def test_doctor_says_what_waits_in_side_journals_and_which_cannot_be_read(folder: Path):
    def checked() -> tuple[Health, str]:
        (check,) = [each for each in the_application(folder).checks() if each.name == "side journals"]
        return check.health, check.detail

    assert checked() == (Health.OK, "1 ready, empty")
    closed(folder)
    assert checked() == (Health.WARNING, "1 emergency orders are not imported yet")
    side_journals(folder)[0].write_bytes(b"")
    assert checked()[0] is Health.FAILED
