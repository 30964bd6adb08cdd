"""The dead-man's switch: resting entries end by themselves when this process is gone.

While the session is well, and hears its user stream, it tells the exchange again and again to cancel a symbol's
resting orders in two minutes' time; when it falls silent, the exchange does so. Conditional orders, and so every
protective stop, live in another book and are not touched. Only symbols with resting entries are armed, and the switch
is taken back when none is left.
"""

import asyncio
from typing import Final

from src.application.ports.broker import Broker, BrokerError
from src.domain.ledger.state import Ledger
from src.domain.orders.order import Order
from src.domain.orders.types import OrderType, Purpose

ARM_EVERY_MS: Final = 30_000


class DeadManSwitch:
    """Call :meth:`tick` often with session time; ``countdown_ms`` is how long the exchange waits for a sign of life."""

    def __init__(self, ledger: Ledger, broker: Broker, countdown_ms: int) -> None:
        self._ledger = ledger
        self._broker = broker
        self._countdown_ms = countdown_ms
        self._due_ms = 0
        self._armed: set[str] = set()
        # These need it no more, and the exchange may not have heard: it would end exits that rest. At first, those that
        # a process before may have armed.
        self._unreleased = {o.symbol for o in ledger.orders.values() if o.is_open and _rests(o)}
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures = 0

    def tick(self, now_ms: int) -> None:
        """Give a sign of life when one is due; the session does not wait for it."""
        resting = self._resting()
        if now_ms < self._due_ms and resting == self._armed:
            return
        self._due_ms = now_ms + ARM_EVERY_MS
        for symbol in (self._armed | self._unreleased) - resting:
            self._send(symbol, 0)
        self._unreleased = set()
        for symbol in resting:
            self._send(symbol, self._countdown_ms)
        self._armed = resting

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
            await self._broker.countdown_cancel_all(symbol, countdown_ms)
        except BrokerError:
            # The next sign of life comes long before the countdown is over.
            self.failures += 1
            if not countdown_ms:
                self._unreleased.add(symbol)


def _rests(order: Order) -> bool:
    return order.ticket.order_type is OrderType.LIMIT
