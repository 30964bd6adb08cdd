"""The one writer when no session runs: halt, re-arm, and the recovery procedure by hand."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Final

from src.application.ports.store import OrderArchive, ReadModels
from src.application.trading.emergency_import import news_of
from src.application.trading.services.exchange_reading import differences, read_exchange
from src.application.trading.services.live_trading_service import OrderNotFound
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.decide import decide
from src.domain.decisions.news import MoveParent, MoveTrading, ReleaseAttempt, ReopenSymbol, RequestCancel
from src.domain.decisions.step import Now, Policy
from src.domain.ledger.events import FillBooked, IncomeBooked, TradesConfirmed
from src.domain.ledger.state import Ledger
from src.domain.market.view import BlindView
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentTrigger
from src.domain.orders.transitions import AttemptState, CancelState
from src.domain.sessions.trading_states import TradingTrigger
from src.infrastructure.persistence.databases import Database
from src.infrastructure.persistence.side_journal import side_journal_path
from src.interfaces.cli.composition import (
    Difference,
    OrderCanceled,
    OrderReleased,
    RecoveryOutcome,
    TradingChange,
)

WALL_CLOCK_MARGIN_MS: Final = 60_000


def move_trading(database: Database, account_id: str, trigger: TradingTrigger, reason: str) -> TradingChange:
    """Move the account's trading state as its one writer; raises AccountBusy while a session holds it."""
    return asyncio.run(_decide(database, account_id, MoveTrading(trigger, reason, "operator")))


def reopen_symbol(database: Database, account_id: str, symbol: str) -> TradingChange:
    """Free a symbol that was closed, as the account's one writer; raises AccountBusy while a session holds it."""
    return asyncio.run(_decide(database, account_id, ReopenSymbol(symbol, "operator")))


def cancel_order(database: Database, account_id: str, client_order_id: str) -> OrderCanceled:
    """Record the wish to cancel an order as the account's one writer; raises AccountBusy while a session holds it.

    Raises LookupError for an order that is not there, ValueError for one that is over.
    """
    reads = database.reads()
    try:
        order = reads.order(account_id, client_order_id)
        parent = None if order is not None else reads.parent(account_id, client_order_id)
    finally:
        reads.close()
    if parent is not None and not parent.status.is_over:
        news = MoveParent(client_order_id, ParentTrigger.CANCEL, "asked for")
        asyncio.run(_decide(database, account_id, news))
        return OrderCanceled(client_order_id, parent.ticket.symbol, False)
    if order is None:
        raise OrderNotFound(f"no order {client_order_id}: `orders --open` lists those that can be canceled")
    if not order.is_open:
        raise ValueError(
            f"order {client_order_id} is {order.status.value} already: there is nothing to cancel"
        )
    if order.cancel_state is not CancelState.REQUESTED:
        asyncio.run(_decide(database, account_id, RequestCancel(client_order_id, "asked for")))
    return OrderCanceled(client_order_id, order.symbol, False)


def release_order(
    database: Database, account_id: str, client_order_id: str, reason: str, now_ms: int
) -> OrderReleased:
    """Take an order of unknown outcome for dead as the account's one writer; raises AccountBusy, ValueError.

    ``now_ms`` is the wall's clock, here in place of the exchange's; a minute makes up for what that is worth.
    """
    reads = database.reads()
    try:
        order = reads.order(account_id, client_order_id)
    finally:
        reads.close()
    if order is None:
        raise OrderNotFound(
            f"no order {client_order_id}: `orders --unknown` lists those that can be released"
        )
    until_ms = order.attempt.deadline_ms + WALL_CLOCK_MARGIN_MS
    news = ReleaseAttempt(client_order_id, "operator", reason, until_ms)
    asyncio.run(_decide(database, account_id, news, now_ms))
    return OrderReleased(client_order_id, order.symbol, False)


async def _decide(
    database: Database,
    account_id: str,
    news: MoveParent | MoveTrading | ReleaseAttempt | ReopenSymbol | RequestCancel,
    venue_ms: int | None = None,
) -> TradingChange:
    store = database.store()
    try:
        await store.acquire(account_id, f"pid {os.getpid()}")
        ledger = await store.load(account_id)
        assert ledger is not None, "the account was found before"
        at_ms = ledger.account.last_ms
        step = decide(
            ledger, BlindView(), Policy(), news, Now(at_ms, at_ms if venue_ms is None else venue_ms)
        )
        # Requests to cancel are recorded; the next start repeats them to the exchange.
        store.stage(at_ms, step.events)
        await store.commit(ledger)
        account = ledger.account
        return TradingChange(account_id, account.trading_state.value, account.trading_reason)
    finally:
        await store.close()


