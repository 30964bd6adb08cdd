from pathlib import Path

from benchmarks.endurance import Endurance, endure
from benchmarks.samples import Samples
from tests.acceptance.__main__ import endurance_violations

MB = 1_000_000


def measured(early_ns: int, late_ns: int, resident_mb: list[int]) -> Endurance:
    return Endurance(
        cost=Samples("cost", [early_ns] * 300 + [late_ns] * 300),
        reference=Samples("reference", [1_000] * 600),
        resident=[(number * 500, mb * MB) for number, mb in enumerate(resident_mb, 1)],
    )


def test_a_session_makes_as_many_round_trips_as_asked_for_and_leaves_few_orders_in_memory(tmp_path: Path):
    result = endure(tmp_path, 30)

    assert result.round_trips >= 30
    assert len(result.cost.values) == len(result.reference.values) == 30


def test_what_grows_is_told():
    assert endurance_violations(measured(70_000, 76_000, [40, 44, 49]), 100) == []

    slower = endurance_violations(measured(70_000, 80_000, [40]), 100)
    larger = endurance_violations(measured(70_000, 70_000, [40, 51]), 100)

    assert slower == ["an order after 600 round trips costs 1.14 times as much as after 100"]
    assert larger == ["resident memory varied by 11.0 MB"]
