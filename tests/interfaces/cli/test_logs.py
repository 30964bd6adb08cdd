"""Reading the logs: levels, searches, files moved aside, following, exporting."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from src.interfaces.cli import logs as reader
from tests.interfaces.cli.conftest import Run
from tests.support.fake_composition import FakeApplication


def line(number: int, level: str = "info", **fields: object) -> str:
    stored = {"ts": f"2026-01-05T00:00:{number:02}.000Z", "level": level, "logger": "steadyhand.x"}
    return json.dumps(stored | {"event": f"event {number}"} | fields) + "\n"


@pytest.fixture
def log(app: FakeApplication, tmp_path: Path) -> Path:
    """A log of three files, the last line of which is torn."""
    app.data_dir = tmp_path
    path = tmp_path / "logs" / "steadyhand.log"
    (path.parent / "trading").mkdir(parents=True)
    (path.parent / "trading" / "trades.log").write_text(line(9, symbol="ETHUSDT"))
    path.with_name("steadyhand.log.2").write_text(line(1) + line(2, "warning"))
    path.with_name("steadyhand.log.1").write_text(line(3, symbol="BTCUSDT", price="61000.1"))
    path.write_text(line(4, "error", text="the Disk is full") + '{"ts": "2026-')
    return path


@pytest.mark.parametrize(
    ("arguments", "events"),
    [
        ((), ["1", "2", "3", "4", "torn"]),
        (("--limit", "2"), ["4", "torn"]),
        (("--level", "warning"), ["2", "4", "torn"]),
        (("--level", "ERROR"), ["4", "torn"]),
        (("--search", "disk"), ["4"]),
        (("--grep", r"6\d000\.1"), ["3"]),
        (("--grep", "event [12]", "--level", "warning"), ["2"]),
        (("--search", "nothing of the kind"), []),
        (("--trades",), ["9"]),
    ],
)
def test_lines_are_chosen_across_all_files_oldest_first(
    log: Path, run: Run, arguments: tuple[str, ...], events: list[str]
):
    ran = run("logs", *arguments, "--format", "json")

    assert ran.code == 0
    found = [json.loads(each)["event"][6:] if each.endswith("}") else "torn" for each in ran.out.splitlines()]
    assert found == events
    assert run("logs", *arguments, "--json").out == ran.out


def test_a_file_in_the_place_of_the_folder_is_named(app: FakeApplication, run: Run, tmp_path: Path):
    app.data_dir = tmp_path
    (tmp_path / "logs").touch()

    ran = run("logs")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"error: {tmp_path / 'logs'}: Not a directory: move away what is in its place\n"


def test_people_see_time_level_event_and_fields(log: Path, run: Run):
    assert run("logs", "--search", "61000").out == (
        "2026-01-05 00:00:03.000 INFO    event 3 symbol=BTCUSDT price=61000.1\n"
    )


def test_an_export_has_every_line_and_overwrites_nothing(log: Path, run: Run, tmp_path: Path):
    target = tmp_path / "out.jsonl"

    first = run("logs", "--level", "warning", "--limit", "1", "--export", str(target), "--format", "json")
    second = run("logs", "--export", str(target))

    assert first.out == f"{target}: 3 lines\n" and len(target.read_text().splitlines()) == 3
    assert (second.code, second.err) == (
        1, f"error: {target} exists, and nothing is overwritten: name another file\n"
    )  # fmt: skip


def test_an_export_may_go_to_stdout_and_is_nothing_but_the_lines(
    log: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)

    ran = run("logs", "--level", "warning", "--limit", "1", "--export", "-")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == run("logs", "--level", "warning").out and len(ran.out.splitlines()) == 3
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--level", "loud"), "--level loud is none of"),
        (("--grep", "["), "--grep [ is no regular expression"),
        (("--format", "xml"), "--format xml is none of"),
        (("--limit", "0"), "'--limit'"),
    ],
)
def test_a_wrong_wish_is_one_line(log: Path, run: Run, arguments: tuple[str, ...], said: str):
    ran = run("logs", *arguments)

    assert (ran.code, ran.err.count("\n"), ran.out) == (4, 1, "")
    assert said in ran.err


def test_before_anything_was_logged_there_is_no_log(app: FakeApplication, run: Run, tmp_path: Path):
    app.data_dir = tmp_path

    ran = run("logs")

    assert (ran.code, ran.err) == (2, "error: there is no steadyhand.log yet: a session writes it\n")


def test_following_goes_on_in_the_new_file_when_the_old_one_is_moved_aside(log: Path):
    seen: list[str] = []
    shown = threading.Event()

    def write() -> None:
        time.sleep(0.1)  # that the file is open, nothing says
        with log.open("a") as file:
            file.write(line(5)[:9])
            file.flush()
            file.write(line(5)[9:] + line(6, "debug"))
        assert shown.wait(5)
        os.replace(log, log.with_name("steadyhand.log.1"))
        log.write_text(line(7))

    def show(text: str) -> None:
        seen.append(json.loads(text)["event"])
        shown.set()
        if len(seen) == 2:
            raise KeyboardInterrupt

    log.write_text(line(4))
    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(KeyboardInterrupt):
        reader.follow(log, reader.Wanted.of("info", "", ""), show)
    writer.join()

    assert seen == ["event 5", "event 7"]
