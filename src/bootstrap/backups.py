"""A backup is one file: session's database, paper exchanges' files and notes, side journals, HALT files, a manifest.

A session may run meanwhile. All databases are copied as of one moment: for some milliseconds their write locks are
held while a snapshot of each is opened, so a running session waits with its next commit. Neither side can get ahead
in between: an order that is in the exchange's copy was intended in the journal's. What was on its way is settled by the
next start, as after a kill.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Final

from src.application.ports.store import StoreCorrupt, StoreError
from src.bootstrap.paper_account import exchange_file
from src.bootstrap.paper_config import PAPER
from src.infrastructure.persistence.failures import FAILURES, store_error
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.side_journal import side_journals
from src.interfaces.cli.errors import NO_ROOM
from src.interfaces.cli.outcomes import BackedUp

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "steadyhand.db"
ROOM_BESIDE: Final = 1 << 20
"""What is left free for those who look into the copies, bytes."""
EPOCHS_SKIPPED: Final = 1_000
"""At a real exchange, ids that were used after the backup must not come again: the epoch in them leaps ahead."""


def back_up(database: Path, data_dir: Path, target: Path | None) -> BackedUp:
    """Write a backup and check it; raises StoreError, also when the target is there already."""
    target = target or data_dir / "backups" / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar.gz"
    if target.exists():
        raise StoreError(f"{target} exists, and no backup is overwritten: name another file")
    with TemporaryDirectory(prefix="steadyhand-") as folder:
        copy = Path(folder)
        copies = {database: copy / DATABASE}
        for path in sorted((data_dir / "paper").glob("*.db")):
            copies[path] = copy / "paper" / path.name
        journals = {path: copy / path.relative_to(data_dir) for path in side_journals(data_dir)}
        _check_room([*copies, *journals], copy)
        _copy_at_once(copies, journals)
        for path in sorted((data_dir / "paper").glob("*.json")):
            _write(copy / "paper" / path.name, path.read_bytes())
        for path in sorted(data_dir.glob("HALT*")):
            _write(copy / path.name, path.read_bytes())
        # Before the database is looked into: a reader leaves files of its own beside it.
        files = _digests(copy)
        heads = _heads(copy / DATABASE)
        _write(
            copy / MANIFEST, json.dumps({"format": FORMAT, "files": files, "heads": heads}, indent=1).encode()
        )
        size = _pack(copy, [MANIFEST, *files], target)
    return BackedUp(target, size, _records(heads), len(heads), _without_exchange(database, data_dir))


def _without_exchange(database: Path, data_dir: Path) -> tuple[str, ...]:
    """The paper accounts that the database knows and whose exchange is gone: no session of theirs starts."""
    with closing(SqliteReadModels(database)) as reads:
        rows = reads.accounts()
    return tuple(
        row.account_id
        for row in rows
        if row.exchange == PAPER and not exchange_file(data_dir, row.account_id).exists()
    )


def _check_room(paths: list[Path], folder: Path) -> None:
    """Refuse what will not fit: SQLite says of a full disk that it is full, or broken, and names the original."""
    logs = [path.with_name(f"{path.name}-wal") for path in paths]
    needed = sum(each.stat().st_size for each in (*paths, *logs) if each.exists()) + ROOM_BESIDE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"a backup is put together in {folder.parent}, which has room for {free:,} of {needed:,} bytes: "
            "free some space there, or set TMPDIR to another folder"
        )


def restore(source: Path, database: Path, data_dir: Path) -> BackedUp:
    """Put a backup's files in place, if nothing is there; raises StoreError, and then nothing has changed.

    The database of an older version is brought to this one.
    """
    from src.infrastructure.persistence.migrations import migrate  # loads SQLAlchemy and alembic

    # What a killed session left in a log would be read into whatever database is put before it.
    logs = [database.with_name(f"{database.name}{ending}") for ending in ("-wal", "-journal")]
    _refuse_existing(database, *logs, data_dir / "paper")
    with ExitStack() as opened:
        copy, near = (_passing_folder(parent, opened) for parent in (data_dir, database.parent))
        manifest = _unpack(source, copy)
        places = {name: database if name == DATABASE else data_dir / name for name in manifest["files"]}
        _refuse_existing(*places.values())
        # Its file system may be another one than the data folder's: it is there before anything is put in place.
        restored = Path(shutil.move(copy / DATABASE, near / DATABASE))
        _sync_file(restored)
        migrate(restored)
        heads = _heads(restored)
        if heads != manifest["heads"]:
            raise StoreCorrupt(
                f"{source.name} holds another history than its manifest says: take another backup"
            )
        _leap_epochs(restored)
        # The database comes last: until it is there, no session begins on half of it.
        for name, place in sorted(places.items(), key=lambda item: item[0] == DATABASE):
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(restored if name == DATABASE else copy / name, place)
            _sync_folder(place.parent)
    return BackedUp(source, source.stat().st_size, _records(heads), len(heads))


def _passing_folder(parent: Path, opened: ExitStack) -> Path:
    """A folder within another, which is made where it is missing; it is gone when ``opened`` ends."""
    parent.mkdir(parents=True, exist_ok=True)
    return Path(opened.enter_context(TemporaryDirectory(prefix=".restore-", dir=parent)))


def _refuse_existing(*paths: Path) -> None:
    there = next((path for path in paths if path.exists()), None)
    if there is not None:
        raise StoreError(
            f"{there} exists, and nothing is overwritten: set STEADYHAND_DATA_DIR to a new folder"
        )


def _copy_at_once(copies: dict[Path, Path], journals: dict[Path, Path]) -> None:
    """Copy every database and side journal as of the same moment; keys are the originals."""
    with ExitStack() as opened:
        snapshots, contents = _snapshots(list(copies), list(journals), opened)
        for place, content in zip(journals.values(), contents, strict=True):
            _write(place, content)
        for (path, copy), snapshot in zip(copies.items(), snapshots, strict=True):
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                with closing(sqlite3.connect(copy)) as target:
                    snapshot.backup(target)
            except FAILURES as error:
                raise store_error(error, path) from error


def _snapshots(
    paths: list[Path], journals: list[Path], opened: ExitStack
) -> tuple[list[sqlite3.Connection], list[bytes]]:
    """Connections that all see the state of one moment, for as long as ``opened`` is; the side journals' contents."""
    snapshots = []
    with ExitStack() as locks:
        # The session's first: its process never waits for it while it holds an exchange's.
        for path in paths:
            _begun(path, "rw", "BEGIN IMMEDIATE", locks)
        for path in paths:
            snapshots.append(_begun(path, "ro", "BEGIN", opened))
        # An order is in there before an exchange's file can know of it, and until a session's database does.
        contents = [path.read_bytes() for path in journals]
    return snapshots, contents