def recover_now(parts: SessionParts) -> RecoveryOutcome:
    """Run the procedure for an unfinished session, write what it finds, and leave the session for the next start."""
    return asyncio.run(_recover_now(parts))


async def _recover_now(parts: SessionParts) -> RecoveryOutcome:
    runner = SessionRunner(parts)
    try:
        report = await runner.start()
        # What the procedure sent (a stop for a naked position) has to reach the exchange before this ends.
        await runner.settle()
        return RecoveryOutcome(
            dry_run=False,
            orders_checked=report.orders_checked,
            fills_added=report.fills_added,
            income_added=report.income_added,
            unresolved=_unresolved(runner.loop.ledger),
            agrees=report.agrees,
            differences=tuple(Difference(d.subject, d.ours, d.theirs, d.verdict) for d in report.differences),
        )
    finally:
        await _let_go(parts)


async def _let_go(parts: SessionParts) -> None:
    try:
        await parts.broker.close()
    finally:
        await parts.store.close()
        parts.close()


def recover_dry(parts: SessionParts, reads: ReadModels) -> RecoveryOutcome:
    """Say what the procedure would find and do; nothing is written, the lease is not taken."""
    return asyncio.run(_recover_dry(parts, reads))


@contextmanager
def copy_of_exchange(config: PaperConfig, account_id: str) -> Iterator[PaperConfig]:
    """The configuration over a passing copy of the account's exchange: even reading tidies a database's files.

    The side journal is copied as well: what it holds is imported before anything is compared.
    """
    with TemporaryDirectory(prefix="steadyhand-") as folder:
        there = Path(folder) / "paper"
        there.mkdir()
        for path in (config.data_dir / "paper").glob(f"{account_id[:8]}.db*"):
            copyfile(path, there / path.name)
        side_journal = side_journal_path(config.data_dir, account_id)
        if side_journal.exists():
            copy = side_journal_path(Path(folder), account_id)
            copy.parent.mkdir()
            copyfile(side_journal, copy)
        yield replace(config, data_dir=Path(folder))


class _Archive(OrderArchive):
    """Stored orders, through the read models."""

    def __init__(self, reads: ReadModels, account_id: str) -> None:
        self._reads = reads
        self._account_id = account_id

    async def find_order(self, client_order_id: str) -> Order | None:
        """By our id."""
        return self._reads.order(self._account_id, client_order_id)

    async def find_order_by_exchange_id(self, symbol: str, exchange_order_id: int) -> Order | None:
        """By the exchange's id, among all of the symbol's."""
        orders = self._reads.orders(self._account_id, symbol=symbol, limit=1_000_000)
        return next((order for order in orders if order.exchange_order_id == exchange_order_id), None)


async def _recover_dry(parts: SessionParts, reads: ReadModels) -> RecoveryOutcome:
    account_id = parts.account.account_id
    ledger = reads.ledger(account_id)
    assert ledger is not None, "the account was found before"
    try:
        archive = _Archive(reads, account_id)
        venue = await parts.broker.server_time()
        now = Now(ledger.account.last_ms, venue.now_ms)
        emergency = await news_of(parts.side_journal.read(), ledger, archive)
        imported = decide(ledger, parts.desk, parts.policy, emergency, now)
        reading = await read_exchange(parts.broker, ledger, archive, parts.options.symbols, at_start=True)
        step = decide(ledger, parts.desk, parts.policy, reading.merge, now)
    finally:
        await _let_go(parts)
    left = differences(ledger, reading)
    # That a trade was compared is bookkeeping; everything else is something that the store does not know.
    decided = [*imported.events, *step.events]
    events = [event for event in decided if not isinstance(event, TradesConfirmed)]
    would = [Difference(type(event).__name__, "-", "-", f"would record {event}") for event in events]
    return RecoveryOutcome(
        dry_run=True,
        orders_checked=len(reading.merge.orders) + len(reading.merge.dead) + len(reading.merge.lost),
        fills_added=sum(1 for event in step.events if isinstance(event, FillBooked)),
        income_added=sum(1 for event in step.events if isinstance(event, IncomeBooked)),
        unresolved=_unresolved(ledger),
        agrees=not left and not events,
        differences=tuple(would + [Difference(d.subject, d.ours, d.theirs, d.verdict) for d in left]),
    )


def _unresolved(ledger: Ledger) -> int:
    open_states = (AttemptState.OPEN, AttemptState.UNKNOWN)
    return sum(1 for order in ledger.orders.values() if order.is_open and order.attempt_state in open_states)
