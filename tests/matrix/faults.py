"""Every fault, by family of operations, and what it proves about a request that changes something.

Sources of the bodies: fault_bodies.py. A delay is below or beyond the receive window (5 s) or the client's patience
(10 s).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule


class Family(StrEnum):
    """Operations that can suffer the same faults."""

    WRITE = "write"
    READ = "read"
    SETTING = "setting"
    EVENT = "event"
    STREAMS = "streams"
    ACCOUNT = "account"
    CLOCK = "clock"


class Proof(StrEnum):
    """What became of a request that suffered the fault, as the exchange knows it."""

    EXECUTED = "executed"
    REFUSED = "refused"
    LOST = "not executed, and nobody says so"
    ABSENT = "not executed, and perhaps that is said too late"
    OPEN = "either"


@dataclass(frozen=True, slots=True)
class Fault:
    """``rule`` are the fields of a FaultRule; ``deed`` is an admin request in its place, ``skew_ms`` a clock's.

    ``untold_ms``: every event of the user stream comes so much later, so that an answer cannot be made up for.
    """

    name: str
    families: frozenset[Family]
    proof: Proof = Proof.OPEN
    rule: dict[str, Any] = field(default_factory=dict)
    deed: tuple[str, dict[str, Any]] | None = None
    skew_ms: int = 0
    untold_ms: int = 0

    def on(self, pattern: str, first: int) -> list[FaultRule]:
        """The rules that inject it into calls or events that match ``pattern``, from number ``first`` on."""
        rules = [FaultRule(operation=pattern, first=first, **self.rule)] if self.rule else []
        if self.untold_ms:
            rules.append(FaultRule(operation=ANY_EVENT, fault="delay", ms=self.untold_ms, count=None))
        return rules


ANY_EVENT: Final = "stream.[A-Z]*"
UNTOLD_MS: Final = 2_500
_WRITE: Final = frozenset({Family.WRITE})
_READ: Final = frozenset({Family.READ})
_ASKED: Final = frozenset({Family.READ, Family.SETTING})
_HTTP: Final = frozenset({Family.WRITE, Family.READ, Family.SETTING})

SILENT_OR_STRANGE: Final = (
    *("unknown_503", "unknown_503_text", "unavailable_503", "internal_503", "bus_500", "timeout_408"),
    *("html_502", "html_504", "html_403", "html_200", "error_200", "empty_200", "redirect_302"),
)
REFUSALS: Final = ("throttled_503", "limit_429", "orders_429", "banned_418", "late_1021", "late_5028")
OF_SETTINGS: Final = frozenset(
    {"unknown_503", "html_502", "error_200", "limit_429", "banned_418", "redirect_302"}
)


def _transport() -> Iterator[Fault]:
    """What the network does."""
    for name, families, proof, rule in (
        ("drop_request", _HTTP, Proof.LOST, {"fault": "drop_request"}),
        ("drop_answer", _HTTP, Proof.EXECUTED, {"fault": "drop_answer"}),
        ("late_request", _HTTP, Proof.EXECUTED, {"fault": "delay_request", "ms": 300}),
        ("slow_request", _WRITE, Proof.EXECUTED, {"fault": "delay_request", "ms": 3_000}),
        ("too_late_request", _HTTP, Proof.ABSENT, {"fault": "delay_request", "ms": 8_000}),
        ("unanswered_request", _WRITE, Proof.LOST, {"fault": "delay_request", "ms": 12_000}),
        ("late_in_engine", _WRITE, Proof.EXECUTED, {"fault": "delay_engine", "ms": 300}),
        ("too_late_in_engine", _WRITE, Proof.OPEN, {"fault": "delay_engine", "ms": 8_000}),
        ("late_answer", _HTTP, Proof.EXECUTED, {"fault": "delay_answer", "ms": 300}),
        ("too_late_answer", _HTTP, Proof.EXECUTED, {"fault": "delay_answer", "ms": 12_000}),
        ("duplicate", _WRITE | _READ, Proof.EXECUTED, {"fault": "duplicate"}),
        ("reset_before", _HTTP, Proof.LOST, {"fault": "reset_before"}),
        ("reset_inside", _HTTP, Proof.EXECUTED, {"fault": "reset_inside"}),
        ("reset_after", _WRITE | _READ, Proof.EXECUTED, {"fault": "reset_after"}),
        ("cut_at_1", _HTTP, Proof.EXECUTED, {"fault": "truncate", "bytes": 1}),
        ("cut_at_20", _WRITE, Proof.EXECUTED, {"fault": "truncate", "bytes": 20}),
        ("cut_in_the_middle", _WRITE | _READ, Proof.EXECUTED, {"fault": "truncate"}),
        ("stale", _READ, Proof.OPEN, {"fault": "stale"}),
        ("wrong_symbol", _WRITE | _READ, Proof.EXECUTED, {"fault": "wrong_symbol"}),
    ):
        yield Fault(name, families, proof, rule)
    for name, rule in (
        ("drop_answer_untold", {"fault": "drop_answer"}),
        ("unknown_503_untold", {"fault": "respond", "body": "unknown_503"}),
        ("html_502_untold", {"fault": "respond", "body": "html_502"}),
    ):
        yield Fault(name, _WRITE, Proof.EXECUTED, rule, untold_ms=UNTOLD_MS)


def _bodies() -> Iterator[Fault]:
    """What the exchange, or something before it, answers."""
    for body in SILENT_OR_STRANGE:
        families = _HTTP if body in OF_SETTINGS else _WRITE | _READ
        rule = {"fault": "respond", "body": body}
        yield Fault(body, families, Proof.LOST, rule | {"executed": False})
        yield Fault(f"{body}_executed", _WRITE, Proof.EXECUTED, rule)
    for body in REFUSALS:
        families = _WRITE
        if body != "orders_429":
            families = _HTTP if body in OF_SETTINGS else _WRITE | _READ
        yield Fault(body, families, Proof.REFUSED, {"fault": "respond", "body": body, "executed": False})
    # Five times the same: longer than a broker repeats a read.
    yield Fault(
        "outage", _ASKED, Proof.LOST, {"fault": "respond", "body": "html_502", "executed": False, "count": 5}
    )
    yield Fault("silence", _ASKED, Proof.LOST, {"fault": "drop_request", "count": 5})


def _events() -> Iterator[Fault]:
    """What a user stream does to events."""
    event = frozenset({Family.EVENT})
    for name, rule in (
        ("dropped", {"fault": "drop", "count": None}),
        ("one_dropped", {"fault": "drop"}),
        ("late", {"fault": "delay", "ms": 400, "count": None}),
        ("very_late", {"fault": "delay", "ms": 8_000, "count": None}),
        ("twice", {"fault": "duplicate", "count": None}),
        ("reordered", {"fault": "reorder", "count": None}),
        ("then_silence", {"fault": "mute", "ms": 6_000}),
        ("then_expired", {"fault": "expire_key"}),
    ):
        yield Fault(name, event, Proof.OPEN, rule)


def _streams() -> Iterator[Fault]:
    """What happens to all connections at once."""
    streams = frozenset({Family.STREAMS})
    yield Fault("cut", streams, deed=("POST streams/cut", {}))
    yield Fault("cut_events_lost", streams, rule={"fault": "drop"}, deed=("POST streams/cut", {}))
    yield Fault("silent", streams, deed=("POST streams/mute", {"ms": 4_000}))
    yield Fault("silent_for_long", streams, deed=("POST streams/mute", {"ms": 45_000}))
    yield Fault("expired", streams, deed=("POST streams/expire", {"account": 1}))


def _accidents() -> Iterator[Fault]:
    """How an accident of the account is told, and what else happens then."""
    account = frozenset({Family.ACCOUNT})
    for name, rule in (
        ("told", {}),
        ("untold", {"fault": "drop", "count": None}),
        ("told_twice", {"fault": "duplicate", "count": None}),
        ("told_late", {"fault": "delay", "ms": 3_000, "count": None}),
        ("told_in_disorder", {"fault": "reorder", "count": None}),
    ):
        yield Fault(name, account, rule=rule)


def _clocks() -> Iterator[Fault]:
    for name, skew_ms in (
        ("ahead_900ms", 900),
        ("ahead_4s", 4_000),
        ("ahead_10s", 10_000),
        ("ahead_1h", 3_600_000),
        ("behind_900ms", -900),
        ("behind_10s", -10_000),
    ):
        yield Fault(name, frozenset({Family.CLOCK}), skew_ms=skew_ms)


FAULTS: Final = (*_transport(), *_bodies(), *_events(), *_streams(), *_accidents(), *_clocks())
