"""Trades that no stream has told of: booked as soon as they are read, so that what they opened has its stop.

A comparison asks a dozen questions, and a stream may take long to open. Whose order a trade is of is mostly known
without either, and a trade is booked once, whoever tells of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from src.application.ports.broker import BrokerUnavailable, RateLimitError
from src.application.trading.services.trades_reading import (
    Trades,
    nobody,
    of_orders_at_work,
    read_trades,
    traded_symbols,
    unnamed,
)
from src.application.trading.session_loop import SessionLoop
from src.application.trading.waiting import work_during
from src.domain.decisions.news import ExchangeRead
from src.domain.ledger.events import FillBooked
from src.domain.orders.news import FillReport, OrderReport

AGAIN_MS: Final = 1_000
"""After how long trades are asked for again while there is no stream (session time); then twice as long each time."""
NAMED_MAX: Final = 10
"""How many orders are asked for by the ids of their trades in one go, one question each."""
LOOK_MS: Final = 250
"""How often a comparison looks whether the stream is lost; one that is over by then has read what it would tell."""


class UnheardTrades:
    """Reads trades, and books them ahead of the rest of a comparison."""

    def __init__(self, loop: SessionLoop) -> None:
        self._loop = loop
        # That of read_trades, from read to read.
        self._silent_ms: dict[str, int] = {}
        self._booked = 0
        self._was_read = asyncio.Event()
        # Whether the last try to open a stream came to nothing.
        self._none_opened = False

    async def read(self, symbols: Sequence[str], *, tells: bool = True) -> Trades:
        """Read trades. If it ``tells``, each page becomes an input of the session; whose orders' they are is asked."""
        loop = self._loop
        heard = self._tell if tells else nobody
        trades = await read_trades(loop.broker, loop.ledger, symbols, self._silent_ms, heard)
        self._was_read.set()
        if tells:
            await self._ask_whose(trades[0])
        return trades

    def _tell(self, fills: tuple[FillReport, ...]) -> None:
        self._loop.inputs.post(partial(self._book, fills, ()))

    async def _ask_whose(self, fills: Collection[FillReport]) -> None:
        loop, reports = self._loop, []
        for symbol, exchange_order_id in unnamed(loop.ledger, fills)[:NAMED_MAX]:
            report = await loop.broker.find_by_exchange_id(symbol, exchange_order_id)
            if report is not None and report.client_order_id in loop.ledger.orders:
                reports.append(report)
        if reports:
            loop.inputs.post(partial(self._book, fills, tuple(reports)))

    def counted(self) -> int:
        """How many were booked since this was asked last."""
        booked, self._booked = self._booked, 0
        return booked

    def _book(self, fills: Collection[FillReport], reports: tuple[OrderReport, ...]) -> None:
        ledger = self._loop.ledger
        reports = tuple(report for report in reports if report.client_order_id in ledger.orders)
        named = {(r.symbol, r.exchange_order_id) for r in reports if r.exchange_order_id is not None}
        new = of_orders_at_work(ledger, fills, named)
        if new:
            step = self._loop.decide(ExchangeRead(new, reports, (), (), (), (), ()))
            self._booked += sum(1 for event in step.events if type(event) is FillBooked)

    async def until_open(self, symbols: Iterable[str]) -> int:
        """Open the user stream, and ask for trades until it is; the number of the new stream epoch.

        Behind a try that failed nothing is asked beside one that is refused at once: that try was followed by a
        comparison, and so is this one. Raises what opening raises.
        """
        loop = self._loop
        if loop.broker.consistency.requests_die_with_process:
            return await loop.broker.open(loop)
        pause_ms, self._none_opened = LOOK_MS if self._none_opened else 0, True
        async with self._beside(partial(self._keep_asking, tuple(symbols), pause_ms)):
            stream_epoch = await work_during(loop, loop.broker.open(loop))
        self._none_opened = False
        return stream_epoch

    @asynccontextmanager
    async def while_lost(self, symbols: Iterable[str], *, works_on: bool) -> AsyncIterator[None]:
        """Ask for trades from when the stream is lost until the caller is done, if the session works on meanwhile.

        Where there was none before, the caller's own :meth:`read` asks first.
        """
        if not works_on or self._loop.broker.consistency.requests_die_with_process:
            yield
            return
        self._was_read.clear()
        async with self._beside(partial(self._ask_once_lost, tuple(symbols))):
            yield

    @asynccontextmanager
    async def _beside(self, ask: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
        over = asyncio.Event()
        asking = asyncio.get_running_loop().create_task(ask(over))
        try:
            yield
        finally:
            over.set()
            # Nobody waits for it: an HTTP client whose time for an answer ends just then makes that of a cancel.
            if not asking.cancel() and not asking.cancelled():
                asking.result()

    async def _ask_once_lost(self, symbols: tuple[str, ...], over: asyncio.Event) -> None:
        pause_ms = 0
        if self._loop.stream_lost:
            await self._was_read.wait()
            pause_ms = AGAIN_MS
        while not self._loop.stream_lost:
            await self._pause(LOOK_MS)
        await self._keep_asking(symbols, pause_ms, over)

    async def _keep_asking(self, symbols: tuple[str, ...], pause_ms: int, over: asyncio.Event) -> None:
        """Ask after a pause, and again after others that grow."""
        if pause_ms:
            await self._pause(pause_ms)
        wait_ms = AGAIN_MS
        while not over.is_set():
            try:
                await self.read(traded_symbols(self._loop.ledger, symbols))
            except (BrokerUnavailable, RateLimitError):
                # What cannot be asked now is asked again, and when the stream is open, or does not open.
                pass
            if not over.is_set():
                await self._pause(wait_ms)
                wait_ms *= 2

    async def _pause(self, pause_ms: int) -> None:
        over = asyncio.Event()
        self._loop.inputs.after(pause_ms, over.set)
        await over.wait()
