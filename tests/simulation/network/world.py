"""One seeded history of both programs: they trade, all goes wrong, the sky clears, and their books are judged."""

import asyncio
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from src.application.ports.broker import BrokerError
from src.application.ports.failpoints import install_hook
from src.application.ports.store import StoreError
from src.application.trading.session_runner import EndCause
from src.domain.ledger.events import FillBooked
from src.domain.orders.transitions import AttemptState, CancelState
from src.domain.orders.types import Purpose
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.records import TRIGGERING
from src.infrastructure.simulated_exchange.server.fault_rules import FaultSchedule
from src.infrastructure.simulated_exchange.symbol_market import HALTED, TRADING
from src.infrastructure.time.machine import Machine
from tests.simulation.market import START_MS, SYMBOL
from tests.simulation.network.faults import SECONDS, Deed, Misfortune
from tests.simulation.network.loop import Process, SimulatedLoop
from tests.simulation.network.programs import (
    FUNDING_MS,
    KEY,
    VENUE,
    ExchangeProgram,
    SessionProgram,
    session_config,
)
from tests.simulation.network.wires import MS, Network
from tests.simulation.seeds import storms, unprovoked
from tests.simulation.world import Crash
from tests.support.invariants import Books, violations

LOOK_S: Final = 0.05
RESTART_S: Final = 0.4
RESTART_MAX_S: Final = 6.4
"""Whoever starts a session again waits twice as long each time that it does not come up."""
PATIENCE_S: Final = 150.0
"""How long both may take to agree once nothing goes wrong any more."""
QUIET_S: Final = 4.0
STOPS_MAX: Final = 10
HALTS_MAX: Final = 5
STOP_AGAIN_S: Final = 20.0
FORESEEN: Final = (BrokerError, StoreError)
"""How a session may end by itself while things go wrong; the next start repairs it."""


