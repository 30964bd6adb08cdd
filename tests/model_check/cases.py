"""What must come of each policy, and the worlds it is tried in.

All policies meet in one world. Those that survive it are tried in deeper ones too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Final

from tests.model_check.policies import POLICIES
from tests.model_check.search import Result, explore
from tests.model_check.verdicts import Violation
from tests.model_check.world import Model, World

COMMON: Final = World(horizon=8, signatures=2)
DEEPER: Final = World(horizon=12, signatures=3, crashes=3)

# The default, and the two proofs of death that may release a reservation.
CHOSEN: Final = ("E", "E3", "F", "G")

_TWICE_AND_FALSELY_DEAD: Final = frozenset((Violation.DUP, Violation.FALSE_DEAD))


@dataclass(frozen=True, slots=True)
class Expectation:
    """The violations a policy must show, all others being absent."""

    violations: frozenset[Violation]
    states_min: int  # a search that sees fewer has silently become weaker


EXPECTED: Final[Mapping[str, Expectation]] = MappingProxyType(
    {
        "A": Expectation(frozenset((Violation.DUP, Violation.UNKNOWN_ORDER)), 6_000),
        "B": Expectation(_TWICE_AND_FALSELY_DEAD, 1_100),
        "C": Expectation(_TWICE_AND_FALSELY_DEAD, 5_500),
        "D": Expectation(_TWICE_AND_FALSELY_DEAD, 2_700),
        "E": Expectation(frozenset(), 1_200),
        "E2": Expectation(_TWICE_AND_FALSELY_DEAD, 3_800),
        "E3": Expectation(frozenset(), 1_200),
        "F": Expectation(frozenset(), 8_000),
        "F2": Expectation(_TWICE_AND_FALSELY_DEAD, 13_000),
        "F3": Expectation(_TWICE_AND_FALSELY_DEAD, 16_000),
        "G": Expectation(frozenset(), 380),
        "H": Expectation(frozenset((Violation.UNKNOWN_ORDER,)), 370),
        "I": Expectation(_TWICE_AND_FALSELY_DEAD, 1_100),
        "J": Expectation(_TWICE_AND_FALSELY_DEAD, 1_400),
        "K": Expectation(_TWICE_AND_FALSELY_DEAD, 1_800),
    }
)

WEAK: Final = tuple(name for name in POLICIES if name not in CHOSEN)


def model_of(name: str, world: World = COMMON) -> Model:
    """The policy in the world; E is the policy whose local clock is right."""
    if name == "E":
        world = replace(world, clock_step=0)
    return Model(POLICIES[name], world)


@cache
def result_of(name: str, world: World = COMMON) -> Result:
    """The result of the complete search, made once."""
    return explore(model_of(name, world))
