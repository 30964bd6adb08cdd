"""What goes wrong in a history, drawn from its seed: the weather, what the exchange does to requests, and when."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule, FaultSchedule
from tests.simulation.network.wires import MS, Weather

SECONDS: Final = 60
"""How long it goes on; then the sky clears, and everything has to agree again."""
SENT: Final = ("order.place", "algo.place", "order.modify", "order.cancel", "algo.cancel")
READ: Final = ("order.query", "algo.query", "orders.open", "trades.user", "listen_key.start", "account.*")
ON_THE_WAY: Final = (
    *("drop_request", "drop_answer", "delay_request", "delay_engine", "delay_answer"),
    *("reset_before", "reset_inside", "reset_after", "respond", "truncate"),
)
IN_THE_STREAM: Final = ("duplicate", "delay", "reorder", "drop", "mute", "expire_key")
HALTED: Final = 0.25
"""In how many histories the market stands still for a while, and every order is refused."""
HANGING: Final = 0.25
"""In how many histories conditional orders hang in their triggers for a while, neither traded nor to be canceled."""
BODIES: Final = ("unknown_503", "unknown_503")


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done at a moment (seconds): "cut" the streams, "reset" all lines, "pull" the plug for a while, put
    a process to "sleep", "halt" the market until it is to "trade on", let triggers "hang" until they are to "go on", or
    kill one: "session" or "exchange". ``number`` says where exactly, or for how long (ms).
    """

    at_s: float
    what: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Misfortune:
    """Everything that a seed has in store."""

    weather: Weather
    schedule: FaultSchedule
    deeds: tuple[Deed, ...]
    skews_ms: Mapping[str, int]
    drifts_ppm: Mapping[str, int]
    flattens: bool = False
    dies_stopping: int = 0
    """At which failpoint of its last stop the session is killed once more; 0: at none."""

    @property
    def hangs_triggers(self) -> bool:
        """Whether conditional orders hang for a while."""
        return any(deed.what == "hang" for deed in self.deeds)


def misfortune(seed: int) -> Misfortune:
    """Draw it."""
    rng = random.Random(f"misfortune:{seed}")
    bad = rng.random()
    weather = Weather(
        latency_ns=rng.choice((1, 3, 20, 60)) * MS,
        late=rng.choice((0.0, 0.01, 0.03)),
        late_ns=rng.choice((300, 900, 6_000)) * MS,
        broken=0.05 * bad,
        silent=0.02 * bad,
        refused=0.03 * bad,
    )
    rules = tuple(_rule(rng, bad) for _ in range(rng.randrange(8)))
    deeds = [_deed(rng) for _ in range(rng.randrange(1, 5))]
    deeds += _halt(random.Random(f"halt:{seed}"))
    deeds += _hang(random.Random(f"hang:{seed}"))
    deeds.sort(key=lambda deed: deed.at_s)
    return Misfortune(
        weather,
        FaultSchedule(seed=seed, rules=rules),
        tuple(deeds),
        {name: rng.randrange(-2_000, 2_001) for name in ("session", "exchange")},
        {name: rng.randrange(-40, 41) for name in ("session", "exchange")},
        flattens=rng.random() < 0.4,
        dies_stopping=rng.randrange(1, 40) if rng.random() < 0.3 else 0,
    )


def _rule(rng: random.Random, bad: float) -> FaultRule:
    chance = 0.02 + 0.25 * bad * rng.random()
    ms = rng.choice((0, 5, 80, 400, 2_500, 7_000))
    if rng.random() < 0.35:
        fault = rng.choice(IN_THE_STREAM)
        return FaultRule("stream.*", fault, count=None, chance=chance, ms=min(ms, 2_500))
    operation = rng.choice(SENT if rng.random() < 0.7 else READ)
    return FaultRule(
        operation,
        rng.choice(ON_THE_WAY),
        count=None,
        chance=chance,
        ms=ms,
        bytes=rng.randrange(1, 60),
        body=rng.choice(BODIES),
        executed=rng.random() < 0.5,
    )


def _halt(rng: random.Random) -> list[Deed]:
    if rng.random() > HALTED:
        return []
    at_s = rng.uniform(0.0, SECONDS * 0.9)
    return [Deed(at_s, "halt"), Deed(at_s + rng.choice((0.3, 2.0, 8.0, 20.0)), "trade on")]


def _hang(rng: random.Random) -> list[Deed]:
    if rng.random() > HANGING:
        return []
    at_s = rng.uniform(0.0, SECONDS * 0.8)
    return [Deed(at_s, "hang"), Deed(at_s + rng.uniform(5.0, 40.0), "go on")]


def _deed(rng: random.Random) -> Deed:
    what = rng.choices(("session", "exchange", "cut", "reset", "pull", "sleep"), (8, 3, 2, 2, 1, 1))[0]
    at_s = rng.uniform(0.0, SECONDS * 0.95)
    if what == "session":
        return Deed(at_s, rng.choice(("session", "session", "session at once")), rng.randrange(1, 120))
    if what == "exchange":
        return Deed(at_s, what, rng.randrange(1, 60))
    return Deed(at_s, what, rng.choice((300, 1_500, 6_000, 12_000)))
