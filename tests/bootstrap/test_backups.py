"""Backups: whole, checked, never overwritten, and taken while a session runs."""

import errno
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from src.application.ports.store import StoreCorrupt, StoreError
from src.bootstrap.backups import DATABASE, EPOCHS_SKIPPED, MANIFEST, back_up, restore
from src.infrastructure.persistence.migrations import SCRIPTS
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import REVISIONS
from tests.application.trading.sessions import begin, calm, die, order, pass_time
from tests.application.trading.test_known_issues import assert_exchange_and_ledger_agree
from tests.support.full_disk import no_file_beyond


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A data folder with a position in it, whose process has died."""
    (tmp_path / "data").mkdir()
    runner = await begin(calm(tmp_path / "data"))
    order(runner)
    await runner.loop.flush()
    await pass_time(runner.loop, 3_000)
    await die(runner)
    return tmp_path / "data"


def database(folder: Path) -> Path:
    return calm(folder).database


def history(path: Path) -> list[tuple[str, str]]:
    reads = SqliteReadModels(path)
    try:
        return [(row.account_id, reads.head(row.account_id).hash) for row in reads.accounts()]
    finally:
        reads.close()


async def test_a_restored_session_goes_on_where_the_backup_was_taken(folder: Path, tmp_path: Path):
    (folder / "HALT").write_text("weekend\n")
    made = back_up(database(folder), folder, None)
    other = tmp_path / "other"

    restored = restore(made.file, database(other), other)

    assert made.file.parent == folder / "backups" and made.records == restored.records > 5
    assert history(database(other)) == history(database(folder))
    assert (other / "HALT").read_text() == "weekend\n"
    (other / "HALT").unlink()
    runner = await begin(replace(calm(other)))
    assert runner.resumed and runner.loop.ledger.positions
    await assert_exchange_and_ledger_agree(runner)
    await die(runner)


async def test_a_backup_taken_while_a_session_trades_is_whole(tmp_path: Path):
    (tmp_path / "data").mkdir()
    runner = await begin(config := calm(tmp_path / "data"))
    order(runner)
    await runner.loop.flush()
    backups = []
    for number in range(8):
        await pass_time(runner.loop, 15)
        backups.append(back_up(config.database, config.data_dir, tmp_path / f"{number}.tar.gz"))
    await die(runner)

    for number, made in enumerate(backups):
        other = tmp_path / f"other{number}"
        restore(made.file, database(other), other)
        again = await begin(calm(other))
        await pass_time(again.loop, 2_000)
        assert again.is_running and again.loop.ledger.account.trading_state == "ACTIVE"
        await assert_exchange_and_ledger_agree(again)
        await die(again)


def test_a_backup_without_a_paper_exchange_that_is_gone_says_so(folder: Path):
    assert back_up(database(folder), folder, None).missing == ()
    next((folder / "paper").glob("*.db")).unlink()

    made = back_up(database(folder), folder, folder / "second.tar.gz")

    assert made.file.exists()
    assert made.missing == tuple(account_id for account_id, _ in history(database(folder)))


def test_no_backup_is_overwritten(folder: Path, tmp_path: Path):
    (tmp_path / "mine.tar.gz").write_text("precious")

    with pytest.raises(StoreError, match="no backup is overwritten"):
        back_up(database(folder), folder, tmp_path / "mine.tar.gz")

    assert (tmp_path / "mine.tar.gz").read_text() == "precious"


def test_nothing_is_restored_over_a_session(folder: Path):
    made = back_up(database(folder), folder, None)
    before = history(database(folder))

    with pytest.raises(StoreError, match="nothing is overwritten"):
        restore(made.file, database(folder), folder)

    assert history(database(folder)) == before


@pytest.mark.parametrize("name", ["{}-wal", "{}-journal", "HALT"])
def test_what_lies_beside_a_database_that_was_moved_away_is_not_overwritten_either(
    folder: Path, tmp_path: Path, name: str
):
    (folder / "HALT").write_text("weekend\n")
    made = back_up(database(folder), folder, None)
    (tmp_path / "other").mkdir()
    left = tmp_path / "other" / name.format(database(folder).name)
    left.write_bytes(b"of the one before")

    with pytest.raises(StoreError, match=f"{left.name} exists, and nothing is overwritten"):
        restore(made.file, database(tmp_path / "other"), tmp_path / "other")

    assert list((tmp_path / "other").iterdir()) == [left]
    assert left.read_bytes() == b"of the one before"


def repacked(path: Path, target: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """A copy of a backup with other content."""
    with tarfile.open(path) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]  # all are files
    change(files)
    with tarfile.open(target, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target


def with_manifest(content: dict[str, bytes], **values: object) -> None:
    content[MANIFEST] = json.dumps(json.loads(content[MANIFEST]) | values).encode()


def downgrade(path: Path, revision: str) -> None:
    """Make of a database what an older version would have written."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["database_url"] = f"sqlite:///{path}"
    command.downgrade(config, revision)


