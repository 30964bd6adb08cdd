"""`python -m benchmarks.replay`: recorded markets traded twice at full speed, and every promise about that checked.

Without the recordings there is nothing to check: it says so and ends well.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import Final

from benchmarks.account_checker import differences, exchange_books, fold, session_books, unrealized
from benchmarks.fill_checker import FillReport, check_fills, describe
from benchmarks.processes import ROOT
from benchmarks.recordings import UNITS
from benchmarks.replay.crowd import let_loose
from benchmarks.replay.product import Rate, Run, frame_rate, run_session
from tests.support.recordings import NONE_FOUND, recorded_files, recordings_folder

FRAMES_PER_SECOND: Final = 50_000
ORDERS: Final = 200
RATE_RUNS: Final = 2
CROWD_WISHES: Final = 2_000
CROWD_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: whether it was kept, and the figures."""

    name: str
    is_kept: bool
    detail: str

    def __str__(self) -> str:
        return f"{'kept  ' if self.is_kept else 'BROKEN'}  {self.name}: {self.detail}"


def main() -> int:
    """Replay, check, print; 1 when a promise is broken."""
    options = _options()
    recordings = recorded_files(options.data)
    if not recordings:
        print(f"skipped: {NONE_FOUND}, or with --data")
        return 0
    options.dir.mkdir(parents=True, exist_ok=True)
    before = perf_counter_ns()
    with (
        TemporaryDirectory(prefix="replay-", dir=options.dir, ignore_cleanup_errors=True) as folder,
        _new_databases(options.database) as new_url,
    ):
        checks = _accept(Path(folder), recordings, options.runs, new_url)
    for check in checks:
        print(check)
    print(f"{len(checks)} checks in {(perf_counter_ns() - before) / 1e9:.1f} s")
    return int(not all(check.is_kept for check in checks))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=recordings_folder(), metavar="DIR", help="folder of recordings"
    )
    parser.add_argument("--runs", type=int, default=2, help="equal runs to compare (default %(default)s)")
    parser.add_argument(
        "--dir", type=Path, default=ROOT / "data", metavar="DIR", help="where the sessions' files are put"
    )
    parser.add_argument(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="where the sessions are stored; the last run is in a file in any case (default %(default)s)",
    )
    return parser.parse_args()


@contextmanager
def _new_databases(kind: str) -> Iterator[Callable[[], str]]:
    """A function that makes a database and returns its address; empty for a file in the session's folder."""
    if kind == "sqlite":
        yield lambda: ""
        return
    from tests.support.postgres_server import running_server

    with running_server() as server:
        yield server.new_database_with_tables


def _accept(
    folder: Path, recordings: Sequence[Path], runs_wanted: int, new_url: Callable[[], str]
) -> list[Check]:
    core = max(os.sched_getaffinity(0))
    urls = [*(new_url() for _ in range(max(1, runs_wanted) - 1)), ""]
    runs = [run_session(folder / f"run-{number}", recordings, core, url) for number, url in enumerate(urls)]
    first = runs[0]
    fills = check_fills(first.exchange, recordings)
    checks = [_equal_runs(runs), *_books(first, fills), _fills("the session's fills", fills)]
    crowd = folder / "crowd.db"
    result = let_loose(crowd, recordings, CROWD_SEED, CROWD_WISHES)
    name = f"fills of {result.wishes - result.refused:,} random orders of two accounts"
    checks.append(_fills(name, check_fills(crowd, recordings)))
    symbols = tuple(sorted(fills.mids_twice))
    rates = [
        frame_rate(folder / f"in-process-{turn}", recordings, symbols, core, new_url())
        for turn in range(RATE_RUNS)
    ]
    checks.append(_speed(rates, first))
    return checks


def _equal_runs(runs: Sequence[Run]) -> Check:
    exports, heads = {run.journal for run in runs}, {run.head for run in runs}
    is_kept = len(exports) == 1 and len(heads) == 1
    size = len(runs[0].journal)
    detail = (
        f"{len(runs)} exports of {size:,} bytes, {len(exports)} different; heads {', '.join(sorted(heads))}"
    )
    return Check("equal runs leave equal journals, byte for byte", is_kept, detail)


def _books(run: Run, fills: FillReport) -> list[Check]:
    """The session's books against the exchange's, and its summary against both."""
    ours, theirs = session_books(run.database, run.account_id), exchange_books(run.exchange, run.account_id)
    holdings = fold(theirs.trades)
    found = differences(ours, theirs, holdings)
    equity = Decimal(theirs.wallet) / UNITS + unrealized(holdings, fills.mids_twice)
    summary = run.summary
    parts = {name: Decimal(summary[name]) for name in ("capital", "realized_pnl", "commission", "funding")}
    wallet = parts["capital"] + parts["realized_pnl"] - parts["commission"] + parts["funding"]
    told, sum_of_parts = Decimal(summary["equity"]), wallet + Decimal(summary["unrealized_pnl"])
    return [
        Check(
            "the session ended STOPPED at the end of the data",
            summary["status"] == "STOPPED" and summary["ended"] == "end_of_data",
            f"{summary['status']}, {summary['ended']}, trading {summary['trading_state']}",
        ),
        Check(
            f"at least {ORDERS} orders, each stored by session and exchange",
            ours.orders == theirs.orders >= ORDERS,
            f"{ours.orders} and {theirs.orders}",
        ),
        Check(
            "session, exchange, and the fold of the trades agree to the last digit",
            not found,
            "; ".join(found) or f"{len(theirs.trades)} trades, positions {_positions(theirs.positions)}",
        ),
        Check(
            "equity is capital, profits, fees and funding to the last digit",
            told == sum_of_parts == equity,
            f"told {told}, its parts add up to {sum_of_parts}, the exchange's ledger at the book's middle {equity}",
        ),
    ]


def _positions(positions: dict[str, tuple[int, int]]) -> str:
    return (
        ", ".join(f"{symbol} {Decimal(held) / UNITS}" for symbol, (held, _) in sorted(positions.items()))
        or "none"
    )


def _fills(name: str, report: FillReport) -> Check:
    return Check(f"the market gave {name}", not report.violations, describe(report))


def _speed(rates: Sequence[Rate], run: Run) -> Check:
    """The quickest counts: what else the machine does only ever makes a run slower."""
    best = max(rates, key=lambda rate: rate.per_second)
    all_rates = ", ".join(f"{rate.per_second:,.0f}" for rate in rates)
    detail = (
        f"{all_rates} frames a second on one core ({best.frames:,} in {best.seconds:.2f} s from opening the files "
        f"to STOPPED, {best.start_seconds:.2f} s of it before the first frame, {best.busy_seconds:.2f} s with the "
        f"core); the command line took {run.wall_s:.2f} s with the start of the program"
    )
    return Check(f"{FRAMES_PER_SECOND:,} frames a second", best.per_second >= FRAMES_PER_SECOND, detail)


if __name__ == "__main__":
    raise SystemExit(main())
