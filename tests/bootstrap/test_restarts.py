"""A session that fails in its process: how often it starts itself again, and what is said of why."""

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.application.trading.snapshot import SessionSnapshot
from src.bootstrap.application import PaperApplication
from src.bootstrap.settings import load_settings
from src.infrastructure.monitoring.logging import PROGRAM, TRADES
from src.infrastructure.persistence import driver
from src.interfaces.cli.composition import Ended, SessionRequest
from tests.crash.process import Silence
from tests.infrastructure.market_data.bar_files import lines, rows, write

FLAGS = {"strategies": "sma_cross:fast=2,slow=5", "symbols": "BTCUSDT", "entries_per_minute_max": "1000"}


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """What a session does to the logs of its process is undone."""
    loggers = [logging.getLogger(name) for name in (None, PROGRAM, TRADES)]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        for handler in [each for each in logger.handlers if each not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
        logger.propagate, logger.disabled = True, False


class World(Silence):
    """The world around a session, whose waits take no time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bars = write(folder / "BTCUSDT-1m.csv", lines(rows(1, 300)))
        self.slept: list[float] = []
        self.told: list[str] = []

    def on_restart(self, reason: str) -> None:
        self.told.append(reason)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def run(self) -> tuple[Ended, str, tuple[str, ...]]:
        said = {"data_dir": str(self._folder / "data"), **FLAGS}
        application = PaperApplication(load_settings(said, {}, self._folder), sleep=self.sleep)
        result = application.run_session(SessionRequest(replay=(self.bars,), speed=None), self)
        return result.ended, result.reason, result.notes


class Trouble(World):
    """Its database is locked at the first start and freed in the first wait; from there to the last it has no bars."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._lock: sqlite3.Connection | None = None

    def on_started(self, snapshot: SessionSnapshot) -> None:
        if not self.slept:
            self._lock = sqlite3.connect(self._folder / "data" / "steadyhand.db")
            self._lock.execute("BEGIN IMMEDIATE")

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        away = self.bars.with_suffix(".away")
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            shutil.move(self.bars, away)
        if seconds == 16:
            shutil.move(away, self.bars)


def test_a_start_that_fails_for_whatever_reason_is_one_of_three_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(driver, "BUSY_TIMEOUT_MS", 50)
    trouble = Trouble(tmp_path)

    ended, _, notes = trouble.run()

    assert (ended, trouble.slept) == (Ended.END_OF_DATA, [1, 4, 16])
    assert "locked" in trouble.told[0] and all("BTCUSDT-1m.csv" in reason for reason in trouble.told[1:])
    assert any(note.startswith("failed and started itself again: ") and "locked" in note for note in notes)


class Removal(World):
    """A file of the session is moved out of its place as soon as it runs."""

    def __init__(self, folder: Path, pattern: str) -> None:
        super().__init__(folder)
        self._pattern = pattern

    def on_started(self, snapshot: SessionSnapshot) -> None:
        kept = self._folder / "kept"
        kept.mkdir()
        for path in (self._folder / "data").glob(self._pattern):
            shutil.move(path, kept / path.name)


@pytest.mark.parametrize(("pattern", "name"), [("steadyhand.db*", "steadyhand.db"), ("paper/*.db*", ".db")])
def test_a_session_whose_files_are_gone_ends_and_none_begins_in_new_ones(
    tmp_path: Path, pattern: str, name: str
):
    removal = Removal(tmp_path, pattern)

    ended, reason, _ = removal.run()

    assert (ended, removal.slept) == (Ended.ERROR, [1, 4, 16])
    first, _, last = reason.partition("; it did not start again: ")
    assert f"{name} was removed or replaced while the session wrote to it" in first
    assert "is gone" in last
    assert not list((tmp_path / "data").glob(pattern))
