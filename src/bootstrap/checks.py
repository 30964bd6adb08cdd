"""What ``doctor`` looks at: everything that a session needs, each with what to do when it is missing."""

import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from src.application.ports.side_journal import SideJournalError
from src.application.ports.store import StoreError
from src.bootstrap.paper_account import exchange_file
from src.bootstrap.paper_config import PAPER
from src.bootstrap.settings import Loaded, Settings
from src.domain.sessions.session import TradingSessionStatus
from src.infrastructure.messaging.control_path import control_path
from src.infrastructure.messaging.control_socket import ControlClient
from src.infrastructure.persistence.databases import Database, PostgresDatabase
from src.infrastructure.persistence.schema import SchemaState
from src.infrastructure.persistence.side_journal import FileSideJournal, side_journals
from src.interfaces.cli.composition import Check, Health
from src.interfaces.cli.errors import way_out

FREE_BYTES_MIN = 200 * 1024 * 1024
SYNC_MS_MAX = 20.0
LIBRARIES = ("talib", "msgspec", "numpy", "sqlalchemy", "alembic")


def run(loaded: Loaded, data_dir: Path, database: Database) -> Iterator[Check]:
    """Every check, done when it is asked for."""
    settings = loaded.settings
    single: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("python", _python),
        ("libraries", _libraries),
        ("settings", lambda: _settings(loaded)),
        ("data folder", lambda: _data_folder(data_dir)),
        ("disk", lambda: _disk(data_dir)),
        ("synced write", lambda: _sync(data_dir)),
        ("kill switch", lambda: _kill_switch(data_dir)),
        ("side journals", lambda: _side_journals(data_dir)),
        ("trading mode", lambda: _trading_mode(settings)),
        ("database", lambda: _database(database)),
    )
    for name, check in single:
        try:
            yield check()
        except OSError as error:
            # A folder that this user may not even look into; the other checks have their turn.
            yield Check(name, Health.FAILED, f"{error.filename}: {error.strerror}", way_out(error))
    yield from _server(database)
    yield from _accounts(data_dir, database)


def _python() -> Check:
    return Check("python", Health.OK, ".".join(map(str, sys.version_info[:3])))


def _libraries() -> Check:
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if not missing:
        return Check("libraries", Health.OK, ", ".join(LIBRARIES))
    return Check("libraries", Health.FAILED, f"missing: {', '.join(missing)}", "make setup")


def _settings(loaded: Loaded) -> Check:
    """The first that is wrong; a start is refused for any."""
    if not loaded.problems:
        return Check("settings", Health.OK, f"{len(loaded.sources)} set, the others have their defaults")
    first, *others = loaded.problems
    detail = f"{first} ({len(others)} more)" if others else first
    return Check("settings", Health.FAILED, detail, "`config check` lists all, no session starts before")


def _folder(data_dir: Path) -> Path:
    """The data folder, or while it is not made yet the nearest one that is."""
    return next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists())


def _data_folder(data_dir: Path) -> Check:
    folder = _folder(data_dir)
    if not folder.is_dir():
        return Check("data folder", Health.FAILED, f"{folder} is no folder", "set STEADYHAND_DATA_DIR")
    if os.access(folder, os.W_OK):
        return Check(
            "data folder", Health.OK, f"{data_dir}{'' if data_dir.exists() else ' (made at first use)'}"
        )
    return Check("data folder", Health.FAILED, f"{data_dir} cannot be written", "set STEADYHAND_DATA_DIR")


def _disk(data_dir: Path) -> Check:
    free = shutil.disk_usage(_folder(data_dir)).free
    text = f"{free // 1024 // 1024:,} MB free"
    if free >= FREE_BYTES_MIN:
        return Check("disk", Health.OK, text)
    return Check("disk", Health.WARNING, text, f"free at least {FREE_BYTES_MIN // 1024 // 1024} MB")


def _sync(data_dir: Path) -> Check:
    """How long a synced write takes: every order waits for one."""
    name, folder = "synced write", _folder(data_dir)
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return Check(name, Health.FAILED, "the data folder cannot be written", "see data folder")
    try:
        median = _synced_write_ms(folder)
    except OSError as error:
        return Check(name, Health.FAILED, str(error.strerror), way_out(error))
    health = Health.OK if median <= SYNC_MS_MAX else Health.WARNING
    return Check(name, health, f"{median:.2f} ms", "" if health is Health.OK else "use a faster disk")


