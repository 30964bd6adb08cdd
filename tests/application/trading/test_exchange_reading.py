"""What one read of the exchange asks for."""

from pathlib import Path

import pytest

from src.application.trading.services.exchange_reading import read_exchange
from src.bootstrap import paper
from src.domain.orders.news import FillReport, OrderReport
from tests.application.trading.faults import WeakBroker
from tests.application.trading.sessions import begin, broker_of, calm, die
from tests.simulation.market import SYMBOL


class AskedBooks(WeakBroker):
    """Notes whose open orders are asked for; nobody has traded."""

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        return []

    async def first_trades(self, symbol: str, since_ms: int) -> list[FillReport]:
        return []

    async def open_orders(self, symbol: str | None = None) -> list[OrderReport]:
        self.asked = [*getattr(self, "asked", []), symbol]
        return []

    async def open_algo_orders(self, symbol: str | None = None) -> list[OrderReport]:
        return []


@pytest.mark.parametrize(("count", "singly"), [(20, True), (21, False)])
async def test_open_orders_of_up_to_twenty_symbols_are_asked_for_one_by_one_and_of_more_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, singly: bool
):
    monkeypatch.setattr(paper, "PaperBroker", AskedBooks)
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, broker_of(runner.parts, AskedBooks)
    symbols = [SYMBOL, *(f"A{number}USDT" for number in range(count - 1))]
    broker.asked = []

    await read_exchange(broker, loop.ledger, loop.store, symbols, at_start=False, all_symbols=False)

    assert broker.asked == (symbols if singly else [None])
    await die(runner)
