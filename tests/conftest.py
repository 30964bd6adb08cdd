"""What every test shares: the hypothesis profiles, where its files are, and the recorded market data."""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.postgres_server import PostgresServer

pytest.register_assert_rewrite("tests.support")

ROOT = Path(__file__).resolve().parents[1]

# ci: the same examples in every run, so a red build can be repeated anywhere; no deadline, for slow machines.
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
# explore: new examples in every run; failures are remembered in .hypothesis.
settings.register_profile("explore", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# Tests kill processes, never the machine: what was written is there afterwards in memory as it is on a disk, and a
# sync costs nothing. Only where it has room for some hundred databases, and nobody has named another place.
MEMORY = Path("/dev/shm")
ROOM_BYTES = 3 << 30
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--testnet``: the tests in tests/integration/trading trade at Binance's demo venue."""
    parser.addoption("--testnet", action="store_true", help="trade at Binance's demo venue, where tests can")


IN_TURN = frozenset({"benchmarks", "crash", "e2e", "integration", "scripts", "soak", "venue"})
"""Folders of tests that wait for processes of their own: side by side, they would wait for each other's."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side, let those that start processes run in turn, beside the others."""
    for item in items:
        folder, *_ = item.path.relative_to(ROOT / "tests").parts
        if folder in IN_TURN:
            item.add_marker(pytest.mark.xdist_group("processes"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test wrote goes from one process of pytest to another, as UTF-8, which not every text can be."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def market_data_dir() -> Path:
    """The folder of recorded market data; a test that needs them is skipped without them."""
    from tests.support.recordings import NONE_FOUND, recordings_folder

    folder = recordings_folder()
    if folder is None or not folder.is_dir():
        pytest.skip(NONE_FOUND)
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    """One real PostgreSQL server for the whole run; a test that needs it is skipped where there are no binaries."""
    from tests.support.postgres_server import NoServer, running_server

    try:
        with running_server() as server:
            yield server
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture
def postgres_url(postgres_server: "PostgresServer") -> str:
    """The address of a new PostgreSQL database with the tables of this version, as a user would write it."""
    return postgres_server.new_database_with_tables()
