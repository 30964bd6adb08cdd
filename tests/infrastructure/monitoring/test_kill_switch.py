"""The HALT files: made, seen, removed; of all accounts and of one; and what cannot be looked at counts as a halt."""

import os
import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from src.application.ports.kill_switch import KillLevel
from src.infrastructure.monitoring.kill_switch import FileKillSwitch, release_all

LONG_AGO_NS = 1_000_000_000 * 1_000_000_000

SwitchAt = Callable[..., FileKillSwitch]


@pytest.fixture(params=[False, True], ids=["looked at", "watched"])
def switch_at(request: pytest.FixtureRequest) -> SwitchAt:
    """Makes switches whose folder the kernel watches, and such as are only looked at."""
    return partial(FileKillSwitch, is_watched=request.param)


def test_the_switch_is_engaged_for_as_long_as_the_file_is_there(tmp_path: Path, switch_at: SwitchAt):
    switch = switch_at(tmp_path / "data" / "HALT")

    before = switch.is_engaged()
    switch.engage("fat finger")
    during = switch.is_engaged(), switch.path.read_text()
    released = switch.release(), switch.release()

    assert (before, during, released) == (False, (True, "halt: fat finger\n"), (True, False))
    assert not switch.is_engaged()


def test_a_file_made_by_hand_halts_as_well(tmp_path: Path, switch_at: SwitchAt):
    (tmp_path / "HALT").touch()

    assert switch_at(tmp_path / "HALT").is_engaged()
    assert switch_at(tmp_path / "HALT").level() is KillLevel.HALT


def test_what_cannot_be_looked_at_counts_as_engaged(tmp_path: Path):
    (tmp_path / "data").write_text("a file where the folder should be")

    assert FileKillSwitch(tmp_path / "data" / "HALT").is_engaged()


def test_a_file_that_appears_in_a_folder_that_was_quiet_for_long_is_seen_at_once(
    tmp_path: Path, switch_at: SwitchAt
):
    switch = switch_at(tmp_path / "HALT", "acc00001-x")
    os.utime(tmp_path, ns=(LONG_AGO_NS, LONG_AGO_NS))

    quiet = switch.is_engaged(), switch.is_engaged()
    (tmp_path / "HALT").touch()

    assert quiet == (False, False)
    assert switch.is_engaged()


def test_a_file_that_appears_within_the_grain_of_the_folders_clock_is_seen(
    tmp_path: Path, switch_at: SwitchAt
):
    switch = switch_at(tmp_path / "HALT")
    switch.is_engaged()
    stamp = tmp_path.stat().st_mtime_ns

    (tmp_path / "HALT").touch()
    os.utime(tmp_path, ns=(stamp, stamp))

    assert switch.is_engaged()


def test_a_folder_that_takes_the_others_place_is_looked_at_once_the_level_was_asked_for(
    tmp_path: Path, switch_at: SwitchAt
):
    folder, other = tmp_path / "data", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "HALT").touch()
    switch = switch_at(folder / "HALT")
    quiet = switch.is_engaged()

    folder.rename(tmp_path / "old")
    other.rename(folder)

    assert (quiet, switch.level(), switch.is_engaged()) == (False, KillLevel.HALT, True)


@pytest.mark.parametrize(("is_watched", "kept"), [(False, 1), (True, 2)])
def test_no_descriptor_stays_open_behind_a_switch(tmp_path: Path, is_watched: bool, kept: int):
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    switch = FileKillSwitch(tmp_path / "HALT", is_watched=is_watched)
    for _ in range(3):
        switch.is_engaged()
        switch.level()
    switch.is_engaged()
    during = descriptors()
    del switch

    assert (during, descriptors()) == (before + kept, before)


def another_name(path: Path) -> None:
    os.link(path.parent / "spare", path)


def a_renamed_one(path: Path) -> None:
    (path.parent / "spare").rename(path)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, another_name, a_renamed_one])
def test_whatever_comes_into_the_folder_under_that_name_is_seen_at_once(
    tmp_path: Path, switch_at: SwitchAt, make: Callable[[Path], object]
):
    switch = switch_at(tmp_path / "HALT", "acc00001-x")
    (tmp_path / "spare").touch()
    os.utime(tmp_path, ns=(LONG_AGO_NS, LONG_AGO_NS))

    quiet = [switch.is_engaged() for _ in range(3)]
    (tmp_path / "other").touch()
    still = [switch.is_engaged() for _ in range(3)]
    make(tmp_path / "HALT-acc00001")
    engaged = [switch.is_engaged() for _ in range(3)]
    (tmp_path / "HALT-acc00001").rename(tmp_path / "done")

    assert (quiet, still, engaged) == ([False] * 3, [False] * 3, [True] * 3)
    assert not switch.is_engaged()


def test_what_the_kernel_does_not_tell_of_is_seen_by_whoever_asks_for_the_level(tmp_path: Path):
    switch = FileKillSwitch(tmp_path / "HALT", is_watched=True)
    quiet = switch.level(), switch.is_engaged()

    (tmp_path / "HALT").touch()
    folder = switch._open
    assert folder is not None and folder.watch is not None, "the kernel watches this folder"
    # As if it had been made on another machine: nothing is told.
    folder.watch.forget()

    assert (quiet, switch.is_engaged()) == ((None, False), False)
    assert (switch.level(), switch.is_engaged()) == (KillLevel.HALT, True)


