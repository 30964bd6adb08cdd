"""The world of a cell: a local exchange, a market made by hand, and a session composed as the program composes it.

A process is a session's objects; killing it drops them without a word and keeps its file, as SIGKILL does. The market
moves by a pacer, so that quotes stay fresh while virtual time passes.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from src.application.ports.broker import BrokerError, BrokerUnavailable
from src.application.ports.store import StoreError
from src.application.trading.session_runner import EndCause, SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.bootstrap.venue import READ_YOUR_WRITES, Venue, look, parts_after
from src.domain.risk.limits import RiskLimits
from src.infrastructure.brokers.binance_futures_broker import BinanceFuturesBroker
from src.infrastructure.brokers.binance_places import local_place
from src.infrastructure.brokers.circuit_breaker import CircuitBreaker
from src.infrastructure.brokers.guarded_reads import RECOVERY_S, guarded
from src.infrastructure.market_data.frames import MarketFrame
from src.infrastructure.simulated_exchange.server import app
from src.infrastructure.simulated_exchange.server.app import ExchangeServer, ServerConfig
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule, FaultSchedule
from src.infrastructure.simulated_exchange.server.limits import Limits
from src.infrastructure.time.machine import Machine
from src.interfaces.cli.composition import ConfigurationError
from tests.matrix.virtual_time import virtual_ns
from tests.simulation.world import read_accounts
from tests.support.engine_builders import BTC, Frames, an_instrument
from tests.support.exchange_server import KEY
from tests.support.invariants import Books
from tests.support.venue_on_sockets import SilentMarket

MACHINE: Final = Machine(virtual_ns, virtual_ns, lambda low, high: (low + high) / 2)
BID: Final = Decimal("76000.0")
TICK: Final = Decimal("0.1")
PACE_S: Final = 0.5
RESTART_S: Final = 1.0
STARTS_MAX: Final = 12
RETRIES: Final = 3
KEEP_ALIVE_S: Final = 6.0
"""Instead of a minute."""
SERVER_TICK_S: Final = 0.5
LOOSE: Final = RiskLimits(
    position_size_pct=Decimal(100),
    daily_loss_pct_max=Decimal(1),
    slippage_pct_max=Decimal("0.5"),
    free_margin_pct_min=Decimal(0),
    leverage_max=Decimal(100),
)


class TwoSymbols(SilentMarket):
    """Silence about two symbols, so that an answer can be about the wrong one."""

    symbols = (BTC, "ETHUSDT")

    def __init__(self) -> None:
        super().__init__()
        self.instruments = {name: an_instrument(name) for name in self.symbols}


class World:
    """One exchange and the processes of one session, one after the other."""

    def __init__(self, server: ExchangeServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.bid = BID
        self.runner: SessionRunner | None = None
        self.starts = 0
        self.ends: list[str] = []
        self.naked = 0
        self.unreserved = 0
        self._running: asyncio.Task[None] | None = None
        self._frames = Frames(start_ms=server.services.venue.clock.now_ms())

    # --- the market -----------------------------------------------------------------------------------------

    async def pace(self) -> None:
        """Quotes and trades for as long as the world lasts."""
        while True:
            self.quote(self.bid)
            self.naked += self._is_naked()
            self.unreserved += self._is_unreserved()
            await asyncio.sleep(PACE_S)

    def _is_unreserved(self) -> bool:
        """Whether more may still be bought than the session has reserved."""
        if self.runner is None or not hasattr(self.runner, "loop"):
            return False
        ledger = self.runner.loop.ledger
        entries = [o for o in ledger.orders.values() if o.is_open and not o.ticket.reduce_only]
        return sum(o.remaining_quantity for o in entries) > ledger.symbol(BTC).pending_buy

    def _is_naked(self) -> bool:
        """Whether a position stands at the exchange without any stop."""
        algos = self.server.services.venue.engine.open_algo_orders(1)
        return self.is_held and not any(row["orderType"] == "STOP_MARKET" for row in algos)

    @property
    def is_held(self) -> bool:
        """Whether there is a position at the exchange."""
        engine = self.server.services.venue.engine
        return any(float(row["positionAmt"]) for row in engine.position_risk(1))

    def quote(self, bid: Decimal) -> None:
        """The market stands at ``bid``, deep enough for everything, and trades there."""
        self.bid = bid
        ask = bid + TICK
        self._frames.now_ms = max(self._frames.now_ms, self.server.services.venue.clock.now_ms())
        self._happen(self._frames.ticker(str(bid), str(ask)))
        self._happen(self._frames.mark(str(bid)))
        self._happen(self._frames.trade(str(bid), "2", after_ms=0))
        self.server.hub.flush()

    def _happen(self, frame: MarketFrame) -> None:
        services = self.server.services
        services.venue.writing().on_frame(frame)
        services.market.take(frame)

    # --- faults ---------------------------------------------------------------------------------------------

    def arm(self, *rules: FaultRule) -> None:
        """From now on this goes wrong, and nothing else."""
        self.server.faults.replace(FaultSchedule(seed=1, rules=rules))

    def admin(self, operation: str, **body: Any) -> None:
        """Something befalls the account or the market."""
        self.server._admin._operations[operation](body)

    # --- processes ------------------------------------------------------------------------------------------

    @property
    def is_alive(self) -> bool:
        """Whether a process runs its session."""
        return self._running is not None and not self._running.done()

    async def start(self) -> None:
        """Start a process, again and again until one runs, as a supervisor does; raises when none ever does."""
        while self.starts < STARTS_MAX:
            try:
                await self._start_once()
                return
            except (BrokerError, ConfigurationError) as error:
                self.ends.append(f"start: {type(error).__name__}: {error}")
                await asyncio.sleep(RESTART_S * 2 ** min(len(self.ends), 5))
        raise AssertionError(f"no process could be started: {self.ends[-1]}")

    async def _start_once(self) -> None:
        self.starts += 1
        config, venue = self._config(), self._venue()
        before = await look(config, venue, MACHINE)
        parts = parts_after(before, config, venue, read_accounts(config.database), MACHINE)
        inner = parts.broker
        assert isinstance(inner, BinanceFuturesBroker), "the composition makes this broker"
        inner._stream._keep_alive_s = KEEP_ALIVE_S
        clock = asyncio.get_running_loop().time
        breaker = CircuitBreaker(recovery_timeout=RECOVERY_S, failures=BrokerUnavailable, clock=clock)
        parts.broker = guarded(inner, RETRIES, breaker)
        self._inner = inner
        self.runner = runner = SessionRunner(parts)
        try:
            await runner.start()
        except BaseException:  # the planned deaths of processes are no Exceptions
            await self._drop()
            raise
        self._running = asyncio.get_running_loop().create_task(runner.run())

    async def ensure_alive(self) -> None:
        """Start a process again if the last one ended by itself with an error that the program knows."""
        if self._running is None or not self._running.done():
            return
        error = self._running.exception()
        if error is None:
            return
        if not isinstance(error, BrokerError | StoreError):
            raise error
        self.ends.append(f"run: {type(error).__name__}: {error}")
        await self._drop()
        await asyncio.sleep(RESTART_S)
        await self.start()

    async def kill(self) -> None:
        """SIGKILL."""
        await self._drop()

    async def _drop(self) -> None:
        running, self._running = self._running, None
        runner, self.runner = self.runner, None
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError, BrokerError, StoreError):
                await running
        inner = self._inner
        inner._sink = None
        tasks = [*inner._tasks]
        dead_man = getattr(runner, "_dead_man", None)
        if dead_man is not None:
            tasks += dead_man._tasks
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if inner._market is not None:
            await inner._market.close()
        if inner._stream._current is not None:
            await inner._stream._current.close()
        if not inner._closed:
            await inner._client.close()
            inner._budget.close()
        if runner is not None:
            await runner.parts.store.close()

    async def stop(self, *, flatten: bool = False) -> None:
        """Stop the session in good order, however many processes that takes."""
        for _ in range(STARTS_MAX):
            await self.ensure_alive()
            runner = self.the_runner
            if not runner.finished:
                runner.request_stop(EndCause.STOP, flatten=flatten)
                assert self._running is not None, "it runs"
                await asyncio.wait([self._running])
            if runner.finished:
                await self._drop()
                return
        raise AssertionError(f"the session cannot be stopped: {self.ends[-1]}")

    @property
    def the_runner(self) -> SessionRunner:
        """The session of the process that runs."""
        assert self.runner is not None, "a process was started"
        return self.runner

    # --- the session ----------------------------------------------------------------------------------------

    async def tell(self, command: Callable[[SessionRunner], Any]) -> Any:
        """Let the session do something; returns when it is durable."""
        runner = self.the_runner
        return await runner.loop.ask(lambda: command(runner))

    async def until(self, done: Callable[[SessionRunner], bool], seconds: float = 30.0) -> bool:
        """Let time pass until something is so; False when it does not become so."""
        for _ in range(int(seconds * 10)):
            if not self.is_alive:
                return False
            if done(self.the_runner):
                return True
            await asyncio.sleep(0.1)
        return False

    def books(self) -> Books:
        """Both sides' books, from their files."""
        config = self._config()
        (account,) = read_accounts(config.database)
        return Books(config.database, account.account_id, self.folder / "testnet" / "exchange.db")

    def _venue(self) -> Venue:
        return Venue("testnet", local_place(self.server.url), KEY.key, KEY.secret, READ_YOUR_WRITES)

    def _config(self) -> PaperConfig:
        return PaperConfig(
            data_dir=self.folder,
            database=self.folder / "session.db",
            symbols=(BTC,),
            strategies=(),
            timeframe="1m",
            limits=LOOSE,
            synchronous="OFF",
            stop_loss_pct=Decimal("0.01"),
            take_profit_pct=Decimal("0.02"),
        )


@contextmanager
def _swapped(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


@asynccontextmanager
async def a_world(folder: Path, template: Path) -> AsyncIterator[World]:
    """A served exchange with a market, and no process yet; ``template`` is an empty database."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(template, folder / "session.db")
    limits = Limits(weight=None, orders_10s=None, orders_1m=None)
    clock = ServerClock(MACHINE.wall_ms)
    config = ServerConfig(
        folder / "testnet", TwoSymbols, keys=(KEY,), synchronous="OFF", limits=limits, clock=clock
    )
    with _swapped(app, "TICK_S", SERVER_TICK_S):
        async with ExchangeServer(config) as server:
            world = World(server, folder)
            pacer = asyncio.get_running_loop().create_task(world.pace())
            try:
                yield world
            finally:
                if world.runner is not None:
                    await world.kill()
                pacer.cancel()
                await asyncio.gather(pacer, return_exceptions=True)