def _begun(path: Path, mode: str, begin: str, opened: ExitStack) -> sqlite3.Connection:
    """A connection within a transaction that ends when ``opened`` does."""
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None
        )
        opened.enter_context(closing(connection))
        connection.execute(begin)
        # The first read is what fixes the moment that a transaction sees.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except FAILURES as error:
        raise store_error(error, path) from error
    return connection


def _heads(database: Path) -> dict[str, dict[str, Any]]:
    """The last record of every account, after the whole chain was checked."""
    reads = SqliteReadModels(database)
    try:
        heads = {}
        for row in reads.accounts():
            reads.verify(row.account_id)
            head = reads.head(row.account_id)
            heads[row.account_id] = {"seq": head.seq, "hash": head.hash}
        return heads
    finally:
        reads.close()


def _records(heads: dict[str, dict[str, Any]]) -> int:
    return sum(head["seq"] for head in heads.values())


def _leap_epochs(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE account SET lease_epoch = lease_epoch + ? WHERE exchange <> 'paper'", (EPOCHS_SKIPPED,)
        )


def _digests(folder: Path) -> dict[str, str]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def _pack(folder: Path, names: list[str], target: Path) -> int:
    """Write the file under another name first: a backup that is there is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with tarfile.open(part, "w:gz") as archive:
            for name in names:
                archive.add(folder / name, name)
        _sync_file(part)
        # A link, unlike a rename, never replaces what somebody else has put there meanwhile.
        os.link(part, target)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(target.parent)
    return target.stat().st_size


def _unpack(source: Path, folder: Path) -> dict[str, Any]:
    """The manifest, with every file it names below ``folder``; raises StoreCorrupt, OSError where there is no room."""
    try:
        with tarfile.open(source, "r:gz") as archive:
            for name, content in _contents(archive):
                _write(folder / name, content)
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        (folder / MANIFEST).unlink()
        wanted = manifest["files"]
        whole = manifest["format"] == FORMAT and DATABASE in wanted and _digests(folder) == wanted
        manifest["heads"].items()
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, FileNotFoundError) and error.filename == os.fspath(source):
            raise StoreError(f"there is no file {source}: check the name of the backup") from None
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        raise StoreCorrupt(f"{source.name} is no backup, or is damaged: take another one") from error
    if not whole:
        raise StoreCorrupt(
            f"{source.name} is damaged, its files are not those of its manifest: take another one"
        )
    return manifest


def _contents(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """The plain files of an archive; one with a way out of the folder is none of ours."""
    for member in archive:
        path = PurePosixPath(member.name)
        file = archive.extractfile(member) if member.isreg() else None
        if file is None or path.is_absolute() or ".." in path.parts:
            raise ValueError(member.name)
        yield member.name, file.read()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    _sync_file(path)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
