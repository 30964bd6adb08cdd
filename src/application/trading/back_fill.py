"""What strategies and figures remember of the bars before: at a start, and behind every hole in what was heard.

A stream that breaks, a machine that sleeps and a start in the last moment of a bar all leave bars of which trades are
missing. The first bar behind such a hole waits until the exchange has told its candles; strategies and figures then
begin anew with those, and decide on the newest alone: what they would have wished meanwhile is of the past.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, nullcontext
from typing import Final

from src.application.ports.broker import BrokerError
from src.application.ports.store import ReadModels
from src.application.trading.candle_memory import CandleMemory
from src.application.trading.live_strategy_runner import LiveStrategyRunner
from src.application.trading.session_loop import SessionLoop
from src.application.trading.session_parts import SessionParts
from src.domain.decisions.news import RaiseAlarm
from src.domain.market.candle import Candle

RETRY_MS: Final = 5_000
"""How long after a read that failed (session time) the next one is made."""

Reread = Callable[[str], Awaitable[None]]


class BackFill:
    """Stands before ``on_candle``, and sees that no bar is missing between one that it passes on and the next.

    Where the session's parts cannot ``reread``, none can be missed, and every bar is passed on.
    """

    def __init__(
        self,
        parts: SessionParts,
        loop: SessionLoop,
        memory: CandleMemory,
        strategies: LiveStrategyRunner,
        on_candle: Callable[[Candle], None],
    ) -> None:
        self._parts = parts
        self._loop = loop
        self._memory = memory
        self._strategies = strategies
        self._on_candle = on_candle
        self._known_until_ms: dict[str, int] = {}
        # The newest bar of each symbol whose candles are being read.
        self._waiting: dict[str, Candle] = {}
        # Those of them of which an alarm has said that they cannot be read.
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, reads: ReadModels | None) -> None:
        """Give every symbol its history; ``reads`` knows stored candles, None for an account without a past."""
        for symbol in self._parts.options.symbols:
            history = self._recall(symbol, reads)
            self._begin_with(symbol, history)
            if history:
                self._known_until_ms[symbol] = history[-1].close_ms

    def on_candle(self, candle: Candle) -> None:
        """Pass a bar on, or let it wait for those that are missing before it."""
        symbol, reread = candle.symbol, self._parts.reread
        if reread is None:
            # Nothing is missing in virtual time, and there is nobody to ask.
            self._on_candle(candle)
        elif symbol in self._waiting:
            self._waiting[symbol] = candle
        elif candle.open_ms <= self._known_until_ms.get(symbol, candle.open_ms):
            self._pass_on(candle)
        else:
            self._waiting[symbol] = candle
            self._ask(symbol, reread)

    def close(self) -> None:
        """Nothing is read any more, and no bar waits."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()

    def _pass_on(self, candle: Candle) -> None:
        self._known_until_ms[candle.symbol] = candle.close_ms
        self._on_candle(candle)

    def _ask(self, symbol: str, reread: Reread) -> None:
        if symbol not in self._waiting:
            return
        task = asyncio.get_running_loop().create_task(self._fetch(symbol, reread))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, symbol: str, reread: Reread) -> None:
        post = self._loop.inputs.post
        try:
            await reread(symbol)
        except BrokerError as error:
            text = f"bars are missing, and cannot be read yet: {error}"
            post(lambda: self._ask_later(symbol, reread, text))
        else:
            post(lambda: self._fill(symbol))

    def _ask_later(self, symbol: str, reread: Reread, why: str) -> None:
        if symbol not in self._told:
            self._told.add(symbol)
            self._loop.decide(RaiseAlarm(symbol, why))
        self._loop.inputs.after(RETRY_MS, lambda: self._ask(symbol, reread))

    def _fill(self, symbol: str) -> None:
        """Begin anew with what was read; the exchange's own candle goes before the one that was made here."""
        newest = self._waiting.pop(symbol, None)
        if newest is None:
            return
        self._told.discard(symbol)
        opened = self._parts.reads
        with nullcontext() if opened is None else closing(opened()) as reads:
            history = self._recall(symbol, reads)
        if history and history[-1].open_ms >= newest.open_ms:
            newest = history[-1]
        before = [candle for candle in history if candle.open_ms < newest.open_ms]
        if before:
            self._begin_with(symbol, before)
        self._pass_on(newest)

    def _recall(self, symbol: str, reads: ReadModels | None) -> list[Candle]:
        return self._memory.recall(symbol, self._strategies.history_bars(symbol), reads)

    def _begin_with(self, symbol: str, history: list[Candle]) -> None:
        self._strategies.warm(symbol, history)
        self._parts.desk.statistics.warm(symbol, history)
        self._parts.desk.volume.warm(symbol, history)
