"""Files and folders a session cannot be kept in: each is refused in one line that says why and what to do."""

import asyncio
import functools
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from src.application.ports.store import (
    StoreCorrupt,
    StoreError,
    StoreNotInitialised,
    StoreTooNew,
    StoreUnavailable,
)
from src.domain.ledger.events import SessionOpened
from src.domain.ledger.evolve import evolve
from src.infrastructure.persistence import loading
from src.infrastructure.persistence.failures import store_error
from src.infrastructure.persistence.migrations import migrate
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import SchemaState, create_sqlite, sqlite_schema_state
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.support.faulty_driver import sqlite_error
from tests.support.ledger_builders import ACCOUNT, START_MS, a_fill, an_intent, some_options
from tests.support.sqlite_pages import PAGE, overwrite_root, root_offset


def missing(path: Path) -> None:
    pass


def zero_bytes(path: Path) -> None:
    path.touch()


def no_database(path: Path) -> None:
    path.write_text("This is a shopping list. " * 100)


def truncated(path: Path) -> None:
    create_sqlite(path)
    os.truncate(path, path.stat().st_size // 2)


def a_directory(path: Path) -> None:
    path.mkdir()


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE songs (title TEXT)")


def with_version(version: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        create_sqlite(path)
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("UPDATE alembic_version SET version_num = ?", (version,))

    return make


BAD = [
    (missing, StoreNotInitialised, "run init-db"),
    (zero_bytes, StoreNotInitialised, "run init-db"),
    (no_database, StoreCorrupt, "not a database of this program"),
    (truncated, StoreCorrupt, "restore it from a backup"),
    (a_directory, StoreUnavailable, "give the path of a file"),
    (of_another_program, StoreUnavailable, "give another path"),
    (with_version("9999"), StoreTooNew, "update this program"),
]


@pytest.mark.parametrize("opener", [SqliteStore, SqliteReadModels])
@pytest.mark.parametrize(("make", "kind", "words"), BAD, ids=[case[2] for case in BAD])
def test_a_bad_file_is_refused_in_one_line(
    tmp_path: Path,
    opener: Callable[[Path], object],
    make: Callable[[Path], None],
    kind: type[StoreError],
    words: str,
):
    path = tmp_path / "steadyhand.db"
    make(path)

    with pytest.raises(kind, match=words) as refusal:
        opener(path)

    assert "\n" not in str(refusal.value)
    assert "steadyhand.db" in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


@pytest.mark.parametrize("make", [of_another_program, with_version("9999")])
def test_a_file_that_is_refused_stays_as_it_was(tmp_path: Path, make: Callable[[Path], None]):
    path = tmp_path / "steadyhand.db"
    make(path)
    before = path.read_bytes()

    with pytest.raises(StoreError):
        SqliteStore(path)

    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("make", [missing, zero_bytes])
def test_an_empty_file_becomes_a_database(tmp_path: Path, make: Callable[[Path], None]):
    path = tmp_path / "steadyhand.db"
    make(path)
    before = sqlite_schema_state(path)

    create_sqlite(path)

    assert (before, sqlite_schema_state(path)) == (SchemaState.EMPTY, SchemaState.CURRENT)


def test_making_a_database_twice_changes_nothing(tmp_path: Path):
    path = tmp_path / "steadyhand.db"
    create_sqlite(path)
    store = SqliteStore(path)
    asyncio.run(store.open_account(ACCOUNT, START_MS))

    create_sqlite(path)

    assert asyncio.run(store.load(ACCOUNT.account_id)) is not None


@pytest.mark.parametrize("make", [create_sqlite, migrate])
def test_a_missing_folder_is_named(tmp_path: Path, make: Callable[[Path], object]):
    with pytest.raises(StoreUnavailable, match=r"the folder nowhere .* does not exist: create it"):
        make(tmp_path / "nowhere" / "steadyhand.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    tmp_path.chmod(0o500)

    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        create_sqlite(tmp_path / "steadyhand.db")


def with_a_damaged_page(path: Path, table: str) -> None:
    """Make a database whose file is overwritten where a table begins."""
    create_sqlite(path)
    asyncio.run(SqliteStore(path).open_account(ACCOUNT, START_MS))
    overwrite_root(path, table)


@pytest.mark.parametrize("table", ["positions", "lots", "wallets"])
def test_of_a_large_file_the_pages_that_say_how_things_stand_are_looked_at(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loading, "PAGES_CHECKED_BYTES", 0)
    with_a_damaged_page(tmp_path / "steadyhand.db", table)

    with pytest.raises(StoreCorrupt, match="restore"):
        SqliteStore(tmp_path / "steadyhand.db")


def test_the_history_in_a_large_file_is_not_looked_at_when_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loading, "PAGES_CHECKED_BYTES", 0)
    with_a_damaged_page(tmp_path / "steadyhand.db", "journal")

    asyncio.run(SqliteStore(tmp_path / "steadyhand.db").close())


def test_a_file_whose_pages_are_damaged_is_refused(tmp_path: Path):
    path = tmp_path / "steadyhand.db"
    with_a_damaged_page(path, "journal")

    with pytest.raises(StoreCorrupt, match="restore"):
        asyncio.run(SqliteStore(path).load(ACCOUNT.account_id))


def test_a_row_that_its_index_does_not_know_is_found_by_a_full_check(tmp_path: Path):
    path = tmp_path / "steadyhand.db"
    shutil.copy(a_used_database(), path)
    start = root_offset(path, "*autoindex_orders*")
    content = bytearray(path.read_bytes())
    content[start : start + PAGE] = content[start : start + PAGE].replace(b"abc-0001", b"abd-0001")
    path.write_bytes(content)

    store = SqliteStore(path)
    asyncio.run(store.load(ACCOUNT.account_id))
    with pytest.raises(StoreCorrupt, match="damaged"):
        SqliteReadModels(path).verify(ACCOUNT.account_id)


def test_a_row_that_cannot_be_read_is_damage(tmp_path: Path):
    path = tmp_path / "steadyhand.db"
    create_sqlite(path)
    asyncio.run(SqliteStore(path).open_account(ACCOUNT, START_MS))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE account SET trading_state = 'SLEEPY'")

    with pytest.raises(StoreCorrupt, match="cannot be read"):
        asyncio.run(SqliteStore(path).load(ACCOUNT.account_id))
    with pytest.raises(StoreCorrupt, match="cannot be read"):
        SqliteReadModels(path).ledger(ACCOUNT.account_id)


@given(place=st.integers(0, 1 << 20), value=st.integers(1, 255))
@example(place=0, value=1)
@example(place=18, value=1)
def test_a_flipped_byte_is_refused_or_harmless_and_never_a_crash(place: int, value: int):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "steadyhand.db"
        shutil.copy(a_used_database(), path)
        content = bytearray(path.read_bytes())
        content[place % len(content)] ^= value
        path.write_bytes(content)

        try:
            asyncio.run(use(path))
        except StoreError as refusal:
            assert "\n" not in str(refusal)


async def use(path: Path) -> None:
    """Everything a start does, and a full check."""
    store = SqliteStore(path, synchronous="OFF")
    try:
        await store.acquire(ACCOUNT.account_id, "a test")
        await store.load(ACCOUNT.account_id)
        SqliteReadModels(path).verify(ACCOUNT.account_id)
    finally:
        await store.close()


@functools.cache
def a_used_database() -> Path:
    """A closed database with an order, a position and a session."""
    path = Path(mkdtemp()) / "used.db"
    create_sqlite(path)

    async def write() -> None:
        store = SqliteStore(path, synchronous="OFF")
        await store.open_account(ACCOUNT, START_MS)
        await store.acquire(ACCOUNT.account_id, "a test")
        ledger = await store.load(ACCOUNT.account_id)
        assert ledger is not None
        intent = an_intent()
        events = (
            SessionOpened("session-1", some_options()),
            intent,
            a_fill(intent, quantity=Decimal("0.04")),
        )
        store.stage(START_MS, events)
        for event in events:
            evolve(ledger, event, START_MS)
        await store.commit(ledger)
        await store.close()

    asyncio.run(write())
    return path


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (sqlite3.SQLITE_PERM, "access permission denied", StoreUnavailable),
        (sqlite3.SQLITE_CORRUPT, "database disk image is malformed", StoreCorrupt),
        (sqlite3.SQLITE_ERROR, "no such column: colour", StoreNotInitialised),
        (sqlite3.SQLITE_MISUSE, "bad parameter", StoreError),
    ],
)
def test_every_failure_of_sqlite_has_a_kind_of_its_own(code: int, text: str, kind: type[StoreError]):
    error = store_error(sqlite_error(code, text), Path("steadyhand.db"))

    assert type(error) is kind
    assert text in str(error)
