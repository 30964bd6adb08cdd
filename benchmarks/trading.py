"""Trading by hand in a paper session that is being measured: enter at the market, let time pass, leave again."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from benchmarks.disk import WriteAheadLog
from benchmarks.hot_path import LIMITS, paper_config
from benchmarks.meter import COMMITTED
from benchmarks.quotes import BURST_EVERY_MS, SYMBOLS, QuoteMarket
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.news import PlaceOrder
from src.domain.market.sides import OrderSide
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.domain.risk.review import Approved, review_reducing
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.persistence.sqlite_store import SqliteStore
from tests.application.trading.sessions import pass_time

SYMBOL: Final = SYMBOLS[0]
"""The symbol traded."""
STRATEGY: Final = "by hand"
WAIT_MS: Final = 60
"""Session time after each order: answers, fills, protection and their ends have arrived."""
REST_MS: Final = 1_200
"""Session time after a round trip: more than fifty a minute are taken for a storm of protective orders."""
WITHOUT_END: Final = 10**9


def unthrottled(folder: Path) -> PaperConfig:
    """A session in ``folder`` that no rule slows down; nothing is synced."""
    limits = replace(
        LIMITS,
        orders_per_second_max=WITHOUT_END,
        orders_per_minute_max=WITHOUT_END,
        entries_per_minute_max=WITHOUT_END,
    )
    return replace(paper_config(folder), limits=limits)


def entry(runner: SessionRunner, number: int) -> OrderTicket:
    """An order at the market, each a little different from the one before."""
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    side = OrderSide.BUY if number % 2 else OrderSide.SELL
    quantity = Decimal(10 + number % 7).scaleb(-3)
    return OrderTicket(SYMBOL, side, OrderType.MARKET, quantity, Purpose.ENTRY, STRATEGY, prices[0])


def approved(runner: SessionRunner, ticket: OrderTicket) -> PlaceOrder:
    """What the session decides about next; RuntimeError when a rule refuses it."""
    verdict = runner.validator.review(ticket, runner.loop.inputs.now_ms())
    if not isinstance(verdict, Approved):
        raise RuntimeError(f"no rule may refuse here: {verdict.objection.text}")
    return PlaceOrder(verdict)


async def place(runner: SessionRunner, ticket: OrderTicket) -> None:
    """Decide, commit and send."""
    runner.loop.decide(approved(runner, ticket))
    await runner.loop.flush()


async def leave(runner: SessionRunner) -> None:
    """Close the position by an order at the market; RuntimeError when it is not flat a moment later."""
    loop = runner.loop
    position = loop.ledger.position(SYMBOL)
    ticket = runner.adapter.exit(position, abs(position.quantity), STRATEGY, "enough")
    verdict = review_reducing(loop.ledger, ticket)
    if not isinstance(verdict, Approved):
        raise RuntimeError(f"an exit is never refused: {verdict.objection.text}")
    loop.decide(PlaceOrder(verdict))
    await loop.flush()
    await pass_time(loop, WAIT_MS)
    if not loop.ledger.position(SYMBOL).is_flat:
        raise RuntimeError("the exit did not arrive in time")


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry took, ns: its decision, with all that is encoded for it, and the commit that follows."""

    decided_ns: int
    committed_ns: int


class PaperTrader:
    """A paper session in ``folder`` that makes round trips. ``synchronous`` is SQLite's, of the session's own file.

    ``marks`` are the moments at which the product's failpoints were passed, ns, by name: one hook serves all sessions.
    """

    def __init__(self, folder: Path, marks: Mapping[str, int], synchronous: str = "OFF") -> None:
        folder.mkdir()
        self._config = unthrottled(folder)
        self._marks = marks
        self._synchronous = synchronous

    async def open(self, opened: AsyncExitStack) -> None:
        """Bring the session to RUNNING; it is closed with ``opened``."""
        config = self._config
        create_sqlite(config.database)
        parts = paper_parts(config, lambda _: QuoteMarket(WITHOUT_END), "by hand", [])
        opened.callback(parts.close)
        await parts.store.close()
        parts.store = SqliteStore(config.database, synchronous=self._synchronous)
        self.log = WriteAheadLog(config.database)
        opened.callback(self.log.close)
        opened.push_async_callback(parts.store.close)
        self.runner = SessionRunner(parts)
        await self.runner.start()
        await pass_time(self.runner.loop, BURST_EVERY_MS)

    async def enter(self, number: int) -> Entry:
        """Place an order."""
        loop = self.runner.loop
        order = approved(self.runner, entry(self.runner, number))
        before = perf_counter_ns()
        loop.decide(order)
        decided = perf_counter_ns()
        await loop.flush()
        return Entry(decided - before, self._marks[COMMITTED] - decided)

    async def leave(self) -> None:
        """Close the position again, and let some time pass."""
        await pass_time(self.runner.loop, WAIT_MS)
        await leave(self.runner)
        await pass_time(self.runner.loop, REST_MS)