class History:
    """The world's own process: starts the others again, does to them what the seed says, and judges."""

    def __init__(self, seed: int, folder: Path, template: Path, fate: Misfortune) -> None:
        self.seed = seed
        self.folder = folder
        self.fate = fate
        self.loop = SimulatedLoop(seed)
        self.network = Network(self.loop, seed, fate.weather)
        self.events: Counter[str] = Counter()
        self.violations: list[str] = []
        self.digest = ""
        self.orders = 0
        self._faults = fate.schedule
        self._kill_at_failpoint = 0
        self._restart_s = RESTART_S
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.config = session_config(folder, seed, near_stops=fate.hangs_triggers)
        shutil.copyfile(template, self.config.database)

    def run(self) -> None:
        """From beginning to judgement."""
        install_hook(self._failpoint)
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._run())
        finally:
            install_hook(None)
            self.loop.unwind()
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _run(self) -> None:
        self._start_exchange()
        self._start_session()
        deeds = list(self.fate.deeds)
        while self.loop.time() < SECONDS:
            while deeds and deeds[0].at_s <= self.loop.time():
                self._do(deeds.pop(0))
            await self._look_after()
        await self._clear_up()
        self.violations += [f"unhandled: {text}" for text in self.loop.failures]
        self._judge()

    # --- processes --------------------------------------------------------------------------------------------

    def _machine(self, name: str) -> Machine:
        loop, ppm = self.loop, self.fate.drifts_ppm[name]
        begun_ns = (START_MS + self.fate.skews_ms[name]) * MS

        def steady_ns() -> int:
            return loop.now_ns + loop.now_ns * ppm // 1_000_000 + MS

        # Tries that fall into step would be a different program: the middle is chance enough here.
        return Machine(lambda: begun_ns + steady_ns(), steady_ns, lambda low, high: (low + high) / 2)

    def _start_exchange(self) -> None:
        self.events["exchange started"] += 1
        self.exchange_process = self.loop.process("exchange")
        self.exchange = ExchangeProgram(
            self.folder / "testnet",
            self.seed,
            SECONDS,
            self._machine("exchange"),
            self._faults,
            self.events["exchange started"],
        )
        self.exchange_task = self._spawn(self.exchange_process, self.exchange.run())

    def _start_session(self) -> None:
        self.events["session started"] += 1
        self.session_process = self.loop.process("session")
        self.session = SessionProgram(self.config, self._machine("session"), lambda: self.loop.now_ns // MS)
        self.session_task = self._spawn(self.session_process, self.session.run())

    def _spawn(self, process: Process, coroutine: Any) -> "asyncio.Task[None]":
        return self.loop.create_task(coroutine, context=process.context)

    async def _look_after(self) -> None:
        """Start again what has ended or was killed."""
        if not self.exchange_process.is_alive or self.exchange_task.done():
            self._take_away(self.exchange_process, self.exchange_task, ())
            self.exchange.clean_up()
            await asyncio.sleep(RESTART_S)
            self._start_exchange()
        if not self.session_process.is_alive or self.session_task.done():
            self._take_away(self.session_process, self.session_task, FORESEEN)
            await self.session.clean_up()
            await asyncio.sleep(self._restart_s)
            self._restart_s = RESTART_S if self.session.is_ready else min(2 * self._restart_s, RESTART_MAX_S)
            self._start_session()
        await asyncio.sleep(LOOK_S)

    def _take_away(
        self, process: Process, task: "asyncio.Task[None]", foreseen: tuple[type[Exception], ...]
    ) -> None:
        if process.is_alive:
            error = task.exception()
            self.events[f"{process.name} ended with {type(error).__name__}"] += 1
            if not isinstance(error, foreseen):
                self.violations.append(f"the {process.name} ended by itself: {error!r}")
        process.kill()
        self.loop.bury(process)

    # --- what is done to them -----------------------------------------------------------------------------------

    def _do(self, deed: Deed) -> None:
        self.events[deed.what] += 1
        match deed.what:
            case "session":
                self._kill_at_failpoint = deed.number
            case "session at once":
                self.session_process.kill_at = self.session_process.steps + deed.number
            case "exchange":
                self.exchange_process.kill_at = self.exchange_process.steps + deed.number
            case "sleep":
                self.session_process.asleep_until_ns = self.loop.now_ns + deed.number * MS
            case what:
                self._do_around_them(what, deed.number)

    def _do_around_them(self, what: str, number: int) -> None:
        match what:
            case "cut":
                if self.exchange.server is not None:
                    self.exchange.server.sockets.cut_all()
            case "reset":
                self.network.break_all()
            case "pull":
                self.network.cut_until_ns = self.loop.now_ns + number * MS
            case "halt":
                self._set_market(HALTED)
            case "trade on":
                self._set_market(TRADING)
            case "hang":
                self._hang_triggers(True)
            case "go on":
                self._hang_triggers(False)

    def _failpoint(self, name: str) -> None:
        process = self.loop.current()
        if not process.is_alive:
            raise Crash(name)
        if self._kill_at_failpoint and process is self.session_process:
            self._kill_at_failpoint -= 1
            if not self._kill_at_failpoint:
                self.events[f"killed at {name}"] += 1
                process.kill()
                raise Crash(name)

    # --- the end ------------------------------------------------------------------------------------------------

    async def _clear_up(self) -> None:
        """Nothing goes wrong any more: both have to agree, and to end in good order."""
        self.network.weather.calm()
        self._faults = FaultSchedule()
        self._kill_at_failpoint = self.session_process.kill_at = self.exchange_process.kill_at = 0
        if self.exchange.server is not None:
            self.exchange.server.faults.replace(self._faults)
        await self._wait(lambda: self._set_market(TRADING) and self._hang_triggers(False), 0.0)
        # Lines that fell silent stay so until somebody notices; here somebody pulls them.
        self.network.break_all()
        if not await self._wait(self._agrees, QUIET_S):
            self.violations.append(f"L1: no agreement {PATIENCE_S:.0f} s after the last fault")
        await self._stop_session()
        await self.session.clean_up()
        self.session_process.kill()
        self.exchange.stop()
        if not await self._wait(lambda: self.exchange_task.done(), 0.0, look_after=False):
            self.violations.append("the exchange did not stop in good order")

    async def _stop_session(self) -> None:
        """Ask it to stop; where the exchange's limits keep it from comparing, the next start goes on stopping."""
        if not self.fate.flattens:
            await self._halt_market()
        await self._wait(self._is_far_from_funding, 0.0, look_after=False)
        self._kill_at_failpoint = self.fate.dies_stopping
        for _ in range(STOPS_MAX):
            if self.session.runner is not None and self.session.is_ready:
                self.session.runner.request_stop(EndCause.SIGNAL, flatten=self.fate.flattens)
            if not await self._wait(self._session_is_over, 0.0, look_after=False):
                break
            if self.session_process.is_alive:
                error = self.session_task.exception()
                if error is None:
                    return
                self.events[f"stopping ended with {type(error).__name__}"] += 1
                await asyncio.sleep(STOP_AGAIN_S)
            self._kill_at_failpoint = 0
            # What is paid while nobody listens is booked by the next session only.
            await self._wait(self._is_far_from_funding, 0.0, look_after=False)
            await self._look_after()
            await self._wait(lambda: self.session.is_ready or self._session_is_over(), 0.0, look_after=False)
        self.violations.append(f"the session did not stop in good order: {self.session_task}")

    async def _halt_market(self) -> None:
        """Let nothing trade any more: what a stop did after the session's last look would be told to nobody.

        A position whose stop was on its way just then is given a market that trades again: a halted one takes none.
        """
        for _ in range(HALTS_MAX):
            self._set_market(HALTED)
            await self._wait(self._agrees, QUIET_S)
            if self._is_covered():
                return
            self.events["halted too early"] += 1
            self._set_market(TRADING)
            await self._wait(lambda: self._agrees() and self._is_covered(), QUIET_S)
        self.violations.append("L1: no stop stands at the exchange whenever its market is halted")

    def _set_market(self, status: str) -> bool:
        """Halt it or let it go on; False where nothing is done, because the exchange is down just now."""
        engine = self._engine()
        if engine is not None:
            engine.set_symbol_status(SYMBOL, status)
        return engine is not None

    def _hang_triggers(self, hangs: bool) -> bool:
        """Let triggers hang or go on; False where nothing is done, because the exchange is down just now."""
        engine = self._engine()
        if engine is None:
            return False
        hung = [one for one in engine.open_algo_orders(KEY.account) if one["algoStatus"] == TRIGGERING]
        if hung and not hangs:
            self.events["orders that hung"] += len(hung)
        engine.hang_triggers(SYMBOL, hangs)
        return True

    def _engine(self) -> Engine | None:
        if self.exchange.server is None or not self.exchange_process.is_alive:
            return None
        return self.exchange.server.services.venue.writing()

    def _is_covered(self) -> bool:
        runner = self.session.runner
        if runner is None or not self.session.is_ready:
            return False
        ledger = runner.loop.ledger
        stops = [
            o for o in ledger.orders.values() if o.ticket.purpose is Purpose.PROTECTIVE_STOP and o.is_open
        ]
        return all(
            position.is_flat
            or position.stop_waived
            or any(
                o.attempt_state is AttemptState.ACKED
                and o.side is not position.side
                and o.remaining_quantity >= abs(position.quantity)
                for o in stops
            )
            for position in ledger.positions.values()
        )

    def _session_is_over(self) -> bool:
        return self.session_task.done() or not self.session_process.is_alive

    def _is_far_from_funding(self) -> bool:
        server = self.exchange.server
        assert server is not None, "nothing kills the exchange any more"
        return 2_000 < server.services.venue.clock.now_ms() % FUNDING_MS < FUNDING_MS - 8_000

    async def _wait(self, condition: Callable[[], bool], quiet_s: float, *, look_after: bool = True) -> bool:
        """Until the condition has held for so long; False when it does not in time."""
        give_up_s = self.loop.time() + PATIENCE_S
        since_s = self.loop.time()
        while self.loop.time() < give_up_s:
            if not condition():
                since_s = self.loop.time()
            elif self.loop.time() - since_s >= quiet_s:
                return True
            if look_after:
                await self._look_after()
            else:
                await asyncio.sleep(LOOK_S)
        return False

    def _agrees(self) -> bool:
        runner = self.session.runner
        if runner is None or not self.session.is_ready or runner.loop.desk.suspension:
            return False
        orders = [order for order in runner.loop.ledger.orders.values() if order.is_open]
        return not any(
            o.attempt_state is not AttemptState.ACKED or o.cancel_state is CancelState.REQUESTED
            for o in orders
        )

    def _judge(self) -> None:
        books = Books(self.config.database, VENUE.account_id, self.folder / "testnet" / "exchange.db")
        # The auditor of files begins at the exchange's first row, the books of this account at its opening.
        found = [each for each in violations(books) if not _is_the_opening(each)]
        self.events["trades out of turn"] += _out_of_turn(books)
        self.violations += [*found, *unprovoked(books), *storms(books)]
        self.orders = len(books.orders)
        told = (
            books.head,
            self.loop.callbacks,
            self.loop.now_ns,
            self.network.made,
            sorted(self.events.items()),
        )
        self.digest = hashlib.blake2b(repr(told).encode(), digest_size=16).hexdigest()


def _is_the_opening(sentence: str) -> bool:
    return sentence.startswith("audit: income") and (
        "OPENING_BALANCE" in sentence or "income 1 TRANSFER" in sentence
    )


def _out_of_turn(books: Books) -> int:
    """How many trades were booked after one that the exchange made later."""
    return sum(isinstance(event, FillBooked) and event.position_cost is not None for _, event in books.events)
