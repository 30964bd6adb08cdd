"""What is done to a run while it trades, from a seed: streams cut, answers late, events twice, processes killed."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.venue.processes import Run, a_run

SESSION = ("--timeframe", "1s", "--stop-loss", "0.0005", "--take-profit", "0.001")
LIVELY = (*SESSION, "--strategies", "sma_cross:fast=2,slow=3")
LOOSE = {
    "STEADYHAND_VOLATILITY_MAX": "1000",
    "STEADYHAND_VOLATILITY_RATIO_MAX": "1000",
    "MAX_DAILY_LOSS_PCT": "1",
}
SETTLE_S = 4.0
BAD_STREAM: tuple[dict[str, object], ...] = (
    {"operation": "stream.*", "fault": "duplicate", "copies": 2, "count": None, "chance": 0.2},
    {"operation": "stream.*", "fault": "duplicate", "count": None, "chance": 0.3},
    {"operation": "stream.*", "fault": "delay", "ms": 300, "count": None, "chance": 0.2},
    {"operation": "order.place", "fault": "delay_answer", "ms": 400, "count": None, "chance": 0.3},
    {"operation": "algo.place", "fault": "delay_answer", "ms": 400, "count": None, "chance": 0.3},
)
LOST_ANSWERS: tuple[dict[str, object], ...] = (
    {"operation": "order.place", "fault": "drop_answer", "count": None, "chance": 0.1},
    {"operation": "algo.place", "fault": "drop_answer", "count": None, "chance": 0.1},
    {"operation": "order.place", "fault": "respond", "body": "unknown_503", "count": None, "chance": 0.1},
)
LATER_THAN_ANY_WINDOW_MS = 6_500
IN_DOUBT: tuple[dict[str, object], ...] = (
    {"operation": "order.place", "fault": "drop_answer", "count": None, "chance": 0.1},
    {"operation": "order.place", "fault": "respond", "body": "unknown_503", "count": None, "chance": 0.1},
    {
        "operation": "order.place", "fault": "respond", "body": "unknown_503", "executed": False,
        "count": None, "chance": 0.1,
    },
    {
        "operation": "order.place", "fault": "delay_request", "ms": LATER_THAN_ANY_WINDOW_MS,
        "count": None, "chance": 0.05,
    },
    {
        "operation": "order.place", "fault": "delay_engine", "ms": LATER_THAN_ANY_WINDOW_MS,
        "count": None, "chance": 0.05,
    },
    {"operation": "algo.place", "fault": "drop_answer", "count": None, "chance": 0.1},
    {"operation": "stream.*", "fault": "mute", "ms": 1_500, "count": None, "chance": 0.01},
)  # fmt: skip


@dataclass
class Figures:
    """What was done in a run, and what came of it."""

    orders: int = 0
    fills: int = 0
    triggered: int = 0
    cuts: int = 0
    kills: int = 0
    slowest_start_s: float = 0.0
    violations: list[str] = field(default_factory=list)

    def line(self) -> str:
        """One line for people."""
        return (
            f"{self.orders} orders, {self.fills} fills, {self.triggered} stops triggered, {self.cuts} cuts, "
            f"{self.kills} kills, slowest start {self.slowest_start_s:.2f} s: {len(self.violations)} violations"
        )


@dataclass(frozen=True)
class Plan:
    """How a run goes: which market, for how long, with which faults, and how often something is done to it."""

    seconds: float
    exchange: tuple[str, ...] = ()
    session: tuple[str, ...] = LIVELY
    rules: tuple[dict[str, object], ...] = ()
    cut_every_s: float | None = None
    kill_every_s: float | None = None
    seed: int = 1


def run_plan(plan: Plan, folder: Path, port: int) -> Figures:
    """Carry a plan out, bring both sides to rest, and compare their files."""
    figures = Figures()
    rng = random.Random(plan.seed)
    with a_run(folder, port, plan.exchange, plan.session, **LOOSE) as run:
        run.start_exchange()
        figures.slowest_start_s = run.start_session()
        if plan.rules:
            run.admin("POST", "faults", rules=plan.rules)
        _work(plan, run, figures, rng)
        if plan.rules:
            run.admin("PUT", "faults", seed=0, rules=[])
        rest(run, figures)
    return figures


def _work(plan: Plan, run: Run, figures: Figures, rng: random.Random) -> None:
    end = time.monotonic() + plan.seconds
    deeds: list[tuple[float, float, Callable[[], None]]] = []
    if plan.cut_every_s is not None:
        deeds.append((_next(rng, plan.cut_every_s), plan.cut_every_s, lambda: _cut(run, figures)))
    if plan.kill_every_s is not None:
        deeds.append((_next(rng, plan.kill_every_s), plan.kill_every_s, lambda: _kill(run, figures, rng)))
    while time.monotonic() < end:
        time.sleep(0.05)
        if not run.session.is_running:
            raise RuntimeError(f"the session ended by itself: {run.session.tail()}")
        for index, (due, every, deed) in enumerate(deeds):
            if time.monotonic() >= due:
                deed()
                deeds[index] = (_next(rng, every), every, deed)


def _next(rng: random.Random, every_s: float) -> float:
    return time.monotonic() + every_s * rng.uniform(0.3, 1.7)


def _cut(run: Run, figures: Figures) -> None:
    run.admin("POST", "streams/cut")
    figures.cuts += 1


def _kill(run: Run, figures: Figures, rng: random.Random) -> None:
    """Kill the session, the exchange, or both, and start again what was killed."""
    what = rng.randrange(3)
    figures.kills += 1
    if what != 0:
        run.exchange.kill()
    if what != 1:
        run.session.kill()
    if what != 0:
        run.start_exchange()
    if what != 1:
        figures.slowest_start_s = max(figures.slowest_start_s, run.start_session())


def rest(run: Run, figures: Figures) -> None:
    """End the market, let everything arrive, stop both in good order, and judge their books."""
    run.end_market(SETTLE_S)
    if run.session.stop() != 0:
        figures.violations.append(f"the session did not stop in good order: {run.session.tail()}")
    run.exchange.stop()
    books = run.books()
    figures.violations += run.violations()
    figures.orders, figures.fills = len(books.orders), len(books.fills)
    figures.triggered = sum(
        1
        for order in books.orders.values()
        if order.algo_id is not None and order.exchange_order_id is not None
    )
