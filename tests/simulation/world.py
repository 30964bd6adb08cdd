"""One seeded history: a market, a trader who does everything at random, an exchange, and a process that dies.

The store and the exchange are SQLite databases, on files or in memory (:mod:`tests.simulation.disk`), the clock is
virtual, and nothing waits for the wall. A crash is an exception that no product code may catch, raised at a failpoint;
the objects are dropped and the next process is made from the two databases, as after a kill.
"""

import os
import random
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from src.application.ports.failpoints import install_hook
from src.application.ports.store import AccountRow
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_account import exchange_file, identity_of
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.news import MoveSession, MoveTrading, ReopenSymbol, RequestCancel
from src.domain.decisions.watch import UNPROTECTED
from src.domain.market.sides import OrderSide
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.portfolio.margin import ISOLATED
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.session import SessionTrigger, TradingSessionStatus
from src.domain.sessions.trading_states import SymbolState, TradingState, TradingTrigger
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.side_journal import side_journal_path
from src.infrastructure.simulated_exchange.latency import MILLISECOND_NS, LatencyModel
from tests.simulation.deeds import DEEDS, TRADER, close_one, place
from tests.simulation.disk import Disk
from tests.simulation.market import START_MS, SYMBOL, TICK, SimulatedMarket
from tests.simulation.parents import amend_an_order, move_a_parent, open_a_parent

SECONDS = 60
ACTIONS = 7
ENTRIES = 2
OTHER_DEEDS = 2
ORDERS_MIN = 10
"""An eventless history is brought up to so many orders sent, in the deep book at its end."""
GOOD_TILL_MS = 3_600_000
TOP_UP_MS = 150
HALTED_MS = 1_000
MARKET_ID = "simulation"


class Crash(BaseException):
    """The process is gone. Not an Exception: nothing may handle it."""


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits for the outside world."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as done:
        return done.value


@dataclass(slots=True)
class CrashPlan:
    """Kills at the n-th failpoint from now on; counts those that were passed."""

    at: int
    passed: int = 0
    where: str = ""
    names: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        """The hook."""
        self.passed += 1
        if self.passed == self.at:
            self.where = name
            raise Crash(name)


class World:
    """The files of one seed, and the processes that come and go over them."""

    def __init__(self, seed: int, folder: Path, disk: Disk) -> None:
        self.seed = seed
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        # Nobody here trades on candles, and they are no part of the books: twelve a minute are enough to travel along.
        self.config = replace(varied(a_config(folder, seed)), data_dir=folder / "data", timeframe="5s")
        self.account_id = identity_of(self.config, MARKET_ID, []).account_id()
        self.exchange_file = exchange_file(self.config.data_dir, self.account_id)
        self.exchange_file.parent.mkdir(parents=True)
        side_journal_path(self.config.data_dir, self.account_id).parent.mkdir()
        # A folder that has not changed for long: the kill switch, a file that may appear there, costs one look.
        os.utime(self.config.data_dir, (0, 0))
        disk.lay(self.config.database)
        disk.expect(self.exchange_file)
        self.orders_sent = 0
        self._known: list[AccountRow] = []

    def process(self, plan: CrashPlan | None, *, end: bool, only_start: bool = False) -> bool:
        """Run one process until the plan kills it (True), or until the market ends (False).

        ``end``: stop in good order at the end of the market; otherwise the process is killed there. ``only_start``:
        it is killed when it has started.
        """
        install_hook(plan)
        parts: SessionParts | None = None
        runner: SessionRunner | None = None
        try:
            parts = paper_parts(
                self.config, lambda config: SimulatedMarket(config.seed, SECONDS), MARKET_ID, self._known
            )
            runner = SessionRunner(parts)
            drive(runner.start())
            # The market has one account and its session is never finished before the end: nothing to choose from.
            self.exchange_file.touch()
            self._known = [AccountRow(self.account_id, "paper", "", 0, "", None, None, 0, 0)]
            if only_start:
                return True
            Trader(runner, self.seed, self.orders_sent).schedule()
            if end:
                drive(runner.run())
                return False
            drive(self._run_to_end(runner))
            return True
        except Crash:
            return True
        finally:
            install_hook(None)
            if runner is not None and hasattr(runner, "loop"):
                self.orders_sent += runner.loop.orders_sent
            if parts is not None:
                drive(parts.store.close())
                parts.close()

    async def _run_to_end(self, runner: SessionRunner) -> None:
        while await runner.loop.turn():
            if runner.loop.reconcile_wanted:
                await runner.reconcile()


