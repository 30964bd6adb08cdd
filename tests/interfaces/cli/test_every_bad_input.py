"""Some three hundred bad inputs, generated over commands, options and settings, against the real program.

Each is answered with one line that names what is wrong and its documented exit code, and changes no journal.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from src.bootstrap.application import PaperComposition
from src.bootstrap.settings import Settings
from src.bootstrap.settings.sources import env_of
from src.interfaces.cli.app import build, main
from tests.interfaces.cli.test_bad_inputs import RUN, Desk, as_one_line, settle

ERROR, NOT_FOUND, NOT_RUNNING, CONFIGURATION = 1, 2, 3, 4

Case = tuple[tuple[str, ...], int]


def commands() -> dict[tuple[str, ...], Any]:
    """Every command by the words that name it."""
    found = {}

    def walk(group: Any, words: tuple[str, ...]) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                walk(command, (*words, name))
            else:
                found[(*words, name)] = command

    walk(typer.main.get_command(build(rich_help=False)), ())
    return found


COMMANDS = commands()


def arguments_of(words: tuple[str, ...]) -> list[str]:
    """What has to stand behind a command, made up."""
    parameters = COMMANDS[words].params
    return ["x" for each in parameters if each.param_type_name == "argument" and each.required]


def unknown_options() -> Iterator[Case]:
    for words in COMMANDS:
        yield (*words, *arguments_of(words), "--no-such-option"), CONFIGURATION


def surplus_arguments() -> Iterator[Case]:
    for words, command in COMMANDS.items():
        if not any(each.param_type_name == "argument" for each in command.params):
            yield (*words, "surplus"), CONFIGURATION


def missing_values() -> Iterator[Case]:
    for words, command in COMMANDS.items():
        for each in command.params:
            if each.param_type_name == "option" and not each.is_flag and each.name != "help":
                yield (*words, *arguments_of(words), each.opts[0]), CONFIGURATION


def unknown_accounts() -> Iterator[Case]:
    for words in (
        ("status",),
        ("positions",),
        ("orders",),
        ("trades",),
        ("journal",),
        ("stop-session",),
        ("pause-session",),
        ("resume-session",),
        ("recover",),
        ("reconcile",),
        ("cancel-order", "x"),
        ("performance",),
        ("daily",),
        ("balance",),
        ("risk",),
    ):
        yield (*words, "--account", "zz"), NOT_FOUND


SESSION_VALUES = {
    "--duration": ["soon", "-5s", "0", "5 parsecs", "1e99", "NaN", ""],
    "--symbols": ["B$", "btc usdt !", "€", "A" * 60, "BTCUSDT;DROP TABLE orders", "../../etc"],
    "--strategies": [
        "nope", "sma_cross:fast=0", "sma_cross:fast=20,slow=5", "rsi:period=abc", "rsi:unknown=1", "rsi:period",
        "sma_cross:fast=3,fast=4", "rsi:lower=70,upper=30",
    ],
    "--timeframe": ["7h", "0m", "abc", "1.5m", "2d", "-1m"],
    "--speed": ["0", "-1", "fast", "nan", "inf", "", "1e308", "1e-308", "1e-999"],
    "--seed": ["-1", "x", "1.5", "9" * 40],
    "--capital": ["0", "-1", "NaN", "Infinity", "much", "100000000000"],
    "--sizing": ["martingale", "percent:0", "percent:-1", "risk:2", "fixed:abc", "notional:", "percent:NaN"],
    "--stop-loss": ["0", "-0.1", "2", "abc", "NaN"],
    "--take-profit": ["-1", "abc", "NaN", "99"],
    "--trailing-stop": ["-0.01", "0.201", "0.0005", "abc", "NaN"],
    "--leverages": ["BTCUSDT", "BTCUSDT=0", "BTCUSDT=5,BTCUSDT=6", "=5", "B$=5", "BTCUSDT=x"],
    "--margin-type": ["both", "", "crossed isolated"],
    "--leverage": ["0", "126", "1.5", "x", "-3"],
    "--funding-interval": ["0", "never", "-8h"],
    "--portfolio": ["x" * 65],
    "--exchange": ["kraken", "LIVE ", "Paper"],
    "--replay": ["nowhere.ws", "data", "empty.ws", "words.ws", "cut.ws.gz", "zeros.ws"],
}  # fmt: skip


def session_values() -> Iterator[Case]:
    for option, values in SESSION_VALUES.items():
        for value in values:
            yield (*RUN, option, value), CONFIGURATION
    for name in SESSION_VALUES["--replay"]:
        yield ("replay", name), CONFIGURATION


OTHER_VALUES: dict[tuple[str, ...], tuple[int, list[str]]] = {
    ("orders", "--symbol"): (CONFIGURATION, ["B$", "not a symbol", "€"]),
    ("trades", "--symbol"): (CONFIGURATION, ["B$", "not a symbol", "€"]),
    ("orders", "--limit"): (CONFIGURATION, ["0", "-3", "many", "1.5"]),
    ("trades", "--limit"): (CONFIGURATION, ["0", "-3", "many", "1.5"]),
    ("journal", "--limit"): (CONFIGURATION, ["0", "-3", "many", "1.5"]),
    ("journal", "--after"): (CONFIGURATION, ["-1", "x", "1.5"]),
    ("journal", "--kind"): (CONFIGURATION, ["order", "OrderMoved", "", "order_moved "]),
    ("journal", "--export", "new.jsonl", "--kind"): (CONFIGURATION, ["order"]),
    ("journal", "--export"): (ERROR, ["no/where.jsonl"]),
    ("logs", "--limit"): (CONFIGURATION, ["0", "-3", "many", "1.5"]),
    ("logs", "--level"): (CONFIGURATION, ["loud", "9", " "]),
    ("logs", "--grep"): (CONFIGURATION, ["[", "(", "*", "a{2,1}"]),
    ("logs", "--format"): (CONFIGURATION, ["xml", "TEXT", "csv"]),
    ("logs", "--export"): (ERROR, ["no/where.log"]),
    ("cancel-order",): (
        NOT_FOUND,
        ["x", "../../etc/passwd", "'; DROP TABLE orders; --", "ордер", "0" * 500, " "],
    ),
    ("restore",): (ERROR, ["nowhere.tar.gz", "words.ws", "cut.ws.gz"]),
    ("backup",): (ERROR, ["words.ws", "data"]),
}


def other_values() -> Iterator[Case]:
    for words, (code, values) in OTHER_VALUES.items():
        for value in values:
            yield (*words, value), code
    for command in ("stop-session", "pause-session", "resume-session"):
        yield (command,), NOT_RUNNING
    for nonsense in ("Start-Session", "start session", "status;rm", "-x"):
        yield (nonsense, "--json"), CONFIGURATION


CASES = [
    case
    for kind in (
        unknown_options, surplus_arguments, missing_values, unknown_accounts, session_values, other_values,
    )
    for case in kind()
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with one finished session, and files that are not what they should be."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        settle(folder, patch)
        assert main(RUN, PaperComposition()) == 0
        (folder / "empty.ws").touch()
        (folder / "words.ws").write_text("hello\nworld\n")
        (folder / "zeros.ws").write_bytes(bytes(5_000))
        (folder / "cut.ws.gz").write_bytes(gzip.compress(b"x" * 9_999)[:40])
        yield folder


@pytest.fixture
def desk(folder: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    capsys.readouterr()
    return Desk(folder, capsys)


def test_there_are_enough_of_them():
    assert len(CASES) + len(SETTINGS) >= 300
    assert len(set(CASES)) == len(CASES)


@pytest.mark.parametrize(("words", "code"), CASES, ids=[" ".join(words)[:70] for words, _ in CASES])
def test_a_bad_input_is_one_line_with_its_code_and_changes_nothing(
    desk: Desk, words: tuple[str, ...], code: int
):
    before = desk.history()

    answer, line = desk.run(*words)

    assert (answer, as_one_line(line)) == (code, True), line
    assert desk.history() == before


# Any text is a value of these.
_FREE = {"api_key", "api_secret", "portfolio", "data_dir"}
SETTINGS = [
    (env_of(field).names[0], value)
    for field in Settings.model_fields
    if field not in _FREE
    for value in ("nonsense ?!", "-1 §")
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_a_setting_without_a_meaning_is_named_and_nothing_runs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, value: str
):
    before = desk.history()
    monkeypatch.setenv(name, value)

    answer, line = desk.run("start-session", "--duration", "1s", "--speed", "max")

    assert (answer, as_one_line(line)) == (CONFIGURATION, True), line
    assert name in line
    monkeypatch.delenv(name)
    assert desk.history() == before
