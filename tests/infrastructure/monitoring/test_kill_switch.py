"""The HALT file: made, seen, removed; and what cannot be looked at counts as a halt."""

from pathlib import Path

from src.infrastructure.monitoring.kill_switch import FileKillSwitch


def test_the_switch_is_engaged_for_as_long_as_the_file_is_there(tmp_path: Path):
    switch = FileKillSwitch(tmp_path / "data" / "HALT")

    before = switch.is_engaged()
    switch.engage("fat finger")
    during = switch.is_engaged(), switch.path.read_text()
    released = switch.release(), switch.release()

    assert (before, during, released) == (False, (True, "fat finger\n"), (True, False))
    assert not switch.is_engaged()


def test_a_file_made_by_hand_halts_as_well(tmp_path: Path):
    (tmp_path / "HALT").touch()

    assert FileKillSwitch(tmp_path / "HALT").is_engaged()


def test_what_cannot_be_looked_at_counts_as_engaged(tmp_path: Path):
    (tmp_path / "data").write_text("a file where the folder should be")

    assert FileKillSwitch(tmp_path / "data" / "HALT").is_engaged()
