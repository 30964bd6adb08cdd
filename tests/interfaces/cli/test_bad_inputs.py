"""Bad inputs against the real program: one line, the documented exit code, and nothing changed."""

import gzip
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from src.bootstrap.application import PaperComposition
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.interfaces.cli.app import main

RUN = ("start-session", "--duration", "2s", "--speed", "max", "--timeframe", "1s")


@dataclass
class Desk:
    """A data folder with one finished session in it, and files that are not what they should be."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def database(self) -> Path:
        return self.folder / "data" / "steadyhand.db"

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit code and what was said on stderr."""
        code = main(arguments, PaperComposition())
        return code, self.capture.readouterr().err

    def history(self) -> list[tuple[str, int, str]]:
        """Every account with the head of its journal."""
        reads = SqliteReadModels(self.database)
        try:
            heads = [(row.account_id, reads.head(row.account_id)) for row in reads.accounts()]
        finally:
            reads.close()
        return [(account_id, head.seq, head.hash) for account_id, head in heads]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one finished session in it, to be copied."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        settle(folder, patch)
        assert main(RUN, PaperComposition()) == 0
    return folder / "data"


def settle(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make this process blind to the machine's settings, with a data folder below ``folder``."""
    for variable, name in (("STEADYHAND_CONFIG", "config.yaml"), ("STEADYHAND_ENV_FILE", "env")):
        (folder / name).touch()
        patch.setenv(variable, str(folder / name))
    patch.setenv("STEADYHAND_DATA_DIR", str(folder / "data"))
    patch.chdir(folder)


@pytest.fixture
def desk(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    shutil.copytree(finished, tmp_path / "data")
    settle(tmp_path, monkeypatch)
    return Desk(tmp_path, capsys)


Spoil = Callable[[Desk], tuple[str, ...]]
"""Puts something wrong into place; returns the arguments to run with."""


def given(*arguments: str) -> Spoil:
    return lambda desk: (*RUN, *arguments)


def recording(content: bytes, name: str = "frames.ws") -> Spoil:
    def spoil(desk: Desk) -> tuple[str, ...]:
        (desk.folder / name).write_bytes(content)
        return (*RUN, "--replay", name)

    return spoil


def setting(line: str, *arguments: str) -> Spoil:
    def spoil(desk: Desk) -> tuple[str, ...]:
        (desk.folder / "env").write_text(line.format(folder=desk.folder), encoding="utf-8")
        return arguments or RUN

    return spoil


def as_one_line(said: str) -> bool:
    return (
        said.startswith("error: ")
        and said.endswith("\n")
        and said.count("\n") == 1
        and "Traceback" not in said
    )


BAD: dict[str, tuple[Spoil, int, str]] = {
    "a symbol that cannot be one": (given("--symbols", "B$"), 4, "'B$' is not a symbol; write it like BTCUSDT"),
    "an unknown strategy": (given("--strategies", "sma_cros"), 4, "(did you mean 'sma_cross'?)"),
    "a parameter out of range": (given("--strategies", "rsi:period=0"), 4, "period=0 is out of range"),
    "a number that is none": (given("--capital", "much"), 4, "--capital much is not a number: write it like 10000"),
    "a share out of range": (given("--trailing-stop", "2"), 4, "--trailing-stop 2 must be at most 0.2: write it"),
    "a leverage of no symbol": (given("--leverages", "BTCUSDT"), 4, "'BTCUSDT' names no leverage: write symbols like"),
    "a number out of range": (given("--leverage", "500"), 4, "--leverage 500 must be at most 125"),
    "a duration that is none": (given("--duration", "soon"), 4, "--duration 'soon' is not a duration"),
    "a timeframe that divides no day": (given("--timeframe", "7h"), 4, "is not a timeframe"),
    "a sizing that is none": (given("--sizing", "martingale"), 4, "no sizing 'martingale'"),
    "a missing file": (given("--replay", "nowhere.ws"), 4, "--replay nowhere.ws does not exist"),
    "a folder for a file": (given("--replay", "data"), 4, "--replay data is a folder"),
    "an empty file": (recording(b""), 4, "none of 0 lines is a market frame"),
    "a file without frames": (recording(b"hello\nworld\n"), 4, "none of 2 lines is a market frame"),
    "a damaged file": (recording(gzip.compress(b"x" * 9_999)[:40], "f.ws.gz"), 4, "is a market frame"),
    "a symbol that the recording lacks": (
        lambda desk: (*recording(a_frame())(desk), "--symbols", "ETHUSDT"), 4, "ETHUSDT is not in this market: it has"
    ),
    "a database of no kind": (setting("DATABASE_URL=nonsense"), 4, "DATABASE_URL (env line 1): the database"),
    "a server that is not there": (
        setting("DATABASE_URL=postgresql://u:hush@127.0.0.1:1/db"), 4, "database db: the server cannot be reached"
    ),
    "a server's address that cannot be read": (
        setting("DATABASE_URL=postgresql+asyncpg://u:hush@h:port/db"), 4, "the address of database db cannot be read"
    ),
    "a key without its secret": (setting("BINANCE_API_KEY=k"), 4, "BINANCE_API_SECRET is missing"),
    "a misspelled setting": (setting("STOP_LOSS_PC=0.1", "orders"), 4, "(did you mean STOP_LOSS_PCT?)"),
    "live trading without a key": (given("--exchange", "live"), 4, "live trading needs"),
    "an account that is none": (lambda desk: ("orders", "--account", "zz"), 2, "no account begins with zz"),
    "a command for a session that does not run": (lambda desk: ("stop-session",), 3, "no session is running"),
    "an export to nowhere": (lambda desk: ("journal", "--export", "no/where.jsonl"), 1, "no/where.jsonl.part"),
}  # fmt: skip


def a_frame() -> bytes:
    return (
        b'1723161255088169167 {"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":1,"s":"BTCUSDT",'
        b'"b":"61000.00","B":"1.000","a":"61000.10","A":"1.000","T":1723161255080,"E":1723161255081}}\n'
    )


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_is_one_line_with_its_code_and_changes_nothing(desk: Desk, name: str):
    spoil, code, said = BAD[name]
    before = desk.history()

    answer, line = desk.run(*spoil(desk))

    assert (answer, as_one_line(line)) == (code, True), line
    assert said in line and "hush" not in line
    assert desk.history() == before


@pytest.mark.parametrize("command", [RUN, ("status",), ("trades",), ("journal", "--verify"), ("recover",)])
@pytest.mark.parametrize("state", ["damaged", "newer", "not a database"])
def test_a_database_that_cannot_be_used_is_left_as_it_is(desk: Desk, command: tuple[str, ...], state: str):
    spoil_database(desk.database, state)
    before = desk.database.read_bytes()

    code, line = desk.run(*command)

    assert (code, as_one_line(line)) == (1, True), line
    assert "steadyhand.db" in line
    assert desk.database.read_bytes() == before


def spoil_database(path: Path, state: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if state == "newer":
        connection.execute("UPDATE alembic_version SET version_num='9999'")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if state == "damaged":
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    elif state == "not a database":
        path.write_text("dear diary, " * 500, encoding="utf-8")


@pytest.mark.parametrize("command", [RUN, ("init-db",)])
def test_a_data_folder_that_cannot_be_made_is_named(
    desk: Desk, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    (desk.folder / "file").touch()
    monkeypatch.setenv("STEADYHAND_DATA_DIR", str(desk.folder / "file" / "data"))

    code, line = desk.run(*command)

    assert (code, as_one_line(line)) == (1, True), line
    assert "file/data cannot be made (Not a directory): set STEADYHAND_DATA_DIR" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_data_folder_is_named(desk: Desk):
    (desk.folder / "data").chmod(0o500)

    code, line = desk.run(*RUN)

    (desk.folder / "data").chmod(0o700)
    assert (code, as_one_line(line)) == (1, True), line


def test_reading_before_there_is_anything_makes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STEADYHAND_DATA_DIR", str(desk.folder / "fresh"))

    answers = [
        desk.run(command) for command in ("status", "positions", "orders", "trades", "journal", "recover")
    ]

    assert all(code == 2 and as_one_line(line) and "init-db" in line for code, line in answers)
    assert not (desk.folder / "fresh").exists()


UNRELATED = "MAX_POSITIONS=many\nSTEADYHAND_STRATGIES=rsi\nthis is nothing\n"
WARNED = "warning: a setting is wrong that is not needed here: "


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("halt", "--hard"), 0),
        (("status",), 0),
        (("status", "--json"), 0),
        (("stop-session",), 3),
        (("emergency-close", "--yes"), 0),
        (("rearm",), 4),
        (("start-session", "--duration", "1s"), 4),
        (("config", "check"), 4),
    ],
)
def test_what_is_done_in_an_emergency_is_not_held_up_by_a_setting_that_it_does_not_need(
    desk: Desk, command: tuple[str, ...], code: int
):
    (desk.folder / "env").write_text(UNRELATED, encoding="utf-8")

    ended, said = desk.run(*command)

    assert ended == code
    first, *others = said.splitlines()
    assert first.startswith(WARNED) is (code != 4)
    assert command[0] == "config" or "(2 more: `config check` lists all)" in first
    assert [line.partition(": ")[0] for line in others] == ["error"] * (code == 3)
    assert (desk.folder / "data" / "HALT").exists() is (command[0] in ("halt", "emergency-close"))


@pytest.mark.parametrize("command", [("halt",), ("status",), ("stop-session",), ("doctor",)])
@pytest.mark.parametrize(
    "lines",
    [
        "DATABASE_URL=mysql://somewhere",
        "STEADYHAND_DATA_DRI=elsewhere",
        "STEADYHAND_DATA_DIR",
        "'STEADYHAND_DATA_DIR=elsewhere",
    ],
)
def test_what_may_be_about_the_place_of_its_accounts_ends_every_command(
    desk: Desk, command: tuple[str, ...], lines: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("STEADYHAND_DATA_DIR")
    (desk.folder / "env").write_text(lines, encoding="utf-8")

    ended, said = desk.run(*command)

    assert ended == 4
    assert as_one_line(said)


def test_a_key_that_is_half_there_ends_emergency_close_and_not_a_halt(desk: Desk):
    (desk.folder / "env").write_text("BINANCE_API_KEY=abc\n", encoding="utf-8")

    closed, why = desk.run("emergency-close", "--yes")
    halted, warned = desk.run("halt")

    assert (closed, halted) == (4, 0)
    assert "BINANCE_API_SECRET is missing" in why and warned.startswith(WARNED)


def test_doctor_goes_on_where_a_setting_is_wrong_and_says_so(desk: Desk):
    (desk.folder / "env").write_text(UNRELATED, encoding="utf-8")

    code = main(("doctor",), PaperComposition())
    told = desk.capture.readouterr()

    (settings,) = [line for line in told.out.splitlines() if line.split()[1] == "settings"]
    assert settings.startswith("FAIL") and "(2 more); `config check` lists all" in settings
    assert [line.split()[0] for line in told.out.splitlines() if "database" in line.split()] == ["ok"]
    assert (code, as_one_line(told.err)) == (1, True)