def a_config(folder: Path, seed: int) -> PaperConfig:
    """A session that trades by hand only, with limits that let the trader through and protection that triggers."""
    return PaperConfig(
        data_dir=folder,
        database=folder / "session.db",
        symbols=(SYMBOL,),
        strategies=(),
        timeframe="1s",
        replay=(Path("simulation"),),
        speed=None,
        seed=seed,
        stop_loss_pct=Decimal("0.0004"),
        take_profit_pct=Decimal("0.0006"),
        funding_interval_ms=20_000,
        save_state_interval_ms=10_000,
        limits=RiskLimits(
            position_size_pct=Decimal(100),
            daily_loss_pct_max=Decimal(1),
            slippage_pct_max=Decimal("0.5"),
            free_margin_pct_min=Decimal(0),
            leverage_max=Decimal(100),
        ),
        synchronous="OFF",
        latency=LatencyModel(
            seed=seed,
            request_ns=20 * MILLISECOND_NS,
            answer_ns=20 * MILLISECOND_NS,
            event_ns=20 * MILLISECOND_NS,
            jitter=0.9,
            late=0.1,
            late_ns=1_500 * MILLISECOND_NS,
            duplicate=0.15,
        ),
    )


def varied(config: PaperConfig) -> PaperConfig:
    """One-way or hedged, cross or isolated, with fixed stops or trailing ones, at some leverage: by the seed.

    A trailing stop nearer than a tenth of a percent is refused every time, so positions have to be closed instead.
    """
    rng = random.Random(f"config:{config.seed}")
    return replace(
        config,
        hedge_mode=rng.random() < 0.3,
        margin_type=ISOLATED if rng.random() < 0.2 else config.margin_type,
        trailing_stop_pct=Decimal(rng.choice(("0", "0", "0", "0.001", "0.0005", "0.0005"))),
        leverage=rng.choice((3, 10, 20)),
    )


def read_accounts(database: Path) -> list[AccountRow]:
    """The accounts of a database."""
    reads = SqliteReadModels(database)
    try:
        return reads.accounts()
    finally:
        reads.close()


