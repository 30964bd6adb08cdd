"""Audits as the program makes them: whose books, which exchange, and on which database."""

from pathlib import Path

import pytest

from src.bootstrap.audits import audit_request
from src.bootstrap.paper_config import PAPER
from src.bootstrap.settings import load_settings
from src.infrastructure.persistence.databases import SqliteDatabase
from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import ConfigurationError
from tests.bootstrap.sessions import FILLED_UNHEARD, run_session, the_application

KEY = {"BINANCE_API_KEY": "k" * 32, "BINANCE_API_SECRET": "s" * 32}


@pytest.mark.parametrize("point", [None, FILLED_UNHEARD])
def test_a_session_that_ended_and_one_that_was_killed_have_equal_books(
    tmp_path: Path, point: tuple[str, int] | None
):
    run_session(tmp_path / "data", point)
    application = the_application(tmp_path / "data")

    outcome = application.audit(choose_account(application, None), 0)

    assert outcome.agrees
    assert outcome.trades >= 1
    assert bool(outcome.in_flight) is (point is not None)


def test_books_are_audited_on_a_server_too(tmp_path: Path, postgres_url: str):
    run_session(tmp_path / "data", database_url=postgres_url)
    application = the_application(tmp_path / "data", database_url=postgres_url)

    outcome = application.audit(choose_account(application, None), 0)

    assert outcome.agrees
    assert outcome.trades >= 1


def test_a_side_that_cannot_be_read_is_told_in_one_line(tmp_path: Path):
    run_session(tmp_path / "data")
    application = the_application(tmp_path / "data")
    account = choose_account(application, None)
    next((tmp_path / "data" / "paper").glob("*.db")).rename(tmp_path / "gone.db")

    with pytest.raises(ConfigurationError, match="cannot be audited"):
        application.audit(account, 0)


def test_only_the_key_that_traded_can_audit(tmp_path: Path):
    settings = load_settings(environment=KEY, root=tmp_path).settings
    database = SqliteDatabase(tmp_path / "steadyhand.db")

    with pytest.raises(ConfigurationError, match="is not that of account aaaaaaaa"):
        audit_request(settings, database, "aaaaaaaa-1", "live")
    assert audit_request(settings, database, "aaaaaaaa-1", PAPER).file is not None
