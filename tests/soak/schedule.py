"""What happens next, from a seed: kills, freezes, cut streams, a clock that is off, and faults of the whole matrix."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from tests.matrix.faults import FAULTS, Family
from tests.matrix.operations import OPERATIONS, Operation


class Deed(StrEnum):
    """What can be done to a run."""

    FAULTS = "faults"
    KILL_SESSION = "kill of the session"
    KILL_EXCHANGE = "kill of the exchange"
    KILL_BOTH = "kill of both"
    FREEZE_SESSION = "freeze of the session"
    FREEZE_EXCHANGE = "freeze of the exchange"
    CUT = "cut of all streams"
    MUTE = "silence of all streams"
    EXPIRE = "end of the listen key"
    SKEW = "clock off"
    FUNDING = "funding"


WEIGHTS: Final = {
    Deed.FAULTS: 12,
    Deed.KILL_SESSION: 18,
    Deed.KILL_EXCHANGE: 9,
    Deed.KILL_BOTH: 7,
    Deed.FREEZE_SESSION: 2,
    Deed.FREEZE_EXCHANGE: 1,
    Deed.CUT: 3,
    Deed.MUTE: 2,
    Deed.EXPIRE: 2,
    Deed.SKEW: 1,
    Deed.FUNDING: 2,
}
PAUSE_S: Final = (0.3, 2.7)
FREEZE_S: Final = (0.5, 7.5)
"""Up to well beyond the receive window of five seconds."""
MUTE_MS: Final = (500, 8_000)
SKEW_MS: Final = 900
RULES_MAX: Final = 8
DELAY_SHORT_MS: Final = 2_000
"""A fault of the matrix may hold a request for longer than the run can wait for an end."""
_STRUCK: Final = (Family.WRITE, Family.READ, Family.EVENT)


@dataclass(frozen=True, slots=True)
class Move:
    """A deed after a pause; ``amount`` is its length (s, ms), ``rules`` the faults of the next while."""

    pause_s: float
    deed: Deed
    amount: float = 0.0
    rules: tuple[dict[str, Any], ...] = ()


class Schedule:
    """An endless sequence of moves; equal seeds give equal ones."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"soak:{seed}")

    def next(self) -> Move:
        """The next move."""
        rng = self._rng
        pause_s = rng.uniform(*PAUSE_S)
        deed = rng.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0]
        if deed is Deed.FAULTS:
            count = rng.randint(1, RULES_MAX)
            return Move(pause_s, deed, rules=tuple(_rule(rng) for _ in range(count)))
        amount = {
            Deed.FREEZE_SESSION: rng.uniform(*FREEZE_S),
            Deed.FREEZE_EXCHANGE: rng.uniform(*FREEZE_S) / 2,
            Deed.MUTE: rng.uniform(*MUTE_MS),
            Deed.SKEW: rng.uniform(-SKEW_MS, SKEW_MS),
        }.get(deed, 0.0)
        return Move(pause_s, deed, amount)


def _rule(rng: random.Random) -> dict[str, Any]:
    """A fault of the matrix on an operation that it applies to, some times, with some chance."""
    operation = rng.choice(_operations())
    faults = [each for each in FAULTS if operation.family in each.families and _fits(operation, each.rule)]
    (rule, *_) = rng.choice(faults).on(operation.pattern, 1)
    document: dict[str, Any] = msgspec.to_builtins(rule)
    document["count"] = rng.choice((1, 5, 20, 100))
    document["chance"] = rng.choice((1.0, 0.5, 0.3))
    return document


def _operations() -> Sequence[Operation]:
    return [operation for operation in OPERATIONS if operation.family in _STRUCK]


def _fits(operation: Operation, rule: dict[str, Any]) -> bool:
    """Whether a fault can be on a run that goes on: no bans of two minutes, no order that the exchange takes twice."""
    if not rule or rule.get("body") == "banned_418" or rule.get("ms", 0) > DELAY_SHORT_MS * 4:
        return False
    return rule["fault"] != "duplicate" or operation.family is not Family.WRITE
