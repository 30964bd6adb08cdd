"""`python -m benchmarks`: the way from a quote to an order, stage by stage, against the figures that were promised."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.figures import Figure, exit_code, microseconds, promises, table, write_json
from benchmarks.growth import DecisionCost, decision_cost
from benchmarks.hot_path import measure
from benchmarks.meter import HotPath
from benchmarks.processes import ROOT, help_time
from benchmarks.samples import Samples
from benchmarks.statistics import statistics_cost
from benchmarks.sync_cost import sync_cost

QUOTES: Final = 10_000
SECONDS: Final = 75
SYNCED_ORDERS: Final = 1_000
SLICE_QUOTES: Final = 1_500
SLICE_SECONDS: Final = 16
SLICE_SYNCED_ORDERS: Final = 200
ASLEEP_SHARE: Final = 5
"""The run that sleeps before each quote has one of so many quotes."""
OPEN_ORDERS: Final = (100, 10_000)
RECOVERIES: Final = 10
WINDOW: Final = 500
"""How many orders at the beginning and at the end of the run are compared."""

# json.loads of one quote takes about 2.4 µs where the limits were set; what is promised in µs is this many of it.
PATH_RATIO: Final = 60 / 2.4
RISK_RATIO: Final = 15 / 2.4
COMMIT_OVER_DISK: Final = 100
"""How much longer a commit may take than its bytes, written and synced plainly; µs."""
COMMIT_RATIO: Final = COMMIT_OVER_DISK / 2.4
# 0.65 s were measured for 20,000 round trips, a hundred times as long as one sum over them takes.
STATISTICS_RATIO: Final = 150.0


def main() -> int:
    """Measure, print, and say by the exit code whether anything is beyond reason (or, if strict, missed)."""
    options = _options()
    options.dir.mkdir(parents=True, exist_ok=True)
    quotes, seconds = (SLICE_QUOTES, SLICE_SECONDS) if options.slice else (options.quotes, SECONDS)
    result = _measure(options.dir, quotes, seconds, stays_awake=True)
    asleep = _measure(options.dir, quotes // ASLEEP_SHARE, seconds, stays_awake=False)
    costs = [decision_cost(count) for count in OPEN_ORDERS]
    help_samples = help_time(3 if options.slice else 9)
    figures = [
        *_figures(result, asleep, costs, help_samples),
        *_sync_figures(options.dir, SLICE_SYNCED_ORDERS if options.slice else SYNCED_ORDERS),
        *_venue_figures(result, options.dir),
        _statistics_figure(),
    ]
    print(_stage_table(result, asleep))
    print()
    print(_growth_table(costs))
    print()
    print(promises(figures))
    if help_samples is None:
        print("The command line does not exist yet: its --help was not timed.")
    if options.json is not None:
        write_json(options.json, figures, _details(result, costs))
    return exit_code(figures, options.strict)


def _measure(folder: Path, quotes: int, seconds: float, *, stays_awake: bool) -> HotPath:
    with TemporaryDirectory(prefix="bench-", dir=folder, ignore_cleanup_errors=True) as place:
        return measure(Path(place), quotes, seconds, stays_awake=stays_awake)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--slice", action="store_true", help=f"{SLICE_QUOTES:,} quotes: half a minute at most"
    )
    parser.add_argument("--quotes", type=int, default=QUOTES, help="measured quotes (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    parser.add_argument(
        "--strict", action="store_true", help="fail when a figure misses its limit by over 25 %%"
    )
    parser.add_argument(
        "--dir", type=Path, default=ROOT / "data", metavar="DIR", help="where the session's files are put"
    )
    return parser.parse_args()


def _figures(
    result: HotPath, asleep: HotPath, costs: list[DecisionCost], help_samples: Samples | None
) -> list[Figure]:
    reference = result.json.p50
    risk, commit, disk = result.stages["risk"].p50, result.stages["commit"].p50, result.disk.p50
    early, late = _decision_medians(result)
    figures = [
        Figure("frame to submit without the commit, p50", microseconds(result.path.p50), 60, "µs"),
        Figure("frame to submit without the commit, p99", microseconds(result.path.p99), 250, "µs"),
        Figure(
            "the same p50 over that of json.loads", round(result.path.p50 / reference, 1), PATH_RATIO, "×",
            result.path.p50 / reference, PATH_RATIO, "of one quote, timed beside it in the run",
        ),
        Figure(
            "the same p50, asleep before each quote", microseconds(asleep.path.p50), 150, "µs",
            asleep.path.p50 / asleep.json.p50, PATH_RATIO, "the default; STEADYHAND_STAY_AWAKE=true above",
        ),
        Figure("the same p50, each stage in a row", microseconds(result.path_in_a_row), 60, "µs"),
        Figure("risk, all rules, p50", microseconds(risk), 15, "µs", risk / reference, RISK_RATIO),
        Figure(
            "commit, p50", microseconds(commit), microseconds(disk) + COMMIT_OVER_DISK, "µs",
            (commit - disk) / reference, COMMIT_RATIO, "as many bytes written and synced, plus 100 µs",
        ),
        Figure("memory of the session", round(result.resident_bytes / 1e6, 1), 150, "MB"),
        Figure(
            "orders in its memory at the end", result.orders_in_memory, 200, "orders",
            note="settled ones leave it, the store has them",
        ),
        Figure(
            f"recovery while running, median of the last {RECOVERIES}",
            round(_last_recoveries(result) / 1e6, 2), 20, "ms", note="once a minute, and the loop waits for it",
        ),
        Figure(
            f"sizing, risk and decide, last {WINDOW} orders over first", round(late / early, 2), 1.5, "×",
            note=f"after {len(result.path.values):,} orders",
        ),
        Figure(
            f"the same beside {costs[-1].open_orders:,} open orders over {costs[0].open_orders:,}",
            round(costs[-1].total / costs[0].total, 2), 1.5, "×",
        ),
    ]  # fmt: skip
    if help_samples is not None:
        figures.append(Figure("--help", round(help_samples.p50 / 1e9, 3), 0.2, "s"))
    return figures


def _sync_figures(folder: Path, orders: int) -> list[Figure]:
    """What it costs an order that its commit is on the disk before it is sent."""
    with TemporaryDirectory(prefix="bench-", dir=folder, ignore_cleanup_errors=True) as place:
        cost = sync_cost(Path(place), orders)
    synced, unsynced, disk = (microseconds(each.p50) for each in (cost.synced, cost.unsynced, cost.reference))
    limit = round(disk + COMMIT_OVER_DISK, 2)
    return [
        Figure(
            "commit, in turns with one that is not synced, p50", synced, limit, "µs",
            note=f"synchronous=FULL; OFF {unsynced:,.0f} µs; the bytes alone {disk:,.0f} µs, plus 100",
        ),
        Figure(
            "what the sync of a commit costs, p50", microseconds(cost.difference.p50), limit, "µs",
            note="FULL less OFF, pair by pair",
        ),
    ]  # fmt: skip


def _venue_figures(result: HotPath, folder: Path) -> list[Figure]:
    """What trading on an exchange over sockets adds; its libraries are no part of the memory measured before."""
    from benchmarks.round_trip import round_trips

    with TemporaryDirectory(prefix="bench-", dir=folder, ignore_cleanup_errors=True) as place:
        through, bare = round_trips(Path(place))
    ratio = through.p50 / bare.p50
    decode_ns = result.in_a_row["decode"].p50
    return [
        Figure(
            "an order to the exchange and back, over a bare POST, p50", round(ratio, 2), 2.0, "×", ratio, 2.0,
            f"{microseconds(through.p50):,.0f} µs over {microseconds(bare.p50):,.0f} µs, in turns",
        ),
        Figure("a fill's event to the position, p50", microseconds(result.fills.p50), 300, "µs"),
        Figure(
            "bookTicker frames decoded", decode_ns / 1000, 10, "µs",
            note=f"{1e9 / decode_ns:,.0f} frames/s on one core",
        ),
    ]  # fmt: skip


def _statistics_figure() -> Figure:
    """All statistics of a long history, as a multiple of adding its numbers up once."""
    cost = statistics_cost()
    ratio = cost.statistics.p50 / cost.reference.p50
    return Figure(
        f"statistics of {cost.trips:,} round trips over their sums", round(ratio, 1), STATISTICS_RATIO, "×",
        ratio, STATISTICS_RATIO, f"{cost.statistics.p50 / 1e6:,.0f} ms of processor time",
    )  # fmt: skip


def _decision_medians(result: HotPath) -> tuple[int, int]:
    """The medians' sum of the three deciding stages, among the first orders of the run and the last."""
    deciding = [result.stages[name] for name in ("sizing", "risk", "decide")]
    count = len(result.path.values)
    window = min(WINDOW, count // 3)
    early = sum(samples.part(0, window).p50 for samples in deciding)
    return early, sum(samples.part(count - window, count).p50 for samples in deciding)


def _last_recoveries(result: HotPath) -> int:
    """The median of the run's last recoveries, when the account has the longest history; ns."""
    count = len(result.recoveries.values)
    return result.recoveries.part(max(0, count - RECOVERIES), count).p50


def _stage_table(result: HotPath, asleep: HotPath) -> str:
    """Stages by row: in the run, as a multiple of the reference there, asleep before the quote, and in a row."""
    reference = result.json.p50
    rows = []
    slept = {samples.name: samples for samples in _every(asleep)}
    for samples in _every(result):
        alone = result.in_a_row.get(samples.name)
        rows.append(
            (
                samples.name,
                f"{microseconds(samples.p50):,.1f}",
                f"{microseconds(samples.p99):,.1f}",
                f"{samples.p50 / reference:.1f}",
                f"{microseconds(slept[samples.name].p50):,.1f}",
                f"{microseconds(alone.p50):,.1f}" if alone is not None else "",
            )
        )
    text = table(("stage, µs", "p50", "p99", "× json.loads", "p50 asleep", "p50 in a row"), rows)
    colder = reference / result.in_a_row["json.loads"].p50
    return (
        f"{len(result.path.values):,} quotes, each led to an order; a commit wrote "
        f"{result.commit_bytes.p50:,} bytes\n{text}\n"
        f"Commits halt the processor and fill its caches: json.loads takes {colder:.1f} times as long as in a row. "
        f"A session that stays awake rehearses\nthe way of an order before each quote; one that sleeps finds it cold "
        f"({len(asleep.path.values):,} quotes)."
    )


def _every(result: HotPath) -> tuple[Samples, ...]:
    return (*result.stages.values(), result.path, result.json, result.disk)


def _growth_table(costs: list[DecisionCost]) -> str:
    rows = [
        (
            f"{cost.open_orders:,}",
            *(f"{microseconds(s.p50):,.1f}" for s in (cost.sizing, cost.risk, cost.decide)),
        )
        for cost in costs
    ]
    return table(("open orders, p50 in µs in a row", "sizing", "risk", "decide"), rows)


def _details(result: HotPath, costs: list[DecisionCost]) -> dict[str, object]:
    every = (*_every(result), result.commit_bytes)
    return {
        "quotes": len(result.path.values),
        "stages_ns": {s.name: {"p50": s.p50, "p99": s.p99, "p99.9": s.percentile(99.9)} for s in every},
        "in_a_row_ns": {name: samples.p50 for name, samples in result.in_a_row.items()},
        "open_orders_ns": {
            str(cost.open_orders): {s.name: s.p50 for s in (cost.sizing, cost.risk, cost.decide)}
            for cost in costs
        },
    }


if __name__ == "__main__":
    raise SystemExit(main())
