"""Which request or event goes wrong, and how: rules with a seed, so that equal runs fail alike.

A schedule is a JSON document::

    {"seed": 7, "rules": [
      {"operation": "order.place", "fault": "respond", "body": "unknown_503", "executed": true, "first": 3},
      {"operation": "order.*", "fault": "delay_answer", "ms": 250, "chance": 0.1, "count": null}
    ], "accidents": [
      {"at_ms": 60000, "request": "POST liquidation", "body": {"account": 1, "symbol": "BTCUSDT"}}
    ]}

``operation`` is a pattern over the names in routes.py, or over "stream.<event>" and "stream.connect". Of the calls
that it matches, those from number ``first`` on, ``count`` of them (null: without end), fail with ``chance``. A rule for
events that also matches "stream.connect" leaves connections alone, unless its fault is "drop" or "delay".
Accidents are requests of the admin API, made ``at_ms`` after the server's start.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final

import msgspec

from src.infrastructure.simulated_exchange.server.fault_bodies import BODIES

HTTP_FAULTS: Final = frozenset(
    {
        *("drop_request", "drop_answer", "delay_request", "delay_engine", "delay_answer"),
        "duplicate",
        *("reset_before", "reset_inside", "reset_after", "respond", "truncate", "stale", "wrong_symbol"),
    }
)
STREAM_FAULTS: Final = frozenset({"drop", "delay", "duplicate", "reorder", "mute", "expire_key"})
CONNECT: Final = "stream.connect"
CONNECT_FAULTS: Final = frozenset({"drop", "delay"})
"""What befalls an opening connection: it is refused, or opens ``ms`` later. The other faults are of events."""


class FaultRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. ``ms`` is a delay or duration, ``bytes`` where an answer is cut off, ``copies`` how often an event is
    told again, ``body`` what is answered instead (see fault_bodies.py), ``executed`` whether the operation happens
    nevertheless.
    """

    operation: str
    fault: str
    first: int = 1
    count: int | None = 1
    chance: float = 1.0
    ms: Annotated[int, msgspec.Meta(ge=0, le=86_400_000)] = 0
    bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    copies: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 1
    body: str = "unknown_503"
    executed: bool = True

    def __post_init__(self) -> None:
        if self.fault not in HTTP_FAULTS | STREAM_FAULTS:
            known = ", ".join(sorted(HTTP_FAULTS | STREAM_FAULTS))
            raise ValueError(f"{self.fault!r} is no fault; there are: {known}")
        if self.body not in BODIES:
            raise ValueError(f"{self.body!r} is no body; there are: {', '.join(BODIES)}")


class Accident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request of the admin API ("POST liquidation") and when it is made, in ms after the server's start."""

    at_ms: int
    request: str
    body: dict[str, Any] = {}


class FaultSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A seed, rules and accidents, as the file has them."""

    seed: int = 0
    rules: tuple[FaultRule, ...] = ()
    accidents: tuple[Accident, ...] = ()


def read_schedule(document: bytes) -> FaultSchedule:
    """The schedule that a JSON document describes; ValueError says what is wrong with it."""
    try:
        return msgspec.json.decode(document, type=FaultSchedule)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the fault schedule cannot be read: {error}") from None


class Faults:
    """Decides for each call and event whether it goes wrong. The first rule that applies wins."""

    def __init__(self, schedule: FaultSchedule) -> None:
        self._schedule = schedule
        self._matches: Counter[int] = Counter()
        self.injected: Counter[str] = Counter()

    @property
    def is_active(self) -> bool:
        """Whether there is any rule."""
        return bool(self._schedule.rules)

    def replace(self, schedule: FaultSchedule) -> None:
        """Go on with another schedule, its counts from the start."""
        self._schedule = schedule
        self._matches.clear()

    def add(self, rules: Iterable[FaultRule]) -> None:
        """Add rules behind those there are; theirs count from now."""
        self._schedule = msgspec.structs.replace(self._schedule, rules=(*self._schedule.rules, *rules))

    def draw(self, operation: str) -> FaultRule | None:
        """The rule by which this call or event goes wrong, or None; counts it in any case."""
        if not self._schedule.rules:
            return None
        chosen = None
        for index, rule in enumerate(self._schedule.rules):
            if not fnmatchcase(operation, rule.operation):
                continue
            if operation == CONNECT and rule.fault not in CONNECT_FAULTS:
                continue
            self._matches[index] += 1
            number = self._matches[index] - rule.first
            if chosen is None and number >= 0 and (rule.count is None or number < rule.count):
                chosen = rule if self._chance(index, number) < rule.chance else None
        if chosen is not None:
            self.injected[f"{operation} {chosen.fault}"] += 1
        return chosen

    def _chance(self, index: int, number: int) -> float:
        """A number in [0, 1) that depends on the seed, the rule and the call's number alone."""
        key = f"{self._schedule.seed}:{index}:{number}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") / 2**64
