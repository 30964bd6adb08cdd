"""The files of one simulated history, with everything booked: what planted differences are planted into."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from src.domain.money import use_money_context
from src.infrastructure.audit.auditor import run_audit
from src.infrastructure.audit.records import Report
from src.infrastructure.audit.request import AuditRequest
from tests.infrastructure.audit.files import query
from tests.simulation.disk import Files as DatabaseFiles
from tests.simulation.world import World, read_accounts

SEED = 118
"""A history with twenty trades and three payments of funding, in one-way mode."""


@dataclass
class Files:
    """A session's database and its exchange's file."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "session.db"

    @property
    def exchange(self) -> Path:
        return next(self.folder.rglob("paper/*.db"))

    def audit(self, since_ms: int = 0) -> Report:
        account_id = read_accounts(self.database)[0].account_id
        return run_audit(AuditRequest(account_id, str(self.database), file=self.exchange, since_ms=since_ms))

    def fills(self) -> list[tuple[Any, ...]]:
        """(trade id, time), oldest first."""
        return query(self.database, "SELECT trade_id, traded_ms FROM fills ORDER BY trade_id")


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished session that traded, in a folder that nobody changes."""
    use_money_context()
    folder = tmp_path_factory.mktemp("audit")
    world = World(SEED, folder / "world", DatabaseFiles(folder / "template.db"))
    world.process(None, end=True)
    yield world.folder


@pytest.fixture
def files(history: Path, tmp_path: Path) -> Files:
    """A copy to be changed."""
    return Files(Path(shutil.copytree(history, tmp_path / "world")))