async def test_a_backup_that_an_older_version_made_is_brought_to_this_one(folder: Path, tmp_path: Path):
    def older(files: dict[str, bytes]) -> None:
        (old := tmp_path / "old.db").write_bytes(files[DATABASE])
        downgrade(old, REVISIONS[0])
        files[DATABASE] = old.read_bytes()
        digest = hashlib.sha256(files[DATABASE]).hexdigest()
        with_manifest(files, files=json.loads(files[MANIFEST])["files"] | {DATABASE: digest})

    made = repacked(back_up(database(folder), folder, None).file, tmp_path / "old.tar.gz", older)
    other = tmp_path / "other"

    restore(made, database(other), other)

    assert history(database(other)) == history(database(folder))
    runner = await begin(calm(other))
    assert runner.resumed and runner.loop.ledger.positions
    await assert_exchange_and_ledger_agree(runner)
    await die(runner)


def test_a_database_on_another_file_system_is_restored_as_well(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made = back_up(database(folder), folder, None)
    data, elsewhere = tmp_path / "data-new", tmp_path / "elsewhere" / "own.db"
    rename = os.rename

    def across(source: str | Path, target: str | Path) -> None:
        if data in Path(source).parents and elsewhere.parent in Path(target).parents:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target)

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, across)
    restore(made.file, elsewhere, data)

    assert history(elsewhere) == history(database(folder))
    assert list(elsewhere.parent.glob(".*")) == list(data.glob(".*")) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.pop(MANIFEST),
        lambda files: files.pop("steadyhand.db"),
        lambda files: files.update({"steadyhand.db": files["steadyhand.db"][:-9] + b"x" * 9}),
        lambda files: files.update({"../outside": b"x"}),
        lambda files: files.update({"/outside": b"x"}),
        lambda files: files.update({MANIFEST: b"not json"}),
        lambda files: with_manifest(files, format=99),
        lambda files: with_manifest(files, heads={}),
        lambda files: with_manifest(files, heads=None),
        lambda files: with_manifest(files, files=[]),
    ],
)
def test_a_backup_that_is_not_whole_changes_nothing(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], object]
):
    spoilt = repacked(back_up(database(folder), folder, None).file, tmp_path / "spoilt.tar.gz", change)
    other = tmp_path / "other"

    with pytest.raises(StoreCorrupt, match="take another"):
        restore(spoilt, database(other), other)

    assert list(other.iterdir()) == [] and not (tmp_path / "outside").exists()


def test_a_journal_changed_after_the_fact_is_not_restored(folder: Path, tmp_path: Path):
    with closing(sqlite3.connect(database(folder))) as connection, connection:
        connection.execute("UPDATE journal SET payload = X'7B7D' WHERE seq = 3")

    with pytest.raises(StoreCorrupt):
        back_up(database(folder), folder, tmp_path / "b.tar.gz")

    assert not (tmp_path / "b.tar.gz").exists()


@pytest.mark.parametrize("cut", [0, 10, 1_000])
def test_a_truncated_backup_is_refused(folder: Path, tmp_path: Path, cut: int):
    made = back_up(database(folder), folder, None)
    made.file.write_bytes(made.file.read_bytes()[:cut])

    with pytest.raises(StoreCorrupt, match="damaged"):
        restore(made.file, database(tmp_path / "other"), tmp_path / "other")


def test_a_disk_without_room_for_a_backup_does_not_make_that_a_damaged_one(folder: Path, tmp_path: Path):
    made = back_up(database(folder), folder, None)
    other = tmp_path / "other"

    with no_file_beyond(50_000), pytest.raises(OSError, match="File too large"):
        restore(made.file, database(other), other)

    assert list(other.iterdir()) == []
    assert restore(made.file, database(other), other).records == made.records


def test_a_backup_that_finds_no_room_to_be_put_together_says_where(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    nearly_full = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: nearly_full)

    with pytest.raises(
        StoreError, match=r"room for 1,000,000 of [0-9,]+ bytes: free some space there, or set TMPDIR"
    ):
        back_up(database(folder), folder, tmp_path / "b.tar.gz")

    assert not (tmp_path / "b.tar.gz").exists()


def test_a_real_accounts_ids_leap_ahead_of_those_used_since(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "real")
    real = database(tmp_path / "real")
    with closing(sqlite3.connect(real)) as connection, connection:
        connection.execute("UPDATE account SET exchange = 'testnet'")
        ((before,),) = connection.execute("SELECT lease_epoch FROM account")

    restore(back_up(real, tmp_path / "real", None).file, database(tmp_path / "o"), tmp_path / "o")

    with closing(sqlite3.connect(database(tmp_path / "o"))) as connection:
        assert list(connection.execute("SELECT lease_epoch FROM account")) == [(before + EPOCHS_SKIPPED,)]
