"""The command line on a PostgreSQL database: the same commands, the same journal, and one line when it cannot be."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from src.bootstrap.application import PaperComposition
from src.interfaces.cli.app import main
from tests.conftest import ROOT
from tests.support.postgres_server import PostgresServer

RUN = (
    "start-session", "--duration", "20s", "--speed", "max", "--timeframe", "1s", "--symbols", "BTCUSDT",
    "--strategies", "sma_cross:fast=2,slow=4", "--json",
)  # fmt: skip


@dataclass
class Desk:
    """A data folder, and where its sessions are stored."""

    folder: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def use(self, name: str, url: str | None = None) -> None:
        """Work in a data folder of this name, with the database at an address, or a file."""
        self.patch.setenv("STEADYHAND_DATA_DIR", str(self.folder / name))
        if url is None:
            self.patch.delenv("DATABASE_URL", raising=False)
        else:
            self.patch.setenv("DATABASE_URL", url)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        code = main(arguments, PaperComposition())
        said = self.capture.readouterr()
        return code, said.out, said.err

    def journal(self) -> bytes:
        """The journal's export."""
        code, written, _ = self.run("journal", "--export", "-")
        assert code == 0
        return written.encode()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    for variable, name in (("STEADYHAND_CONFIG", "config.yaml"), ("STEADYHAND_ENV_FILE", "env")):
        (tmp_path / name).touch()
        monkeypatch.setenv(variable, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, monkeypatch, capsys)


def test_a_session_on_a_server_leaves_the_journal_that_it_leaves_in_a_file(
    desk: Desk, postgres_server: PostgresServer
):
    desk.use("file")
    assert desk.run(*RUN)[0] == 0
    in_file = desk.journal()

    desk.use("server", postgres_server.new_database())
    assert desk.run(*RUN)[0] == 0

    assert desk.journal() == in_file
    assert b'"kind":"fill_booked"' in in_file
    assert not (desk.folder / "server" / "steadyhand.db").exists()


READING = (
    ("status",),
    ("positions",),
    ("orders",),
    ("trades",),
    ("doctor",),
    ("journal", "--verify"),
    ("balance",),
    ("performance",),
    ("daily",),
    ("halt",),
    ("rearm",),
)


def test_every_command_answers_from_a_server_what_it_answers_from_a_file(
    desk: Desk, postgres_server: PostgresServer
):
    told: list[dict[tuple[str, ...], tuple[int, str]]] = []
    for name, url in (("file", None), ("server", postgres_server.new_database())):
        desk.use(name, url)
        assert desk.run(*RUN)[0] == 0
        told.append({command: desk.run(*command)[:2] for command in READING})

    file, server = told
    for command in READING:
        assert server[command][0] == file[command][0] == 0, command
        if command not in (("doctor",), ("status",)):
            # How old the state is, only a file tells.
            assert server[command][1] == re.sub(r", [\d.]+m?s old", "", file[command][1]), command
    assert "PostgreSQL database test_" in server[("doctor",)][1]
    assert "chain intact" in server[("doctor",)][1]
    assert re.search(r"ok +server +PostgreSQL \d+\.\d+, a commit takes \d+\.\d\d ms", server[("doctor",)][1])


def test_a_database_is_made_and_migrated_by_the_same_commands(desk: Desk, postgres_server: PostgresServer):
    desk.use("data", postgres_server.new_database())

    first = json.loads(desk.run("init-db", "--json")[1])
    second = json.loads(desk.run("init-db", "--json")[1])
    code, said, _ = desk.run("migrate")

    assert (first["created"], second["created"]) == (True, False)
    assert first["account_id"] == second["account_id"]
    assert (code, "up to date" in said) == (0, True)


Address = Callable[[PostgresServer], str]
WRONG: dict[str, tuple[Address, str]] = {
    "no server": (lambda _: "postgresql://u:hush@127.0.0.1:1/db", "the server cannot be reached"),
    "no socket": (lambda _: "postgresql://u:hush@/db?host=/nowhere", "the server cannot be reached"),
    "no such database": (lambda server: server.url("nowhere"), "create it with createdb"),
    "a wrong user": (
        lambda server: server.url().replace("postgres@", "nobody:hush@"), "user or password are refused"
    ),
    "a wrong password": (
        lambda server: server.url("locked").replace("postgres@", "guest:hush@"), "user or password are refused"
    ),
    "a port that is none": (lambda _: "postgresql://u:hush@h:port/db", "cannot be read"),
    "an option that is none": (lambda _: "postgresql://u:hush@h/db?sslmode=hush", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("command", [RUN, ("status",), ("init-db",), ("migrate",)], ids=lambda c: c[0])
@pytest.mark.parametrize("name", WRONG)
def test_a_server_that_cannot_be_used_is_one_line_and_changes_nothing(
    desk: Desk, postgres_server: PostgresServer, name: str, command: tuple[str, ...]
):
    address, cause = WRONG[name]
    postgres_server.require_password("guest", "locked")
    desk.use("data", address(postgres_server))

    code, out, error = desk.run(*command)

    assert (code, out) == (4, ""), error
    assert error.startswith("error: ") and error.count("\n") == 1
    assert cause in error and "hush" not in error
    assert not list((desk.folder / "data").rglob("*.db")) if (desk.folder / "data").exists() else True


def test_a_database_of_another_program_is_left_alone(desk: Desk, postgres_server: PostgresServer):
    url = postgres_server.new_database()
    postgres_server.run("CREATE TABLE theirs (x int)", url.partition("@/")[2].partition("?")[0])
    desk.use("data", url)

    for command in (RUN, ("init-db",), ("migrate",), ("status",)):
        code, _, error = desk.run(*command)
        assert code != 0
        assert "belongs to another program" in error and error.count("\n") == 1


def test_a_user_without_rights_is_told_which_and_a_password_may_have_any_character(
    desk: Desk, postgres_server: PostgresServer
):
    postgres_server.require_password("guest", "locked")
    desk.use("data", postgres_server.url("locked").replace("postgres@", "guest:a%20secret@"))

    code, _, error = desk.run("init-db")
    postgres_server.run("GRANT ALL ON SCHEMA public TO guest", "locked")
    granted = desk.run("init-db")

    assert (code, error.count("\n")) == (1, 1)
    assert "grant the user all rights on this database" in error and "secret" not in error
    assert granted[0] == 0, granted
    assert desk.run("start-session", *RUN[1:])[0] == 0


PROBE = """
import sys
from src.bootstrap.application import PaperComposition
from src.interfaces.cli.app import main
main(sys.argv[1:], PaperComposition())
print([name for name in ("asyncpg", "sqlalchemy", "alembic") if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("command", [RUN, ("--help",), ("status",)], ids=lambda c: c[0])
def test_a_start_on_a_file_loads_nothing_of_a_server(desk: Desk, command: tuple[str, ...]):
    desk.use("data")

    done = subprocess.run(
        [sys.executable, "-c", PROBE, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stderr.splitlines()[-1] == "[]", done.stderr
