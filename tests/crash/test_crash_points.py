"""Some crash points in every test run: real processes, killed and resumed. ``make crash`` does them all."""

from pathlib import Path

import pytest

from src.domain.money import use_money_context
from tests.crash.points import check, crash_at
from tests.crash.process import run_child
from tests.crash.scenarios import SCENARIOS

POINTS = (
    ("store.lease", 1),
    ("session.opened", 1),
    ("session.committed", 3),
    ("broker.before_send", 2),
    ("broker.after_send", 3),
    ("exchange.before_commit", 4),
    ("exchange.after_commit", 5),
    ("store.before_commit", 6),
    ("store.after_commit", 7),
    ("broker.event", 4),
    ("recovery.merged", 1),
)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point[0]}-{point[1]}")
def test_a_session_killed_at_a_point_comes_back_with_equal_books(point: tuple[str, int], tmp_path: Path):
    use_money_context()

    assert crash_at(SCENARIOS[0], point, tmp_path / "data") == []


def test_a_session_that_is_not_killed_ends_with_equal_books(tmp_path: Path):
    use_money_context()

    status = run_child(SCENARIOS[2], tmp_path / "data", None)

    assert status == 0
    assert check(tmp_path / "data") == []
