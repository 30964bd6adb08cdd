"""One soak: the moves of a schedule made on two processes, a supervisor that starts what ended, rest, and judgement."""

import shutil
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Final

from src.domain.sessions.trading_states import TradingState
from tests.soak.schedule import Deed, Move, Schedule
from tests.venue.processes import Program, Run
from tests.venue.scenarios import LIVELY, LOOSE

STARTS_MAX: Final = 8
START_AGAIN_S: Final = 10.0
"""Between two tries: the minute's weight of requests may be used up, and has to pass."""
SETTLE_S: Final = 12.0
"""Beyond the receive window and the client's patience, so that nothing is on its way any more."""
STOP_S: Final = 60.0
EXCHANGE_START_S: Final = 120.0


class Soak:
    """A run of some length. Read :attr:`violations` and :meth:`figures` afterwards."""

    def __init__(self, folder: Path, port: int, seed: int, market: tuple[str, ...]) -> None:
        self._folder = folder
        self._seed = seed
        self._schedule = Schedule(seed)
        self._run = Run(folder, port, market, LIVELY, **LOOSE)
        self._starts_s: list[float] = []
        self._injected: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self.deeds: Counter[Deed] = Counter()
        self.ended_by_itself = 0
        self.violations: list[str] = []

    def run(self, seconds: float) -> None:
        """Mistreat the processes for so long, then let them rest and compare their files."""
        run = self._run
        try:
            self._start_exchange()
            self._start_session()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                move = self._schedule.next()
                time.sleep(move.pause_s)
                self._supervise()
                self._make(move)
            self._rest()
        finally:
            run.session.kill()
            run.exchange.kill()

    # --- mistreatment ---------------------------------------------------------------------------------------

    def _make(self, move: Move) -> None:
        run, deed = self._run, move.deed
        self.deeds[deed] += 1
        if deed is Deed.FAULTS:
            self._count_faults()
            run.admin("PUT", "faults", seed=self._seed, rules=move.rules)
        elif deed in (Deed.KILL_SESSION, Deed.KILL_EXCHANGE, Deed.KILL_BOTH):
            self._kill(exchange=deed is not Deed.KILL_SESSION, session=deed is not Deed.KILL_EXCHANGE)
        elif deed is Deed.FREEZE_SESSION:
            _freeze(run.session, move.amount)
        elif deed is Deed.FREEZE_EXCHANGE:
            _freeze(run.exchange, move.amount)
        elif deed is Deed.CUT:
            run.admin("POST", "streams/cut")
        elif deed is Deed.MUTE:
            run.admin("POST", "streams/mute", ms=int(move.amount))
        elif deed is Deed.EXPIRE:
            run.admin("POST", "streams/expire", account=1)
        elif deed is Deed.SKEW:
            run.admin("POST", "clock", skew_ms=int(move.amount))
        else:
            run.admin("POST", "funding", symbol="BTCUSDT", rate="0.0001")

    def _kill(self, *, exchange: bool, session: bool) -> None:
        if exchange:
            self._count_faults()
            self._counted.clear()
            self._run.exchange.kill()
        if session:
            self._run.session.kill()
        if exchange:
            self._start_exchange()
        if session:
            self._start_session()

    def _count_faults(self) -> None:
        """Add what was injected since the last time; the exchange counts from its own start."""
        counts = Counter(self._run.admin("GET", "faults"))
        self._injected.update(counts - self._counted)
        self._counted = counts

    # --- supervision ----------------------------------------------------------------------------------------

    def _supervise(self) -> None:
        """Start a session again that ended by itself, as whoever runs it would."""
        if not self._run.session.is_running:
            self.ended_by_itself += 1
            self._start_session()

    def _start_exchange(self) -> None:
        """Start it; on a busy machine it may take a while to bring a recorded market to its place."""
        exchange = self._run.exchange
        since = exchange.log.stat().st_size if exchange.log.exists() else 0
        exchange.start()
        exchange.wait_for("API key", since, EXCHANGE_START_S)

    def _start_session(self) -> None:
        """Start it; one that cannot start while faults last is started without them."""
        for _ in range(STARTS_MAX):
            try:
                self._starts_s.append(self._run.start_session())
                return
            except RuntimeError:
                self.ended_by_itself += 1
                self._run.session.kill()
                self._calm()
                time.sleep(START_AGAIN_S)
        raise RuntimeError(f"the session cannot be started: {self._run.session.tail()}")

    def _calm(self) -> None:
        self._count_faults()
        self._run.admin("PUT", "faults", seed=0, rules=[])
        self._run.admin("POST", "clock", skew_ms=0)

    # --- rest -----------------------------------------------------------------------------------------------

    def _rest(self) -> None:
        self._calm()
        self._supervise()
        self._run.end_market(SETTLE_S)
        self._supervise()
        code = self._run.session.stop(STOP_S)
        if code != 0:
            self.violations.append(f"the session ended with {code}: {self._run.session.tail()}")
        self._run.exchange.stop()
        self.violations += self._run.violations()

    def figures(self, seconds: float) -> str:
        """What was done and what came of it, one line each."""
        books = self._run.books()
        kills = sum(self.deeds[deed] for deed in (Deed.KILL_SESSION, Deed.KILL_EXCHANGE, Deed.KILL_BOTH))
        halted = books.ledger.account.trading_state is TradingState.HALTED
        starts = self._starts_s or [0.0]
        return "\n".join(
            [
                f"seed {self._seed}: {seconds / 60:.1f} minutes, {kills} kills",
                f"done: {', '.join(f'{count} {deed.value}' for deed, count in self.deeds.most_common())}",
                f"faults injected: {self._injected.total()} of {len(self._injected)} kinds",
                f"orders {len(books.orders)}, fills {len(books.fills)}, halted at the end: {halted}",
                f"start to RUNNING: median {median(starts):.2f} s, slowest {max(starts):.2f} s; "
                f"ended by themselves and were started again: {self.ended_by_itself}",
                f"violations: {len(self.violations)}",
            ]
        )

    def clean(self) -> None:
        """Remove files and logs."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _freeze(program: Program, seconds: float) -> None:
    """Stop a process where it stands, and let it go on as if nothing had been."""
    program.freeze()
    time.sleep(seconds)
    program.thaw()
