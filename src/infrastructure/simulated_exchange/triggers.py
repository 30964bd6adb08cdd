"""Conditional orders waiting for a price, sorted so that a price which triggers none costs two comparisons.

A BUY STOP and a SELL TAKE_PROFIT wait for the price to rise to their trigger, the other two for it to fall
(BINANCE: BUY STOP triggers when price ≥ triggerPrice, SELL STOP when ≤; TAKE_PROFIT the opposite). A trailing stop
watches both ways: where its trigger would move, and where it is triggered. What hung in its trigger and was let go
in a halt waits for the next price, whatever that is.
"""

from bisect import insort
from decimal import Decimal
from typing import Final

from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.units import to_decimal, to_units

NEVER_RISING: Final = Decimal("Infinity")
NEVER_FALLING: Final = Decimal("-Infinity")


def _rising_first(algo: AlgoOrder) -> tuple[int, int]:
    return algo.trigger_price, algo.algo_id


def _falling_first(algo: AlgoOrder) -> tuple[int, int]:
    return -algo.trigger_price, algo.algo_id


class TriggerBook:
    """The waiting orders of one symbol and one working type.

    ``next_rising`` and ``next_falling`` are the nearest prices of interest: a price at or above the one, or at or
    below the other, is to be shown to :meth:`follow` and :meth:`due`; no other is. Both are infinite when nothing
    waits.
    """

    __slots__ = ("_falling", "_let_go", "_rising", "_trailing", "has_waiting", "next_falling", "next_rising")

    def __init__(self) -> None:
        self._rising: list[AlgoOrder] = []
        self._falling: list[AlgoOrder] = []
        self._trailing: list[AlgoOrder] = []
        self._let_go: list[AlgoOrder] = []
        self.next_rising = NEVER_RISING
        self.next_falling = NEVER_FALLING
        self.has_waiting = False

    def add(self, algo: AlgoOrder) -> None:
        """Let an order wait."""
        if algo.hangs:
            self._let_go.append(algo)
        elif algo.is_trailing:
            self._trailing.append(algo)
        elif algo.rises:
            insort(self._rising, algo, key=_rising_first)
        else:
            insort(self._falling, algo, key=_falling_first)
        self._refresh()

    def remove(self, algo: AlgoOrder) -> None:
        """Let an order wait no longer; what hangs may not have waited here."""
        if algo.hangs:
            self._let_go = [other for other in self._let_go if other is not algo]
        elif algo.is_trailing:
            self._trailing.remove(algo)
        else:
            (self._rising if algo.rises else self._falling).remove(algo)
        self._refresh()

    def follow(self, price: Decimal) -> tuple[list[AlgoOrder], bool]:
        """Let the trailing stops see a price; return those that became active, and whether anything changed."""
        if not self._trailing:
            return [], False
        units = to_units(price)
        waiting = [algo for algo in self._trailing if not algo.is_activated]
        moved = [algo for algo in self._trailing if algo.follow(units)]
        if moved:
            self._refresh()
        return [algo for algo in waiting if algo.is_activated], bool(moved)

    def due(self, price: Decimal) -> list[AlgoOrder]:
        """The orders that ``price`` triggers, nearest first; they stay in the book until they are removed."""
        units = to_units(price)
        return [
            algo
            for waiting in (self._let_go, self._rising, self._falling, self._trailing)
            for algo in waiting
            if algo.is_due(units)
        ]

    def _refresh(self) -> None:
        self.has_waiting = bool(self._rising or self._falling or self._trailing or self._let_go)
        self.next_rising = to_decimal(self._rising[0].trigger_price) if self._rising else NEVER_RISING
        self.next_falling = to_decimal(self._falling[0].trigger_price) if self._falling else NEVER_FALLING
        for algo in self._trailing:
            falling, rising = algo.watched()
            if falling is None and rising is None:
                self.next_falling = NEVER_RISING
            if falling is not None:
                self.next_falling = max(self.next_falling, to_decimal(falling))
            if rising is not None:
                self.next_rising = min(self.next_rising, to_decimal(rising))
        if self._let_go:
            self.next_falling = NEVER_RISING
