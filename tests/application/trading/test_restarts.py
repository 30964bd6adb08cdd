"""How often a session that failed starts itself again: three times in ten minutes, later each time."""

import pytest

from src.application.trading.restarts import Restarts


class Time:
    """Seconds that pass only while somebody sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_three_restarts_each_later_than_the_one_before_and_no_fourth():
    time = Time()
    restarts = Restarts(time.clock, time.sleep)

    allowed = [await restarts.wait() for _ in range(5)]

    assert allowed == [True, True, True, False, False]
    assert time.slept == [1, 4, 16]


@pytest.mark.parametrize(("after", "allowed"), [(570, False), (600, True)])
async def test_after_ten_minutes_a_restart_is_forgotten(after: float, allowed: bool):
    time = Time()
    restarts = Restarts(time.clock, time.sleep)
    for _ in range(3):
        await restarts.wait()

    time.now = 1_000 + after

    assert await restarts.wait() is allowed
