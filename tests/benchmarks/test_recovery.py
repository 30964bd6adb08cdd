"""The measurement of a start makes the account that it promises, and starts it as often as it says."""

from pathlib import Path

import pytest

from benchmarks import recovery
from benchmarks.long_account import StillMarket
from benchmarks.sync_cost import sync_cost
from src.infrastructure.market_data.frames import MarketFrame


def frames(market: StillMarket, count: int) -> list[MarketFrame]:
    found = [market.next_frame() for _ in range(count)]
    return [frame for frame in found if frame is not None]


@pytest.mark.parametrize("place", [0, 3, 6, 11, 18, 40, 77])
def test_a_market_that_stands_still_goes_on_where_it_was_left(place: int):
    first, second = StillMarket(), StillMarket()
    frames(first, place)
    shown: list[MarketFrame] = []

    second.catch_up(first.cursor(), shown.append)

    assert second.cursor() == first.cursor()
    assert frames(second, 30) == frames(first, 30)
    assert len(shown) <= place


def test_a_small_account_is_made_killed_and_recovers_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    wanted = ["--fills", "20", "--open-orders", "10", "--starts", "2", "--dir", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["recovery", *wanted])

    assert recovery.main() == 0

    assert "recovery with 10 open orders and 20 fills, p50" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_of_two_sessions_that_take_turns_both_are_measured_as_often(tmp_path: Path):
    cost = sync_cost(tmp_path, orders=3)

    assert [len(each.values) for each in (cost.synced, cost.unsynced, cost.reference)] == [3, 3, 3]
    assert list(cost.difference.values) == [
        a - b for a, b in zip(cost.synced.values, cost.unsynced.values, strict=True)
    ]
