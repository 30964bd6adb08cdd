"""Runs the product on recorded files: through the command line as anybody would, and in process for its frame rate."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Any, Final

from benchmarks.processes import COMMAND, ROOT
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.memory import settle_memory
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_config import PaperConfig
from src.domain.money import use_money_context
from src.infrastructure.market_data.recorded import RecordedMarket
from src.infrastructure.persistence.databases import database_at

STRATEGIES: Final = ("sma_cross:fast=3,slow=10", "macd_momentum")
STOP_LOSS: Final = "0.0005"
TAKE_PROFIT: Final = "0.001"
FUNDING_MS: Final = 60_000
DATABASE: Final = "steadyhand.db"


class ProductFailed(Exception):
    """A command of the product ended with an error; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Run:
    """One session from the command line: its folder, its printed summary, the wall time of the whole process.

    ``url`` is its database's address, where that is not a file in the folder.
    """

    folder: Path
    summary: dict[str, Any]
    wall_s: float
    url: str = ""

    @property
    def database(self) -> Path | str:
        """The session's database: its file, or its address."""
        return self.url or self.folder / DATABASE

    @property
    def account_id(self) -> str:
        """The account that it traded for."""
        opened = json.loads(self.journal.split(b"\n", 1)[0])
        return str(opened["key"])

    @property
    def exchange(self) -> Path:
        """The paper exchange's file."""
        (path,) = (self.folder / "paper").glob("*.db")
        return path

    @property
    def journal(self) -> bytes:
        """The journal's export."""
        return (self.folder / "journal.jsonl").read_bytes()

    @property
    def head(self) -> str:
        """The hash of the journal's last record."""
        return str(json.loads(self.journal.rstrip(b"\n").rsplit(b"\n", 1)[-1])["hash"])


def run_session(folder: Path, recordings: Sequence[Path], core: int, url: str = "") -> Run:
    """Replay through the command line in a fresh data folder, on one core; export and verify the journal."""
    folder.mkdir()
    files = [argument for path in recordings for argument in ("--replay", str(path))]
    options = ["--timeframe", "1s", "--stop-loss", STOP_LOSS, "--take-profit", TAKE_PROFIT]
    options += ["--funding-interval", f"{FUNDING_MS // 1_000}s", "--strategies", ",".join(STRATEGIES)]
    before = perf_counter_ns()
    text = _command(folder, core, url, "start-session", *files, *options, "--speed", "max", "--json")
    wall_s = (perf_counter_ns() - before) / 1e9
    _command(folder, core, url, "journal", "--export", str(folder / "journal.jsonl"))
    _command(folder, core, url, "journal", "--verify")
    return Run(folder, json.loads(text.rstrip().rsplit("\n", 1)[-1]), wall_s, url)


def _command(folder: Path, core: int, url: str, *arguments: str) -> str:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("STEADYHAND_")}
    settings.pop("DATABASE_URL", None)
    if url:
        settings["DATABASE_URL"] = url
    with _on_core(core):
        done = subprocess.run(
            [sys.executable, "-m", COMMAND, *arguments],
            cwd=ROOT,
            env={**settings, "STEADYHAND_DATA_DIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise ProductFailed(f"{arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-2_000:]}")
    return done.stdout


@contextmanager
def _on_core(core: int) -> Iterator[None]:
    """Keep this process, and those it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames and seconds from opening the files to the commit of STOPPED, on one core; seconds before any frame.

    ``busy_seconds`` is the time that the process had the core: far less than ``seconds`` when others wanted it, too.
    """

    frames: int
    seconds: float
    start_seconds: float
    busy_seconds: float

    @property
    def per_second(self) -> float:
        """Frames a second, everything included."""
        return self.frames / self.seconds


def frame_rate(
    folder: Path, recordings: Sequence[Path], symbols: tuple[str, ...], core: int, url: str = ""
) -> Rate:
    """The same session in this process."""
    folder.mkdir()
    use_money_context()
    config = PaperConfig(
        data_dir=folder,
        database=folder / DATABASE,
        symbols=symbols,
        strategies=STRATEGIES,
        timeframe="1s",
        replay=tuple(recordings),
        speed=None,
        stop_loss_pct=Decimal(STOP_LOSS),
        take_profit_pct=Decimal(TAKE_PROFIT),
        funding_interval_ms=FUNDING_MS,
        server=database_at(url, folder) if url else None,
    )
    if not url:
        config.place.create()
    with _on_core(core):
        return asyncio.run(_timed(config))


async def _timed(config: PaperConfig) -> Rate:
    before, busy_before = perf_counter_ns(), process_time_ns()
    parts = paper_parts(config, lambda c: RecordedMarket(c.replay), "recorded", [])
    try:
        runner = SessionRunner(parts)
        await runner.start()
        settle_memory()
        started = perf_counter_ns()
        await runner.run()
        stopped, busy = perf_counter_ns(), process_time_ns() - busy_before
        return Rate(runner.loop.frames, (stopped - before) / 1e9, (started - before) / 1e9, busy / 1e9)
    finally:
        await parts.store.close()
        parts.close()