def test_where_the_kernel_watches_no_folder_it_is_looked_at(tmp_path: Path):
    switch = FileKillSwitch(tmp_path / "HALT", is_watched=True)
    spare = os.open(tmp_path, os.O_RDONLY)
    os.close(spare)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Room for the folder's descriptor, none for a second one.
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare + 1, hard))
    try:
        quiet = switch.is_engaged()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (tmp_path / "HALT").touch()

    assert not quiet
    assert switch.is_engaged()


@pytest.mark.parametrize("level", KillLevel)
def test_the_file_says_how_to_halt(tmp_path: Path, switch_at: SwitchAt, level: KillLevel):
    switch = switch_at(tmp_path / "HALT")

    before = switch.level()
    switch.engage("a test", level)

    assert (before, switch.level(), switch.reason()) == (None, level, "a test")


@pytest.mark.parametrize("before", KillLevel)
@pytest.mark.parametrize("after", KillLevel)
def test_a_halt_is_made_stricter_by_another_and_never_milder(
    tmp_path: Path, before: KillLevel, after: KillLevel
):
    switch = FileKillSwitch(tmp_path / "HALT")
    levels = list(KillLevel)
    is_stricter = levels.index(after) > levels.index(before)

    switch.engage("the first, in some more words", before)
    switch.engage("the second", after)

    held = (after, "the second") if is_stricter else (before, "the first, in some more words")
    assert (switch.level(), switch.reason()) == held
    assert (switch.path.read_text().count(":") == 2) is is_stricter


@pytest.mark.parametrize("there", [None, "", "soft: before\n", "soft: before"])
@pytest.mark.parametrize("call", ["open", "write"])
@pytest.mark.parametrize("first", [KillLevel.SOFT, KillLevel.HARD])
def test_of_two_halts_at_once_the_strictest_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str | None, call: str, first: KillLevel
):
    switch, other = FileKillSwitch(tmp_path / "HALT"), FileKillSwitch(tmp_path / "HALT")
    second = KillLevel.HARD if first is KillLevel.SOFT else KillLevel.HALT
    if there is not None:
        switch.path.write_text(there)
    original = getattr(os, call)

    def after_the_other(*arguments: object) -> object:
        monkeypatch.undo()
        other.engage(second.value, second)
        return original(*arguments)

    monkeypatch.setattr(os, call, after_the_other)
    switch.engage(first.value, first)
    if getattr(os, call) is not original:  # it had nothing to write
        monkeypatch.undo()
        other.engage(second.value, second)

    assert (switch.level(), switch.reason()) == (KillLevel.HARD, "hard")


def test_a_reason_of_several_lines_asks_for_no_more(tmp_path: Path):
    switch = FileKillSwitch(tmp_path / "HALT")

    switch.engage("careful\nhard: is what I do not mean", KillLevel.SOFT)

    assert switch.level() is KillLevel.SOFT


def test_a_file_made_by_hand_is_no_milder_for_a_soft_halt(tmp_path: Path):
    (tmp_path / "HALT").touch()
    switch = FileKillSwitch(tmp_path / "HALT")

    switch.engage("only reduce", KillLevel.SOFT)

    assert (switch.level(), switch.reason()) == (KillLevel.HALT, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        ("looks wrong\nvery", "looks wrong"),
        ("why: me", "why: me"),
        ("\0\0", ""),
        ("a power\0 failure", "a power failure"),
    ],
)
def test_a_file_made_by_hand_may_say_why(tmp_path: Path, text: str, reason: str):
    (tmp_path / "HALT").write_text(text)
    switch = FileKillSwitch(tmp_path / "HALT")

    assert (switch.level(), switch.reason()) == (KillLevel.HALT, reason)
    assert FileKillSwitch(tmp_path / "none" / "HALT").reason() == ""


def test_one_accounts_file_halts_no_other_and_the_strictest_of_two_counts(
    tmp_path: Path, switch_at: SwitchAt
):
    everybody = switch_at(tmp_path / "HALT")
    mine, yours = (switch_at(tmp_path / "HALT", f"{name}-and-more") for name in ("account1", "account2"))

    mine.engage("a test", KillLevel.HARD)
    alone = mine.level(), yours.level(), everybody.level()
    everybody.engage("a test", KillLevel.SOFT)

    assert alone == (KillLevel.HARD, None, None)
    assert (mine.level(), yours.level()) == (KillLevel.HARD, KillLevel.SOFT)
    assert mine.release() and mine.is_engaged()


def test_everything_can_be_released_at_once(tmp_path: Path, switch_at: SwitchAt):
    path = tmp_path / "HALT"
    for account_id in ("", "account1", "account2"):
        switch_at(path, account_id).engage("a test")

    assert release_all(path) and not release_all(path)
    assert not switch_at(path, "account1").is_engaged()
