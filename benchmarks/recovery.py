"""`python -m benchmarks.recovery`: from the start of a killed session to recovered, beside a long history.

An account of 1,000 open orders and 100,000 past fills is made by trading and killed. Then it is started again and
again, each time in a process of its own that is killed as soon as it has recovered. What counts is processor time:
opening both files, loading the ledger, reading the exchange, comparing. The time of imports is not in it.
"""

import argparse
import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns, process_time_ns
from typing import Any, Final

from benchmarks.figures import Figure, exit_code, promises, table, write_json
from benchmarks.long_account import RESTING, config_in, make_account, runner_in
from benchmarks.processes import ROOT
from benchmarks.samples import Samples
from src.application.ports.failpoints import install_hook
from src.domain.money import use_money_context

FILLS: Final = 100_000
OPEN_ORDERS: Final = 1_000
STARTS: Final = 25
P50_MS: Final = 300
P99_MS: Final = 1_000
OPENED: Final = "files opened"
READY: Final = "session started"
QUESTION: Final = "broker.read."
STAGES: Final = (
    OPENED,
    "session.lease_taken",
    "session.opened",
    "recovery.read",
    "recovery.merged",
    "recovery.concluded",
    READY,
)
"""Where the clock is looked at, in their order; what follows the conclusion is the strategies' past."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start: processor time up to each stage and wall time of all, ns; what the session asked for and found."""

    stages: tuple[int, ...]
    wall_ns: int
    questions: int
    agrees: bool
    open_orders: int
    is_running: bool


def main() -> int:
    """Make the account, start it, print; the exit code says whether a figure missed its limit, if strict."""
    options = _options()
    options.dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=options.dir, ignore_cleanup_errors=True) as place:
        folder = options.account or Path(place)
        if not (folder / "session.db").exists():
            folder.mkdir(parents=True, exist_ok=True)
            in_killed_process(_make, folder, options.fills, options.open_orders)
        starts = [in_killed_process(_start, folder) for _ in range(options.starts)]
        sizes = [path.stat().st_size for path in (folder / "session.db", *folder.glob("paper/*.db"))]
    _check(starts, options.open_orders)
    print(_stage_table(starts))
    print(
        f"The session's file has {sizes[0] / 1e6:,.0f} MB, the exchange's {sizes[1] / 1e6:,.0f} MB; a start asked the "
        f"exchange {max(start.questions for start in starts)} questions.\n"
    )
    figures = _figures(starts, options.fills, options.open_orders)
    print(promises(figures))
    if options.json is not None:
        write_json(options.json, figures, {"starts": len(starts)})
    return exit_code(figures, options.strict)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=__doc__)
    parser.add_argument("--fills", type=int, default=FILLS, help="past fills (default %(default)s)")
    parser.add_argument("--open-orders", type=int, default=OPEN_ORDERS, help="(default %(default)s)")
    parser.add_argument("--starts", type=int, default=STARTS, help="(default %(default)s)")
    parser.add_argument(
        "--account", type=Path, metavar="DIR", help="keep the account there, or take the one that is there"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    parser.add_argument(
        "--strict", action="store_true", help="fail when a figure misses its limit by over 25 %%"
    )
    parser.add_argument(
        "--dir", type=Path, default=ROOT / "data", metavar="DIR", help="where the account's files are put"
    )
    return parser.parse_args()


def in_killed_process(work: Callable[..., Any], *arguments: object) -> Any:
    """What ``work`` returns in a new process, which is killed then; RuntimeError when it comes to nothing."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_then_die, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        raise RuntimeError("a process of the measurement ended by itself: it has said why") from None
    finally:
        process.join()


def _then_die(pipe: Connection, work: Callable[..., Any], arguments: Sequence[object]) -> None:
    pipe.send(work(*arguments))
    os.kill(os.getpid(), signal.SIGKILL)


def _make(folder: Path, fills: int, open_orders: int) -> None:
    asyncio.run(make_account(folder, fills, open_orders))


def _start(folder: Path) -> Start:
    return asyncio.run(_started(folder))


async def _started(folder: Path) -> Start:
    use_money_context()
    marks: dict[str, int] = {}

    questions = 0

    def look(name: str) -> None:
        nonlocal questions
        marks[name] = process_time_ns()
        questions += name.startswith(QUESTION)

    install_hook(look)
    wall_ns, before = perf_counter_ns(), process_time_ns()
    runner = runner_in(replace(config_in(folder), synchronous="FULL"))
    look(OPENED)
    report = await runner.start()
    look(READY)
    wall_ns = perf_counter_ns() - wall_ns
    orders = runner.loop.ledger.orders.values()
    return Start(
        tuple(marks[name] - before for name in STAGES),
        wall_ns,
        questions,
        report.agrees,
        sum(1 for order in orders if order.ticket.symbol in RESTING),
        runner.is_running,
    )


def _check(starts: Sequence[Start], open_orders: int) -> None:
    for start in starts:
        if not (start.agrees and start.is_running and start.open_orders == open_orders):
            raise RuntimeError(f"the account did not recover as it should: {start}")


def _stage_table(starts: Sequence[Start]) -> str:
    rows = []
    for place, name in enumerate(STAGES):
        spent = Samples(name, (s.stages[place] - (s.stages[place - 1] if place else 0) for s in starts))
        rows.append((name, f"{spent.p50 / 1e6:,.1f}", f"{spent.p99 / 1e6:,.1f}"))
    whole, wall = _processor(starts), Samples("wall", (start.wall_ns for start in starts))
    rows.append(("all of it", f"{whole.p50 / 1e6:,.1f}", f"{whole.p99 / 1e6:,.1f}"))
    rows.append(("all of it, wall time", f"{wall.p50 / 1e6:,.1f}", f"{wall.p99 / 1e6:,.1f}"))
    return table((f"up to, ms of processor time, {len(starts)} starts", "p50", "p99"), rows)


def _processor(starts: Sequence[Start]) -> Samples:
    return Samples("recovery", (start.stages[-1] for start in starts))


def _figures(starts: Sequence[Start], fills: int, open_orders: int) -> list[Figure]:
    whole = _processor(starts)
    name = f"recovery with {open_orders:,} open orders and {fills:,} fills"
    note = "processor time from the start to recovered"
    return [
        Figure(f"{name}, p50", round(whole.p50 / 1e6, 1), P50_MS, "ms", note=note),
        Figure(f"{name}, p99", round(whole.p99 / 1e6, 1), P99_MS, "ms", note=note),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
