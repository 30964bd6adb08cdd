"""Commands about a session whose process is gone: they turn to its own exchange, or say that it cannot be reached."""

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.domain.money import use_money_context
from tests.integration.trading.test_emergency import (
    EXCHANGE,
    SESSION,
    held,
    until,
)
from tests.venue.processes import Run, a_port, a_run
from tests.venue.scenarios import LOOSE


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A session that was killed with a position; the exchange lives."""
    use_money_context()
    with a_run(tmp_path_factory.mktemp("killed"), a_port(), EXCHANGE, SESSION, **LOOSE) as run:
        run.start_exchange()
        run.start_session()
        until(lambda: bool(held(run)), "the session opens a position")
        run.session.kill()
        yield run


@pytest.fixture
def killed(place: Run, tmp_path: Path) -> Run:
    """The same with a copy of the session's files of its own; the exchange is one for all tests."""
    run = copy.copy(place)
    run.folder = shutil.copytree(
        place.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("testnet", "*.sock")
    )
    (run.folder / "testnet").symlink_to(place.folder / "testnet")
    return run


def assert_nothing_on_paper(run: Run) -> None:
    """The session's account is the only one, and there is no paper exchange."""
    assert run.books().ledger.account.exchange == "testnet"
    assert not (run.folder / "paper").exists()


def test_a_killed_session_is_compared_with_its_own_exchange(killed: Run):
    before = killed.books()
    killed.admin("POST", "owner_trades", account=1, symbol="BTCUSDT", side="BUY", quantity="0.05")

    code, told = killed.command("recover", "--dry-run")

    assert code == 0 and "would record FillBooked" in told, told
    assert killed.books().head == before.head
    code, done = killed.command("reconcile")
    assert code == 0 and "store and exchange agree" in done, done
    positions = killed.books().ledger.positions.values()
    assert {each.symbol: each.quantity for each in positions if each.quantity} == held(killed)
    assert_nothing_on_paper(killed)


def test_an_exchange_that_is_away_is_said_and_nothing_is_called_equal(killed: Run):
    killed.exchange.kill()

    for command in (["reconcile"], ["reconcile", "--dry-run"], ["recover"], ["recover", "--dry-run"]):
        code, said = killed.command(*command)
        assert code == 1, said
        assert said.startswith("error: 127.0.0.1") and "does not answer" in said
        assert said.count("\n") == 1 and "agree" not in said
    assert_nothing_on_paper(killed)
    killed.start_exchange()


def test_a_start_without_the_exchange_names_the_session_that_is_unfinished_there(killed: Run):
    code, said = killed.command("start-session", "--duration", "1s")

    session = killed.books().ledger.session
    assert session is not None
    assert code == 4, said
    assert f"session {session.id[:8]} at testnet is unfinished" in said
    assert "--exchange testnet" in said
    assert_nothing_on_paper(killed)
    code, said = killed.command("start-session", "--duration", "1s", "--symbols", "BTCUSDT", "--seed", "3")
    assert code == 0 and f"note       session {session.id[:8]} at testnet is unfinished" in said, said
