"""Whatever goes wrong is one line on stderr and an exit code; the traceback is for those who ask."""

import errno
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.ports.broker import BrokerRefused, BrokerUnavailable
from src.application.ports.store import (
    AccountBusy,
    LeaseLost,
    StoreCorrupt,
    StoreNotInitialised,
    StoreTooNew,
    StoreUnavailable,
)
from src.domain.shared.errors import InvariantViolated
from src.interfaces.cli.app import main
from src.interfaces.cli.arguments import repeat_flags
from src.interfaces.cli.composition import ConfigurationError, EmergencyAccount
from src.interfaces.cli.errors import CommandFailed, ExitCode, explain
from tests.interfaces.cli.conftest import Run
from tests.support.fake_composition import FakeApplication, FakeComposition
from tests.support.session_builders import a_snapshot

CODES: list[tuple[BaseException, ExitCode]] = [
    (CommandFailed("no such thing", ExitCode.NOT_FOUND), ExitCode.NOT_FOUND),
    (ConfigurationError("--seed x is not a whole number: write it like 7"), ExitCode.CONFIGURATION),
    (InvariantViolated("'B$' is not a symbol"), ExitCode.CONFIGURATION),
    (ValueError("no strategy 'x'"), ExitCode.CONFIGURATION),
    (StoreNotInitialised("run init-db"), ExitCode.NOT_FOUND),
    (StoreUnavailable("locked"), ExitCode.ERROR),
    (StoreCorrupt("damaged"), ExitCode.ERROR),
    (StoreTooNew("newer"), ExitCode.ERROR),
    (AccountBusy("another process runs this account"), ExitCode.ERROR),
    (LeaseLost("taken over"), ExitCode.ERROR),
    (BrokerUnavailable("no answer"), ExitCode.ERROR),
    (BrokerRefused(-2019, "Margin is insufficient."), ExitCode.ERROR),
    (ConnectionRefusedError("nobody"), ExitCode.NOT_RUNNING),
    (ConnectionAbortedError("hung up"), ExitCode.ERROR),
    (TimeoutError("no answer in time"), ExitCode.TIMEOUT),
    (PermissionError(13, "Permission denied", "journal.jsonl"), ExitCode.ERROR),
    (KeyboardInterrupt(), ExitCode.INTERRUPTED),
    (RuntimeError("two\nlines"), ExitCode.ERROR),
    (KeyError("key"), ExitCode.ERROR),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=[type(error).__name__ for error, _ in CODES])
def test_every_failure_has_a_line_and_a_code(error: BaseException, code: ExitCode):
    line, found = explain(error)

    assert found is code
    assert line and "\n" not in line


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_where_there_is_no_room_nobody_is_sent_to_look_for_permissions(number: int):
    assert explain(OSError(number, os.strerror(number)))[0] == f"{os.strerror(number)}: free some space"


@pytest.mark.parametrize("number", [errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EADDRINUSE])
def test_a_folder_in_the_place_of_a_file_is_named_and_to_be_moved_away(number: int):
    line, _ = explain(OSError(number, os.strerror(number), "data/HALT"))

    assert line == f"data/HALT: {os.strerror(number)}: move away what is in its place"


@pytest.mark.parametrize(("error", "code"), CODES, ids=[type(error).__name__ for error, _ in CODES])
def test_a_command_that_fails_prints_one_line_and_no_traceback(
    run: Run, app: FakeApplication, error: BaseException, code: ExitCode
):
    app.fails["run_session"] = error

    ran = run("start-session")

    assert (ran.code, ran.err) == (code, f"error: {explain(error)[0]}\n")


def test_the_traceback_is_there_for_who_asks_for_it(run: Run, app: FakeApplication):
    app.fails["run_session"] = StoreUnavailable("locked")

    ran = run("start-session", "-v")

    assert ran.code == 1
    assert "Traceback" in ran.err and ran.err.endswith("error: locked\n")


