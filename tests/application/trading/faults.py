"""Exchanges that promise less, or say what is not so, and processes that die where a test wants them to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from src.application.ports.broker import Consistency, VenueTime
from src.application.ports.failpoints import install_hook
from src.application.trading.market_desk import MarketDesk
from src.bootstrap.paper_config import PaperConfig
from src.domain.orders.news import BalanceReport, FillReport, IncomeReport, OrderReport, PositionReport
from src.domain.orders.order import Order
from src.infrastructure.brokers.paper_broker import PaperBroker
from tests.application.trading.sessions import begin, die, order, pass_time, resting
from tests.simulation.world import Crash

WEAK = Consistency(read_your_writes=False, arrival_margin_ms=1_000, quiescence_ms=3_000)


class WeakBroker(PaperBroker):
    """Promises no more than a real exchange does; ``hidden`` are orders its reads do not show (yet)."""

    hidden: frozenset[str] = frozenset()
    promises = WEAK

    @property
    def consistency(self) -> Consistency:
        return self.promises

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | None:
        return None if client_order_id in self.hidden else await super().find(symbol, client_order_id)

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: int) -> OrderReport | None:
        found = await super().find_by_exchange_id(symbol, exchange_order_id)
        return None if found is None or found.client_order_id in self.hidden else found

    async def open_orders(self, symbol: str | None = None) -> list[OrderReport]:
        return [o for o in await super().open_orders(symbol) if o.client_order_id not in self.hidden]

    async def orders(self, symbol: str, since_ms: int) -> list[OrderReport]:
        found = await super().orders(symbol, since_ms)
        return [o for o in found if o.client_order_id not in self.hidden]


class StrongBroker(WeakBroker):
    """Hides orders, too, but says that its reads show everything."""

    promises = replace(WEAK, read_your_writes=True, arrival_margin_ms=0, quiescence_ms=0)


class UnsureBroker(StrongBroker):
    """Knows the exchange's clock to a second only."""

    async def server_time(self) -> VenueTime:
        return (await super().server_time())._replace(error_ms=1_000)


class PagingBroker(PaperBroker):
    """Hands out one trade a page."""

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        return (await super().trades(symbol, from_id))[:1]


class OtherBooksBroker(PaperBroker):
    """Says of positions or wallet what is not so."""

    extra_quantity = Decimal(0)
    extra_money = Decimal(0)

    async def positions(self) -> list[PositionReport]:
        reports = await super().positions()
        if not self.extra_quantity:
            return reports
        return [replace(p, quantity=p.quantity + self.extra_quantity) for p in reports]

    async def balances(self) -> list[BalanceReport]:
        reports = await super().balances()
        return [replace(b, wallet_balance=b.wallet_balance + self.extra_money) for b in reports]


class BusyBroker(OtherBooksBroker):
    """Something trades between the reads of trades and of positions, ``races`` times in a row."""

    races = 0

    async def positions(self) -> list[PositionReport]:
        self.extra_quantity = Decimal(self.races) / 1000
        self.races = max(0, self.races - 1)
        return await super().positions()


class AskedBroker(OtherBooksBroker):
    """Remembers since when income was asked for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.since_ms: list[int] = []

    async def income(self, since_ms: int) -> list[IncomeReport]:
        self.since_ms.append(since_ms)
        return await super().income(since_ms)


class DeafBroker(PaperBroker):
    """Loses every request to cancel while it is ``deaf``; nobody knows what became of them."""

    deaf = False

    def cancel(self, symbol: str, client_order_id: str, conditional: bool) -> None:
        if not self.deaf:
            super().cancel(symbol, client_order_id, conditional)


@contextmanager
def killed_at(name: str, passage: int = 1) -> Iterator[None]:
    """Kill the process at a failpoint; the test fails when it is not reached."""
    passed = 0

    def hook(reached: str) -> None:
        nonlocal passed
        passed += reached == name
        if passed == passage:
            raise Crash(name)

    install_hook(hook)
    try:
        with pytest.raises(Crash):
            yield
    finally:
        install_hook(None)


async def died_beside_an_entry(config: PaperConfig) -> Order:
    """A limit entry that rests at the exchange, and whose session died; none runs."""
    runner = await begin(config)
    placed = resting(runner)
    await runner.loop.flush()
    await pass_time(runner.loop, 500)
    await die(runner)
    return placed


async def died_before_sending(config: PaperConfig) -> Order:
    """An order that is on the disk, and whose session died before it was sent; none runs."""
    runner = await begin(config)
    placed = order(runner)
    with killed_at("session.before_submit"):
        await runner.loop.flush()
    await die(runner)
    return placed


class DeafDesk(MarketDesk):
    """A desk whose market stream is not there yet."""

    _hear_nothing: Any = staticmethod(lambda *_: ())
    on_ticker = on_trade = on_depth = on_snapshot = on_mark_price = _hear_nothing