class Trader:
    """Does things at random moments; each is keyed by (seed, index), so a restart goes on with the same plan."""

    def __init__(self, runner: SessionRunner, seed: int, sent_before: int) -> None:
        self._runner = runner
        self._seed = seed
        self._sent_before = sent_before

    def schedule(self) -> None:
        """Put every action that still lies ahead into the session's inbox."""
        inputs = self._runner.loop.inputs
        # What the last process left paused or halted ends soon.
        inputs.after(1_000, self._resume)
        inputs.after(1_000, self._rearm)
        for index in range(ACTIONS):
            rng = random.Random(f"action:{self._seed}:{index}")
            self._when_its_time_comes(rng, self._action(rng, entries_only=index < ENTRIES))
        for index in range(OTHER_DEEDS):
            rng = random.Random(f"deed:{self._seed}:{index}")
            self._when_its_time_comes(rng, partial(self._other_deed, rng))
        inputs.after(max(0, START_MS + SECONDS * 1000 - inputs.now_ms()), self._top_up)

    def _when_its_time_comes(self, rng: random.Random, act: Callable[[], None]) -> None:
        """Act at a moment drawn by chance, unless it has passed."""
        inputs = self._runner.loop.inputs
        at_ms = START_MS + rng.randrange(500, SECONDS * 1000)
        if at_ms > inputs.now_ms():
            inputs.after(at_ms - inputs.now_ms(), act)

    def _top_up(self) -> None:
        """Enter until the history has its orders; what is entered is drawn anew each time."""
        loop = self._runner.loop
        sent = self._sent_before + loop.orders_sent
        if sent < ORDERS_MIN:
            # A pause or halt of the last moment would outlast the market.
            self._resume()
            self._rearm()
            self._reopen()
            self._market(random.Random(f"top-up:{self._seed}:{loop.now_ms()}"))
            loop.inputs.after(TOP_UP_MS, self._top_up)

    def _action(self, rng: random.Random, *, entries_only: bool) -> Callable[[], None]:
        weights = (4, 2, 0, 0, 0, 0, 1, 0, 0) if entries_only else (12, 20, 15, 25, 5, 3, 10, 10, 20)
        kinds: tuple[Callable[[random.Random], None], ...] = (
            *(self._market, self._limit, self._cancel, self._close, self._pause, self._halt),
            *(partial(act, self._runner) for act in (open_a_parent, move_a_parent, amend_an_order)),
        )
        kind = rng.choices(kinds, weights)[0]

        def act() -> None:
            self._reopen()
            kind(rng)

        return act

    def _other_deed(self, rng: random.Random) -> None:
        """One of the other deeds; if it halted trading, that is over soon."""
        rng.choice(DEEDS)(self._runner, rng)
        self._runner.loop.inputs.after(HALTED_MS, self._rearm)

    def _market(self, rng: random.Random) -> None:
        self._enter(rng, OrderType.MARKET, None, None)

    def _limit(self, rng: random.Random) -> None:
        prices = self._runner.loop.desk.best_prices(SYMBOL)
        if prices is None:
            return
        near = prices[0] + TICK * rng.randrange(-30, 31)
        self._enter(rng, OrderType.LIMIT, near, rng.choice(tuple(TimeInForce)))

    def _enter(
        self, rng: random.Random, kind: OrderType, price: Decimal | None, force: TimeInForce | None
    ) -> None:
        loop = self._runner.loop
        prices = loop.desk.best_prices(SYMBOL)
        if prices is None:
            return
        side = rng.choice(tuple(OrderSide))
        ticket = OrderTicket(
            symbol=SYMBOL,
            side=side,
            order_type=kind,
            quantity=Decimal(rng.choice((1, 2, 3, 10, 50))) / 1000,
            purpose=Purpose.ENTRY,
            strategy_id=TRADER,
            reference_price=prices[0],
            position_side=self._runner.adapter.side_opened(side),
            limit_price=price,
            time_in_force=force,
            good_till_ms=loop.inputs.now_ms() + GOOD_TILL_MS if force is TimeInForce.GTD else None,
        )
        place(self._runner, ticket)

    def _cancel(self, rng: random.Random) -> None:
        loop = self._runner.loop
        waiting = [o for o in loop.ledger.orders.values() if o.is_open and not o.ticket.purpose.is_protective]
        if waiting:
            loop.decide(RequestCancel(rng.choice(waiting).client_order_id, "at random"))

    def _close(self, rng: random.Random) -> None:
        close_one(self._runner, rng)

    def _pause(self, rng: random.Random) -> None:
        """Pause for a moment, so that a history is not one long pause."""
        loop = self._runner.loop
        if self._runner.session.status is TradingSessionStatus.RUNNING:
            loop.decide(MoveSession(SessionTrigger.PAUSE, "at random"))
            loop.inputs.after(rng.randrange(200, 2_000), self._resume)

    def _resume(self) -> None:
        if self._runner.session.status is TradingSessionStatus.PAUSED:
            self._runner.loop.decide(MoveSession(SessionTrigger.RESUME, "at random"))

    def _halt(self, rng: random.Random) -> None:
        """Halt for a moment; a process that dies meanwhile leaves the halt to the next."""
        loop = self._runner.loop
        loop.decide(MoveTrading(TradingTrigger.HALT, "at random", TRADER))
        loop.inputs.after(rng.randrange(200, 2_000), self._rearm)

    def _rearm(self) -> None:
        loop = self._runner.loop
        if loop.ledger.account.trading_state is TradingState.HALTED:
            loop.decide(MoveTrading(TradingTrigger.REARM, "at random", TRADER))

    def _reopen(self) -> None:
        """In worlds whose stops are refused for good the symbol is closed ever again: the trader never learns."""
        loop = self._runner.loop
        book = loop.ledger.symbol(SYMBOL)
        if book.state is SymbolState.CLOSED and book.reason.startswith(UNPROTECTED):
            loop.decide(ReopenSymbol(SYMBOL, TRADER))
