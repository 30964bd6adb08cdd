"""Conditional orders waiting for a price, sorted so that a price which triggers none costs two comparisons.

A BUY STOP and a SELL TAKE_PROFIT wait for the price to rise to their trigger, the other two for it to fall
(BINANCE: BUY STOP triggers when price ≥ triggerPrice, SELL STOP when ≤; TAKE_PROFIT the opposite).
"""

from bisect import insort
from decimal import Decimal
from typing import Final

from src.infrastructure.simulated_exchange.records import AlgoOrder
from src.infrastructure.simulated_exchange.units import to_decimal

NEVER_RISING: Final = Decimal("Infinity")
NEVER_FALLING: Final = Decimal("-Infinity")


def _rising_first(algo: AlgoOrder) -> tuple[int, int]:
    return algo.trigger_price, algo.algo_id


def _falling_first(algo: AlgoOrder) -> tuple[int, int]:
    return -algo.trigger_price, algo.algo_id


class TriggerBook:
    """The waiting orders of one symbol and one working type.

    ``next_rising`` and ``next_falling`` are the nearest trigger prices: a price at or above the one, or at or
    below the other, is due; nothing else is. Both are infinite when nothing waits.
    """

    __slots__ = ("_falling", "_rising", "next_falling", "next_rising")

    def __init__(self) -> None:
        self._rising: list[AlgoOrder] = []
        self._falling: list[AlgoOrder] = []
        self.next_rising = NEVER_RISING
        self.next_falling = NEVER_FALLING

    def __bool__(self) -> bool:
        return bool(self._rising or self._falling)

    def add(self, algo: AlgoOrder) -> None:
        """Let an order wait."""
        if algo.rises:
            insort(self._rising, algo, key=_rising_first)
        else:
            insort(self._falling, algo, key=_falling_first)
        self._refresh()

    def remove(self, algo: AlgoOrder) -> None:
        """Let an order wait no longer."""
        (self._rising if algo.rises else self._falling).remove(algo)
        self._refresh()

    def due(self, price: Decimal) -> list[AlgoOrder]:
        """The orders that ``price`` triggers, nearest first; they stay in the book until they are removed."""
        rising = [algo for algo in self._rising if to_decimal(algo.trigger_price) <= price]
        falling = [algo for algo in self._falling if to_decimal(algo.trigger_price) >= price]
        return rising + falling

    def _refresh(self) -> None:
        self.next_rising = to_decimal(self._rising[0].trigger_price) if self._rising else NEVER_RISING
        self.next_falling = to_decimal(self._falling[0].trigger_price) if self._falling else NEVER_FALLING
