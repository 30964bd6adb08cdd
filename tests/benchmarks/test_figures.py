"""What a missed figure does to the exit code, and how percentiles are counted."""

from benchmarks.figures import Figure, exit_code, table
from benchmarks.samples import Samples


def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed():
    samples = Samples("some", reversed(range(1, 101)))

    assert (samples.p50, samples.p99, samples.percentile(99.9)) == (50, 99, 100)
    assert Samples("one", [7]).p99 == 7


def test_a_missed_limit_fails_only_when_strict():
    missed = Figure("risk", measured=20, limit=15, unit="µs", ratio=8, ratio_limit=6)

    assert (exit_code([missed], strict=False), exit_code([missed], strict=True)) == (0, 1)


def test_a_near_miss_is_within_the_tolerance():
    near = Figure("risk", measured=18, limit=15, unit="µs")

    assert (near.verdict, exit_code([near], strict=True)) == ("near", 0)


def test_a_ratio_that_no_slow_machine_explains_always_fails():
    absurd = Figure("risk", measured=200, limit=15, unit="µs", ratio=31, ratio_limit=6)

    assert exit_code([absurd], strict=False) == 1


def test_a_table_is_aligned():
    assert table(("a", "b"), [("long", "1"), ("x", "22")]) == "a      b\nlong   1\nx     22"
