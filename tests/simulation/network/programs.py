"""The two programs of a simulation, put together from the product's own parts as its command lines do it."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final

from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.bootstrap.venue import READ_YOUR_WRITES, TESTNET, Venue, look, parts_after
from src.infrastructure.brokers.binance_places import local_place
from src.infrastructure.identity.ids import SeededIds
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from src.infrastructure.simulated_exchange.server.app import ExchangeServer, ServerConfig
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.fault_rules import FaultSchedule
from src.infrastructure.simulated_exchange.server.keys import ApiKey
from src.infrastructure.time.machine import Machine
from tests.simulation.market import SYMBOL, SimulatedMarket
from tests.simulation.world import Trader, a_config, read_accounts, varied

PORT: Final = 18_080
KEY: Final = ApiKey("k" * 32, "s" * 32, account=1)
VENUE: Final = Venue(TESTNET, local_place(f"http://127.0.0.1:{PORT}"), KEY.key, KEY.secret, READ_YOUR_WRITES)
FUNDING_MS: Final = 20_000


class ExchangeProgram:
    """The local exchange, as ``steadyhand testnet`` serves it."""

    server: ExchangeServer | None = None

    def __init__(
        self, folder: Path, seed: int, seconds: int, machine: Machine, faults: FaultSchedule, start: int
    ) -> None:
        rng = random.Random(f"listen keys:{seed}:{start}")
        self._config = ServerConfig(
            folder,
            lambda: SimulatedMarket(seed, seconds, served=True),
            port=PORT,
            keys=(KEY,),
            faults=faults,
            rules=ExchangeRules(funding_interval_ms=FUNDING_MS),
            clock=ServerClock(machine.wall_ms, steady_ns=machine.steady_ns),
            synchronous="OFF",
            make_listen_key=lambda: f"{rng.getrandbits(256):064x}",
        )
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Serve until it is stopped."""
        async with ExchangeServer(self._config) as server:
            self.server = server
            await self._over.wait()

    def stop(self) -> None:
        """In good order."""
        self._over.set()

    def clean_up(self) -> None:
        """What the operating system does with the file of a process that was killed."""
        if self.server is not None and hasattr(self.server, "services"):
            self.server.services.archive._store.close()


class SessionProgram:
    """A session on that exchange, as ``steadyhand start-session --exchange testnet`` runs it."""

    parts: SessionParts | None = None
    runner: SessionRunner | None = None

    def __init__(self, config: PaperConfig, machine: Machine, elapsed_ms: Callable[[], int]) -> None:
        self._config = config
        self._machine = machine
        self._elapsed_ms = elapsed_ms
        self.is_ready = False

    async def run(self) -> None:
        """Start or resume, trade, and end when it is told to."""
        config, machine = self._config, self._machine
        before = await look(config, VENUE, machine)
        accounts = read_accounts(config.database)
        ids = SeededIds(config.seed, accounts[0].sessions if accounts else 0)
        self.parts = parts = parts_after(before, config, VENUE, accounts, machine, ids)
        self.runner = runner = SessionRunner(parts)
        await runner.start()
        self.is_ready = True
        RemoteTrader(runner, config.seed, 0).plan(self._elapsed_ms())
        await runner.run()

    async def clean_up(self) -> None:
        """What the operating system does with the files of a process that was killed."""
        if self.parts is not None:
            await self.parts.store.close()


class RemoteTrader(Trader):
    """The trader of the core's simulation, who looks at true time instead of the session's."""

    def plan(self, elapsed_ms: int) -> None:
        """Put every action that still lies ahead into the session's inbox."""
        inputs = self._runner.loop.inputs
        inputs.after(1_000, self._resume)
        inputs.after(1_000, self._rearm)
        for index in range(ACTIONS):
            rng = random.Random(f"action:{self._seed}:{index}")
            at_ms = rng.randrange(500, TRADING_MS)
            if at_ms > elapsed_ms:
                action = self._action(rng, entries_only=index < ENTRIES)
                inputs.after(at_ms - elapsed_ms, action)
        for index in range(OTHER_DEEDS):
            rng = random.Random(f"deed:{self._seed}:{index}")
            at_ms = rng.randrange(500, TRADING_MS)
            if at_ms > elapsed_ms:
                inputs.after(at_ms - elapsed_ms, partial(self._other_deed, rng))

    def _close(self, rng: random.Random) -> None:
        """A close by hand is refused while nobody has quoted a price."""
        if self._runner.loop.desk.best_prices(SYMBOL) is not None:
            super()._close(rng)


TRADING_MS: Final = 58_000
ACTIONS: Final = 27
ENTRIES: Final = 12
OTHER_DEEDS: Final = 6
NEAR_STOP_PCT: Final = Decimal("0.00005")


def session_config(folder: Path, seed: int, *, near_stops: bool) -> PaperConfig:
    """As in the core's simulation, without a market of its own; ``near_stops`` are fixed and soon reached."""
    config = replace(varied(a_config(folder, seed)), replay=(), latency=None, funding_interval_ms=FUNDING_MS)
    if not near_stops:
        return config
    return replace(config, stop_loss_pct=NEAR_STOP_PCT, trailing_stop_pct=Decimal(0))
