"""One budget for all processes of the host: what one spends, the other has not."""

import fcntl
from pathlib import Path
from threading import Thread

import pytest

from src.application.ports.broker import RateLimitError
from src.infrastructure.brokers.weight_budget import WeightBudget


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_767_600_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_budget(folder: Path, clock: Clock) -> WeightBudget:
    return WeightBudget(folder / "weight", weight_max=100, reserve=30, now_ms=clock)


def test_two_processes_share_one_budget(tmp_path: Path, clock: Clock):
    one, other = a_budget(tmp_path, clock), a_budget(tmp_path, clock)
    one.spend(50)

    with pytest.raises(RateLimitError):
        other.spend(21)
    other.spend(20)


def test_the_reserve_is_for_urgent_requests(tmp_path: Path, clock: Clock):
    budget = a_budget(tmp_path, clock)
    budget.spend(70)

    with pytest.raises(RateLimitError):
        budget.spend(1)
    budget.spend(30, urgent=True)
    with pytest.raises(RateLimitError):
        budget.spend(1, urgent=True)


def test_a_new_minute_begins_with_nothing_used(tmp_path: Path, clock: Clock):
    budget = a_budget(tmp_path, clock)
    budget.spend(70)
    with pytest.raises(RateLimitError) as caught:
        budget.spend(1)

    clock.now_ms += int(caught.value.retry_after * 1000)
    budget.spend(70)


def test_the_exchange_counts_better_than_we_do(tmp_path: Path, clock: Clock):
    budget = a_budget(tmp_path, clock)
    budget.learn(200, {"x-mbx-used-weight-1m": "95"})

    with pytest.raises(RateLimitError):
        budget.spend(1)


def test_an_older_and_lower_count_of_the_same_minute_changes_nothing(tmp_path: Path, clock: Clock):
    budget = a_budget(tmp_path, clock)
    budget.spend(70)
    budget.learn(200, {"x-mbx-used-weight-1m": "3"})

    with pytest.raises(RateLimitError):
        budget.spend(1)


@pytest.mark.parametrize(("headers", "seconds"), [({"retry-after": "30"}, 30), ({}, 10)])
def test_too_many_requests_silence_everybody(
    tmp_path: Path, clock: Clock, headers: dict[str, str], seconds: int
):
    one, other = a_budget(tmp_path, clock), a_budget(tmp_path, clock)
    one.learn(429, headers)

    with pytest.raises(RateLimitError) as caught:
        other.spend(1, urgent=True)
    assert caught.value.retry_after == seconds
    clock.now_ms += seconds * 1000
    other.spend(1)


def test_a_ban_lasts_until_the_moment_it_names(tmp_path: Path, clock: Clock):
    budget = a_budget(tmp_path, clock)
    until_ms = clock.now_ms + 180_000
    budget.learn(418, {}, b'{"code":-1003,"msg":"Way too many requests; IP banned until %d."}' % until_ms)

    with pytest.raises(RateLimitError) as caught:
        budget.spend(1)
    assert caught.value.retry_after == 180
    clock.now_ms = until_ms
    budget.spend(1)


def test_a_clock_that_is_set_back_makes_no_ban_longer(tmp_path: Path, clock: Clock):
    budget = a_budget(tmp_path, clock)
    budget.learn(429, {"retry-after": "30"})

    clock.now_ms -= 3_600_000
    with pytest.raises(RateLimitError) as caught:
        budget.spend(1, urgent=True)
    assert caught.value.retry_after == 30
    clock.now_ms += 30_000
    budget.spend(1, urgent=True)


def test_a_clock_that_is_hours_behind_the_exchanges_makes_no_ban_longer(tmp_path: Path, clock: Clock):
    budget = a_budget(tmp_path, clock)
    until_ms = clock.now_ms + 7_200_000 + 180_000
    told = b'{"code":-1003,"msg":"Way too many requests; IP banned until %d."}' % until_ms
    budget.learn(418, {"retry-after": "180"}, told)

    with pytest.raises(RateLimitError) as caught:
        budget.spend(1)
    assert caught.value.retry_after == 180


def test_a_process_that_was_frozen_while_it_counted_does_not_hold_up_the_others(tmp_path: Path, clock: Clock):
    budget = a_budget(tmp_path, clock)
    with (tmp_path / "weight").open("r+b") as frozen:
        fcntl.flock(frozen, fcntl.LOCK_EX)
        asking = Thread(target=budget.spend, args=(50,), daemon=True)

        asking.start()
        asking.join(timeout=1)

        assert not asking.is_alive()
    with pytest.raises(RateLimitError):
        budget.spend(21)
