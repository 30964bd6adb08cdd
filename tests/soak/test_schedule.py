"""A soak is drawn from its seed, and does nothing that no client could survive."""

from itertools import islice

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.simulated_exchange.server.fault_rules import FaultSchedule
from tests.soak.schedule import Move, Schedule

MOVES = 60


def _moves(seed: int) -> list[Move]:
    schedule = Schedule(seed)
    return list(islice(iter(schedule.next, None), MOVES))


@given(st.integers(0, 1_000))
def test_equal_seeds_give_equal_moves(seed: int):
    assert _moves(seed) == _moves(seed)


@given(st.integers(0, 1_000))
def test_every_fault_is_one_that_the_exchange_knows_and_none_doubles_an_order(seed: int):
    rules = [rule for move in _moves(seed) for rule in move.rules]

    schedule = msgspec.convert({"seed": seed, "rules": rules}, FaultSchedule)

    doubled = [rule for rule in schedule.rules if rule.fault == "duplicate"]
    assert not [rule for rule in doubled if rule.operation.endswith((".place", ".modify", ".cancel"))]
    assert not [rule for rule in schedule.rules if rule.body == "banned_418"]
