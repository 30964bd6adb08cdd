"""Data folders for tests of the composition root: sessions of the real program, killed or ended."""

import shutil
from pathlib import Path

from src.bootstrap.application import PaperApplication, PaperComposition
from src.bootstrap.settings import load_settings
from tests.crash.places import Place
from tests.crash.process import Point, killer, run_child
from tests.crash.scenarios import Scenario, flags_for

SHORT = Scenario(
    "short",
    20_000,
    {
        "timeframe": "1s",
        "symbols": "BTCUSDT",
        "strategies": "sma_cross:fast=2,slow=4",
        "entries_per_minute_max": "1000",
        "orders_per_minute_max": "10000",
        "seed": "11",
    },
)
FILLED_UNHEARD: Point = ("broker.event", 3)
SENT_UNHEARD: Point = ("session.after_submit", 1)


def run_session(data_dir: Path, point: Point | None = None, **flags: str) -> None:
    """Run the short session in a child, to its end or until it is killed at a point."""
    scenario = Scenario(SHORT.name, SHORT.duration_ms, {**SHORT.flags, **flags})
    status = run_child(scenario, Place(data_dir), None if point is None else killer(point))
    assert (status == 0) is (point is None), status


def copied(source: Path, tmp_path: Path) -> Path:
    """A copy of a data folder at rest, for one test to work on."""
    return Path(shutil.copytree(source, tmp_path / "data", ignore=shutil.ignore_patterns("run")))


def the_application(data_dir: Path, **flags: str) -> PaperApplication:
    """The program over a data folder, with the short session's settings and no others."""
    return PaperComposition().load({**flags_for(SHORT, data_dir), **flags})


def plain_application(data_dir: Path, **flags: str) -> PaperApplication:
    """The program over a data folder, with the defaults and what ``flags`` say."""
    return PaperApplication(load_settings({"data_dir": str(data_dir), **flags}, {}, data_dir))


def the_account(application: PaperApplication) -> str:
    """The id of the only account."""
    reads = application.open_reads()
    try:
        (row,) = reads.accounts()
        return row.account_id
    finally:
        reads.close()