def _synced_write_ms(folder: Path) -> float:
    """The median of twenty; raises OSError."""
    path = folder / f".doctor-{os.getpid()}"
    took = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for number in range(20):
            start_ns = time.perf_counter_ns()
            os.pwrite(descriptor, b"x" * 4096, number * 4096)
            os.fdatasync(descriptor)
            took.append((time.perf_counter_ns() - start_ns) / 1e6)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(took)[len(took) // 2]


def _kill_switch(data_dir: Path) -> Check:
    if any(data_dir.glob("HALT*")):
        return Check(
            "kill switch", Health.WARNING, "engaged: no opening order is sent", "rearm, when it is safe"
        )
    return Check("kill switch", Health.OK, "not engaged")


def _side_journals(data_dir: Path) -> Check:
    """The way out without a session and a database needs them, and the next start what they hold."""
    name, waiting = "side journals", 0
    paths = side_journals(data_dir)
    for path in paths:
        try:
            with closing(FileSideJournal(path)) as journal:
                waiting += len(journal.read().orders)
        except SideJournalError as error:
            return Check(name, Health.FAILED, str(error), "see the runbook")
    if waiting:
        text = f"{waiting} emergency orders are not imported yet"
        return Check(name, Health.WARNING, text, "start-session imports them")
    return Check(name, Health.OK, f"{len(paths)} ready, empty" if paths else "none yet (made at first use)")


def _trading_mode(settings: Settings) -> Check:
    has_key = bool(settings.api_key.get_secret_value())
    text = "paper; --exchange testnet or live trades with the key that is set" if has_key else "paper"
    return Check("trading mode", Health.OK, text)


def _database(database: Database) -> Check:
    try:
        state = database.state()
    except StoreError as error:
        return Check("database", Health.FAILED, str(error), "restore a backup, or give another data folder")
    if state is SchemaState.CURRENT:
        return Check("database", Health.OK, database.name)
    if state is SchemaState.EMPTY:
        return Check("database", Health.OK, "none yet (made at first use)")
    if state is SchemaState.OLD:
        return Check("database", Health.FAILED, "of an older version", "migrate")
    return Check("database", Health.FAILED, "of a newer version", "use the newer program")


def _server(database: Database) -> Iterator[Check]:
    """What only a database on a server has: it must sync, and quickly, for every order waits for a commit."""
    if not isinstance(database, PostgresDatabase):
        return
    from src.infrastructure.persistence.postgres_health import server_health

    try:
        health = server_health(database.url)
    except StoreError as error:
        yield Check("server", Health.FAILED, str(error), "see database")
        return
    text = f"PostgreSQL {health.version}, a commit takes {health.commit_ms:.2f} ms"
    if health.switched_off:
        off = ", ".join(health.switched_off)
        yield Check("server", Health.FAILED, f"{text}; {off} is off", f"switch on {off} in postgresql.conf")
    elif health.commit_ms > SYNC_MS_MAX:
        yield Check("server", Health.WARNING, text, "move the server nearer, or give it a faster disk")
    else:
        yield Check("server", Health.OK, text)


def _accounts(data_dir: Path, database: Database) -> Iterator[Check]:
    try:
        if database.state() is SchemaState.EMPTY:
            return
        reads = database.reads()
    except StoreError:
        return
    try:
        rows = reads.accounts()
    finally:
        reads.close()
    for row in rows:
        yield _journal(database, row.account_id)
        if row.exchange == PAPER and not exchange_file(data_dir, row.account_id).exists():
            name, text = f"paper {row.account_id[:8]}", "its exchange's file is gone: no session of it starts"
            yield Check(name, Health.WARNING, text, "put it back into the data folder, or restore a backup")
        if row.session_status not in (None, TradingSessionStatus.STOPPED.value):
            yield _session(data_dir, database, row.account_id, row.session_status or "")


def _journal(database: Database, account_id: str) -> Check:
    name = f"journal {account_id[:8]}"
    try:
        reads = database.reads()
        try:
            return Check(name, Health.OK, f"{reads.verify(account_id):,} records, chain intact")
        finally:
            reads.close()
    except StoreError as error:
        return Check(name, Health.FAILED, str(error), "restore a backup")


def _session(data_dir: Path, database: Database, account_id: str, status: str) -> Check:
    name = f"session {account_id[:8]}"
    if ControlClient(control_path(data_dir, account_id)).is_alive():
        return Check(name, Health.OK, f"{status}, answers")
    holder = database.holder(account_id)
    if holder is not None:
        text = f"{status}, {holder} holds the account but does not answer"
        return Check(name, Health.WARNING, text, "look at that process; emergency-close does without it")
    return Check(name, Health.WARNING, f"{status}, but no process runs it", "start-session resumes it")
