"""Two crashes, the second inside the recovery from the first: a part of the pairs, and that they are counted."""

from pathlib import Path

import pytest

from tests.simulation.pairs import Coverage, Tried, points_of, try_first


@pytest.mark.parametrize("first", ["session.after_submit", "store.after_commit"])
def test_a_recovery_that_is_killed_anywhere_is_recovered_from(first: str, tmp_path: Path):
    names = points_of(11, tmp_path)

    tried = try_first(11, first, names, frozenset(), tmp_path)

    assert len(tried.seconds) >= 15
    assert not any(tried.seconds.values())


def test_pairs_that_were_run_are_not_run_again(tmp_path: Path):
    names = points_of(11, tmp_path)
    done = try_first(11, "store.lease", names, frozenset(), tmp_path).seconds.keys()

    assert not try_first(11, "store.lease", names, frozenset(done), tmp_path).seconds


def test_coverage_counts_each_pair_once_and_keeps_every_violation():
    coverage = Coverage()

    assert coverage.take(Tried(1, "a", {"x": (), "y": ("I5: lost",)})) == 2
    assert coverage.take(Tried(2, "a", {"y": ("I7: apart",)})) == 0
    assert coverage.after("a") == {"x", "y"}
    assert coverage.violations == [
        "seed 1, killed at a and at y: I5: lost",
        "seed 2, killed at a and at y: I7: apart",
    ]
