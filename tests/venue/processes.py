"""The two processes of a run: the local exchange and a session on it, started, killed and asked from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import msgspec

from src.domain.ledger.state import PositionKey
from src.domain.orders.types import OrderStatus
from src.infrastructure.simulated_exchange.symbol_market import HALTED, TRADING
from tests.support.invariants import Books, naked, stops_in, violations

ROOT = Path(__file__).resolve().parents[2]
START_S = 20.0
STOP_S = 80.0
EMERGENCY_S = 60.0
ENDS_MAX = 5
COVERED_S = 15.0
"""How long a position may wait for its stop: one that was turned away is tried again with growing pauses."""
LOOK_S = 0.2


def a_port() -> int:
    """A port that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """One command of the program as a process of its own, its output in a file."""

    def __init__(self, name: str, folder: Path, arguments: Sequence[str], **environment: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._arguments = [sys.executable, "-m", "src.interfaces.cli", *arguments]
        self._environment = {
            **{key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")},
            "STEADYHAND_DATA_DIR": str(folder),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        """Start it (again)."""
        self.starts += 1
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments, cwd=ROOT, stdout=log, stderr=log, env=self._environment
            )

    def wait_for(self, text: str, since: int = 0, seconds: float = START_S) -> float:
        """Wait until it has written ``text`` after position ``since`` of its log; the seconds that took."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            if text.encode() in self.log.read_bytes()[since:]:
                return time.monotonic() - begun
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self._process.returncode}: {self.tail()}")
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} did not say {text!r} in {seconds:.0f} s: {self.tail()}")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: it is there, and does nothing."""
        assert self._process is not None, "only what was started can be frozen"
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None, "only what was started can go on"
        self._process.send_signal(signal.SIGCONT)

    def stop(self, seconds: float = STOP_S) -> int:
        """SIGTERM, and its exit code."""
        assert self._process is not None, "only what was started can be stopped"
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def wait(self, seconds: float = STOP_S) -> int:
        """Until it has ended by itself; its exit code."""
        assert self._process is not None, "only what was started can end"
        return self._process.wait(seconds)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def tail(self) -> str:
        """The last it said."""
        return self.log.read_text(errors="replace")[-600:]


class Run:
    """An exchange and a session over one folder."""

    def __init__(
        self, folder: Path, port: int, exchange: Sequence[str], session: Sequence[str], **environment: str
    ) -> None:
        self.folder = folder
        self._url = f"http://127.0.0.1:{port}"
        self.exchange = Program("exchange", folder, ["testnet", "--port", str(port), "--admin", *exchange])
        self.session = Program(
            "session",
            folder,
            ["start-session", "--exchange", "testnet", "--duration", "none", *session],
            STEADYHAND_TESTNET_URL=self._url,
            **environment,
        )
        self.emergency = Program(
            "emergency", folder, ["emergency-close", "--yes"], STEADYHAND_TESTNET_URL=self._url
        )

    def start_exchange(self) -> None:
        """Start the exchange and wait until it serves."""
        since = self.exchange.log.stat().st_size if self.exchange.log.exists() else 0
        self.exchange.start()
        self.exchange.wait_for("API key", since)

    def start_session(self) -> float:
        """Start or resume the session; the seconds from the start of the process to RUNNING."""
        since = self.session.log.stat().st_size if self.session.log.exists() else 0
        begun = time.monotonic()
        self.session.start()
        self.session.wait_for("RUNNING", since)
        return time.monotonic() - begun

    def close_in_emergency(self) -> tuple[int, str]:
        """Close everything around the session: the exit code, and what was said."""
        since = self.emergency.log.stat().st_size if self.emergency.log.exists() else 0
        self.emergency.start()
        code = self.emergency.wait(EMERGENCY_S)
        return code, self.emergency.log.read_bytes()[since:].decode()

    def command(self, *arguments: str) -> tuple[int, str]:
        """Run another command over the same folder, with the exchange's address: its exit code, and what it said."""
        program = Program(f"command{uuid4().hex}", self.folder, arguments, STEADYHAND_TESTNET_URL=self._url)
        program.start()
        return program.wait(EMERGENCY_S), program.log.read_text()

    def admin(self, method: str, path: str, **body: Any) -> Any:
        """Ask the exchange's admin API."""
        request = Request(f"{self._url}/admin/{path}", msgspec.json.encode(body), method=method)
        with urlopen(request, timeout=5) as answer:
            return msgspec.json.decode(answer.read())

    def listed(self) -> list[dict[str, Any]]:
        """The symbols of the exchange, as exchangeInfo states them."""
        with urlopen(f"{self._url}/fapi/v1/exchangeInfo", timeout=5) as answer:
            symbols: list[dict[str, Any]] = msgspec.json.decode(answer.read())["symbols"]
        return symbols

    def end_market(self, settle_s: float) -> None:
        """Let no symbol trade any more, and everything arrive: what would trigger later is told to nobody.

        A position whose stop was turned away because of that is given a market that trades again, until it stands.
        """
        trading = [each["symbol"] for each in self.listed() if each["status"] == TRADING]
        for _ in range(ENDS_MAX):
            before = self.books()
            self._set_status(trading, HALTED)
            books = self._at_rest(settle_s)
            bare = [key for key, _, _ in naked(books)]
            if not bare or not all(_refused_since(before, books, key) for key in bare):
                return
            self._set_status(trading, TRADING)
            give_up = time.monotonic() + COVERED_S
            while naked(self.books()) and time.monotonic() < give_up:
                time.sleep(LOOK_S)
        self._set_status(trading, HALTED)

    def _at_rest(self, settle_s: float) -> Books:
        """The books when everything has arrived, however late: also the answer about each stop that is missing."""
        time.sleep(settle_s)
        give_up = time.monotonic() + COVERED_S
        while _awaits_a_stop(books := self.books()) and time.monotonic() < give_up:
            time.sleep(LOOK_S)
        return books

    def _set_status(self, symbols: Sequence[str], status: str) -> None:
        for symbol in symbols:
            self.admin("POST", "symbol_status", symbol=symbol, status=status)

    def books(self) -> Books:
        """Both sides' books, from their files."""
        from src.infrastructure.persistence.read_models import SqliteReadModels

        database = self.folder / "steadyhand.db"
        reads = SqliteReadModels(database)
        try:
            (account,) = reads.accounts()
        finally:
            reads.close()
        return Books(database, account.account_id, self.folder / "testnet" / "exchange.db")

    def violations(self) -> list[str]:
        """Every violated invariant, both processes being at rest."""
        return violations(self.books())


def _awaits_a_stop(books: Books) -> bool:
    return any(stops_in(books, key, OrderStatus.PENDING_NEW) for key, _, _ in naked(books))


def _refused_since(before: Books, books: Books, key: PositionKey) -> set[str]:
    return stops_in(books, key, OrderStatus.REJECTED) - stops_in(before, key, OrderStatus.REJECTED)


@contextmanager
def a_run(
    folder: Path, port: int, exchange: Sequence[str] = (), session: Sequence[str] = (), **environment: str
) -> Iterator[Run]:
    """A run whose processes are gone at the end; ``environment`` is the session's."""
    run = Run(folder, port, exchange, session, **environment)
    try:
        yield run
    finally:
        run.session.kill()
        run.exchange.kill()
