"""A checker that finds nothing proves nothing: bugs planted by these tests alone, each found within a few tries."""

from pathlib import Path

import pytest

from tests.matrix.planted import BUGS, Bug, find

BUGS_MIN = 20


def test_there_are_bugs_enough_to_judge_the_checkers_by():
    assert len({bug.name for bug in BUGS}) >= BUGS_MIN


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, tmp_path: Path):
    tries = find(bug, tmp_path / "run")

    assert tries is not None, f"{bug.name} went through the {bug.suite} unnoticed"
