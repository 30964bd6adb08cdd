"""The clocks of this machine."""

import time

from src.infrastructure.time.machine import HERE, Machine


def test_a_machine_tells_its_own_time():
    machine = Machine(wall_ns=lambda: 1_700_000_000_123_456_789)

    assert machine.wall_ms() == 1_700_000_000_123


def test_this_machine_has_the_walls_clock():
    before_ms = time.time_ns() // 1_000_000

    assert before_ms <= HERE.wall_ms() <= time.time_ns() // 1_000_000
