"""The dead-man's switch: resting entries end by themselves when this process is gone.

While the session is well, and hears its user stream, it tells the exchange again and again to cancel a symbol's
resting orders in two minutes' time; when it falls silent, the exchange does so. Conditional orders, and so every
protective stop, live in another book and are not touched. Only symbols with resting entries are armed, and the switch
is taken back when none is left: it would end exits that rest. A process before may have armed any, and died.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from src.application.ports.broker import Broker, BrokerError
from src.domain.ledger.state import Ledger
from src.domain.orders.order import Order
from src.domain.orders.types import OrderType, Purpose

ARM_EVERY_MS: Final = 30_000
RELEASE_AGAIN_MS: Final = 5_000


class DeadManSwitch:
    """Call :meth:`take_over` first where processes were before, then :meth:`tick` often with session time.

    ``countdown_ms`` is how long the exchange waits for a sign of life.
    """

    def __init__(self, ledger: Ledger, broker: Broker, countdown_ms: int) -> None:
        self._ledger = ledger
        self._broker = broker
        self._countdown_ms = countdown_ms
        self._due_ms = self._release_ms = 0
        self._armed: set[str] = set()
        # These need it no more, and the exchange may not have heard.
        self._unreleased: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # A sign of life that was late on its way would undo the word that took it back.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.failures = 0

    async def take_over(self, symbols: Iterable[str]) -> list[str]:
        """Take back what a process before may have armed in ``symbols``, before anything is placed there.

        Entries that rest have a countdown of their own from now on. Returns a sentence for each symbol in which it may
        still run: that is tried again by each :meth:`tick`.
        """
        resting = self._resting()
        others = {*symbols, *(o.symbol for o in self._ledger.orders.values())} - resting
        tell = [self._tell(symbol, 0) for symbol in others]
        await asyncio.gather(*tell, *(self._tell(symbol, self._countdown_ms) for symbol in resting))
        self._armed = resting
        return [
            f"a process before may have told the exchange to cancel what rests in {symbol}: taking that back failed"
            for symbol in sorted(self._unreleased)
        ]

    def tick(self, now_ms: int, *, is_deaf: bool = False) -> None:
        """Give a sign of life when one is due; the session does not wait for it.

        One that ``is_deaf`` gives none: while nobody hears what fills, resting entries are to end.
        """
        resting = self._resting()
        over, self._armed = self._armed - resting, self._armed & resting
        if now_ms >= self._release_ms:
            self._release_ms = now_ms + RELEASE_AGAIN_MS
            over |= self._unreleased - resting
        self._unreleased -= over
        for symbol in over:
            self._send(symbol, 0)
        if is_deaf or (now_ms < self._due_ms and resting == self._armed):
            return
        self._due_ms = now_ms + ARM_EVERY_MS
        for symbol in resting:
            self._send(symbol, self._countdown_ms)
        self._armed = resting
        self._unreleased -= resting

    def _resting(self) -> set[str]:
        return {
            order.symbol
            for order in self._ledger.orders.values()
            if order.is_open and _rests(order) and order.ticket.purpose is Purpose.ENTRY
        }

    def _send(self, symbol: str, countdown_ms: int) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(symbol, countdown_ms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, symbol: str, countdown_ms: int) -> None:
        try:
            async with self._turns[symbol]:
                await self._broker.countdown_cancel_all(symbol, countdown_ms)
        except BrokerError:
            # The next sign of life comes long before the countdown is over.
            self.failures += 1
            if not countdown_ms:
                self._unreleased.add(symbol)


def _rests(order: Order) -> bool:
    return order.ticket.order_type is OrderType.LIMIT
