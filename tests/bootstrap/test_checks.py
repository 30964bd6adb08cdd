"""The checks of doctor: what is well, what is not, and that each trouble comes with its fix."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from src.bootstrap import checks
from src.bootstrap.application import PaperApplication
from src.bootstrap.settings import load_settings
from src.interfaces.cli.composition import Check, Health
from tests.bootstrap.sessions import SENT_UNHEARD, copied, plain_application, run_session
from tests.support.full_disk import no_file_beyond


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "data"
    run_session(folder, SENT_UNHEARD)
    return folder


@pytest.fixture
def data_dir(killed: Path, tmp_path: Path) -> Path:
    return copied(killed, tmp_path)


def checked(data_dir: Path) -> dict[str, Check]:
    """Every check by its name (of the account's, the first word)."""
    application = plain_application(data_dir)
    return {
        check.name
        if not check.name.startswith(("journal", "session", "paper"))
        else check.name.split()[0]: check
        for check in application.checks()
    }


def test_before_the_first_start_all_is_well_and_nothing_is_made(tmp_path: Path):
    found = checked(tmp_path)

    assert {check.health for check in found.values()} == {Health.OK}
    assert "none yet" in found["database"].detail
    assert list(tmp_path.iterdir()) == []


def test_a_killed_session_is_a_warning_with_the_way_to_resume_it(data_dir: Path):
    found = checked(data_dir)

    assert found["journal"].health is Health.OK
    assert "chain intact" in found["journal"].detail
    assert found["session"].health is Health.WARNING
    assert "start-session" in found["session"].fix


def test_a_paper_account_whose_exchange_is_gone_is_a_warning(data_dir: Path):
    assert "paper" not in checked(data_dir)
    next((data_dir / "paper").glob("*.db")).unlink()

    gone = checked(data_dir)["paper"]

    assert gone.health is Health.WARNING
    assert "put it back" in gone.fix


def test_a_thrown_kill_switch_is_a_warning(data_dir: Path):
    plain_application(data_dir).engage_kill_switch("a test")

    assert checked(data_dir)["kill switch"].health is Health.WARNING


def test_a_file_that_is_no_database_fails(tmp_path: Path):
    (tmp_path / "steadyhand.db").write_bytes(b"this is not a database, is it?" * 100)

    found = checked(tmp_path)

    assert found["database"].health is Health.FAILED
    assert found["database"].fix


def test_a_changed_journal_fails(data_dir: Path):
    with closing(sqlite3.connect(data_dir / "steadyhand.db")) as database:
        (table,) = (
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
            if name.startswith("journal")
        )
        for (trigger,) in list(database.execute("SELECT name FROM sqlite_master WHERE type='trigger'")):
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(f"UPDATE {table} SET payload=replace(payload, 'sma', 'ams') WHERE seq=3")
        database.commit()

    found = checked(data_dir)

    assert found["journal"].health is Health.FAILED
    assert found["journal"].fix


@pytest.mark.parametrize(("name", "value"), [("FREE_BYTES_MIN", 1 << 62), ("SYNC_MS_MAX", -1.0)])
def test_a_full_or_slow_disk_is_a_warning(name: str, value: float, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(checks, name, value)

    troubled = [check for check in checked(tmp_path).values() if check.health is Health.WARNING]

    assert len(troubled) == 1
    assert troubled[0].fix


def test_a_missing_library_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "LIBRARIES", ("numpy", "no_such_library"))

    check = checked(tmp_path)["libraries"]

    assert check.health is Health.FAILED
    assert "no_such_library" in check.detail


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    found = checked(tmp_path)

    assert found["data folder"].health is Health.FAILED
    assert found["synced write"].health is Health.FAILED


def test_a_disk_that_is_full_does_not_end_the_checks(data_dir: Path):
    with no_file_beyond(40_000):
        found = checked(data_dir)

    assert found["synced write"].health is Health.FAILED
    assert found["synced write"].fix == "free some space"
    assert found["journal"].health is Health.OK


def test_every_check_is_one_line_and_every_trouble_has_a_fix(data_dir: Path):
    plain_application(data_dir).engage_kill_switch("a test")

    for check in checked(data_dir).values():
        assert "\n" not in check.detail + check.fix
        assert bool(check.fix) is (check.health is not Health.OK)


@pytest.mark.parametrize("path", ["file", "file/data", "none/of/these"])
def test_a_data_folder_that_is_none_does_not_end_the_checks(tmp_path: Path, path: str):
    (tmp_path / "file").touch()

    loaded = load_settings({"data_dir": str(tmp_path / path)}, {}, tmp_path)
    found = {check.name: check for check in PaperApplication(loaded).checks()}

    health = Health.OK if path.startswith("none") else Health.FAILED
    assert found["data folder"].health is found["synced write"].health is health
    assert {"disk", "kill switch", "side journals", "database"} <= found.keys()


def test_a_data_folder_that_may_not_be_looked_into_does_not_end_the_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hidden, look = tmp_path / "data", os.stat

    def refusing(path: str | Path, **how: Any) -> os.stat_result:
        if str(path).startswith(str(hidden)):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, **how)

    monkeypatch.setattr(os, "stat", refusing)
    found = checked(hidden)

    assert found["data folder"].health is found["synced write"].health is Health.FAILED
    assert found["data folder"].detail == f"{hidden}: Permission denied"
    assert {"disk", "kill switch", "side journals", "trading mode", "database"} <= found.keys()


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "paper"), ("k", "paper; --exchange testnet or live trades with the key that is set")],
)
def test_the_trading_mode_says_what_a_key_is_used_for(tmp_path: Path, key: str, said: str):
    variables = {"BINANCE_API_KEY": key, "BINANCE_API_SECRET": key}

    loaded = load_settings({"data_dir": str(tmp_path)}, variables, tmp_path)
    found = {check.name: check for check in PaperApplication(loaded).checks()}

    assert found["trading mode"].detail == said
