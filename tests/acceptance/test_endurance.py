from pathlib import Path

from benchmarks.endurance import Comparison, Endurance, endure
from benchmarks.samples import Samples
from tests.acceptance.__main__ import endurance_violations

MB = 1_000_000


def measured(young_ns: int, old_ns: int, resident_mb: list[int]) -> Endurance:
    return Endurance(
        comparisons={600: Comparison(Samples("old", [old_ns] * 3), Samples("young", [young_ns] * 3))},
        resident=[(number * 500, mb * MB) for number, mb in enumerate(resident_mb, 1)],
    )


def test_a_session_makes_as_many_round_trips_as_asked_for_and_is_compared_with_a_young_one(tmp_path: Path):
    result = endure(tmp_path, 30, (20, 30), 8)

    assert result.round_trips >= 30
    assert {
        age: (len(each.old.values), len(each.young.values)) for age, each in result.comparisons.items()
    } == {
        20: (8, 8),
        30: (8, 8),
    }


def test_what_grows_is_told():
    assert endurance_violations(measured(70_000, 76_000, [40, 44, 49])) == []

    slower = endurance_violations(measured(70_000, 80_000, [40]))
    larger = endurance_violations(measured(70_000, 70_000, [40, 51]))

    assert slower == ["an order after 600 round trips costs 1.14 times as much as after 100"]
    assert larger == ["resident memory varied by 11.0 MB"]