def test_of_several_wrong_settings_the_first_is_said_and_the_check_lists_all(
    run: Run, composition: FakeComposition
):
    composition.fails = ConfigurationError("first is wrong: fix it", "second is wrong: fix it")

    started, checked = run("start-session"), run("config", "check")

    assert started.err == "error: first is wrong: fix it (1 more: `config check` lists all)\n"
    assert (started.code, checked.code) == (4, 4)
    assert checked.out.splitlines() == ["first is wrong: fix it", "second is wrong: fix it"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["strat-session"], "no such command 'strat-session' (did you mean 'start-session'"),
        (["status", "--jsn"], "no such option: --jsn"),
        (["status", "extra"], "got unexpected extra argument"),
        (["orders", "--limit", "many"], "invalid value for '--limit'"),
        (["orders", "--limit", "0"], "invalid value for '--limit'"),
        (["start-session", "--seed"], "option '--seed' requires an argument"),
        (["start-session", "--replay"], "option '--replay' requires an argument"),
        (["start-session", "--duration", "soon"], "--duration 'soon' is not a duration: write it like"),
        (["start-session", "--speed", "0"], "--speed 0 is no speed: write a number from 0.001 to 1,000,000, or max"),
        (["start-session", "--speed", "nan"], "--speed nan is no speed"),
        (["start-session", "--replay", "nowhere.ws"], "--replay nowhere.ws does not exist: name a file"),
        (["start-session", "--replay", "."], "--replay . is a folder: name a file of recorded frames"),
        (["start-session", "--exchange", "kraken"], "--exchange kraken is none of paper, testnet, live"),
        (["orders", "--symbol", "B$"], "'B$' is not a symbol; write it like BTCUSDT or BTC/USDT"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_a_configuration_error(
    run: Run, app: FakeApplication, arguments: list[str], said: str
):
    ran = run(*arguments)

    assert ran.code == 4
    assert ran.err.startswith(f"error: {said}") and ran.err.count("\n") == 1
    assert app.asked == []


@pytest.mark.parametrize("arguments", [[], ["--help"], ["start-session", "--help"], ["config"]])
def test_help_is_no_error(run: Run, arguments: list[str]):
    ran = run(*arguments)

    assert (ran.code, ran.err) == (0, "")
    assert "Usage: steadyhand" in ran.out


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (["--replay", "a", "b", "--speed", "max"], ["--replay", "a", "--replay", "b", "--speed", "max"]),
        (["--replay=a", "b"], ["--replay", "a", "--replay", "b"]),
        (["--replay", "a", "--replay", "b"], ["--replay", "a", "--replay", "b"]),
        (["--replay", "--speed", "1", "c"], ["--replay", "--speed", "1", "c"]),
        (["positions", "x"], ["positions", "x"]),
    ],
)
def test_several_values_after_one_flag_are_one_use_each(given: list[str], seen: list[str]):
    assert repeat_flags(given) == seen


@given(st.lists(st.sampled_from(["--replay", "--replay=a", "--speed", "a", "b", "-v", ""])))
def test_repeating_flags_twice_changes_nothing_more(arguments: list[str]):
    once = repeat_flags(arguments)

    assert repeat_flags(once) == once


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize(
    "command", [("halt", "--reason", "x"), ("status",), ("emergency-close",)], ids=" ".join
)
def test_a_stream_that_is_closed_stops_no_command(
    monkeypatch: pytest.MonkeyPatch, composition: FakeComposition, stream: str, command: tuple[str, ...]
):
    codes = {"halt": ExitCode.OK, "status": ExitCode.OK, "emergency-close": ExitCode.CONFIGURATION}
    composition.app.side_accounts = [EmergencyAccount("acc00001-x", "paper")]
    monkeypatch.setattr(sys, stream, None)

    code = main(command, composition)

    with getattr(sys, stream) as stand_in:
        assert (code, os.fstat(stand_in.fileno())) == (codes[command[0]], os.stat(os.devnull))
    assert (("engage", "x", "halt", None) in composition.app.asked) is (command[0] == "halt")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("start-session", "--symbols", ""),
            "--symbols names none: write it like BTCUSDT,ETHUSDT, or leave it out",
        ),
        (
            ("start-session", "--symbols", ", "),
            "--symbols names none: write it like BTCUSDT,ETHUSDT, or leave it out",
        ),
        (
            ("close-position", "BTCUSDT", "--position-side", "UP"),
            "--position-side UP is neither LONG nor SHORT",
        ),
    ],
)
def test_what_names_nothing_is_refused_before_anything_is_asked(
    run: Run, app: FakeApplication, arguments: tuple[str, ...], line: str
):
    app.running = a_snapshot()

    ran = run(*arguments)

    assert (ran.code, ran.err, app.asked) == (4, f"error: {line}\n", [])
