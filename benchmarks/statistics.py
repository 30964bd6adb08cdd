"""What the statistics of a long history cost, beside the plainest thing that can be done with its numbers.

A time alone says more about the machine than about the program. So the reference is one walk over the same history
that adds up the profit of every trade and the equity of every mark, timed in turns with the statistics.
"""

from dataclasses import dataclass
from time import process_time_ns
from typing import Final

from benchmarks.samples import Samples
from src.domain.money import ZERO, use_money_context
from src.domain.performance.attribution import By
from src.domain.performance.daily import daily
from src.domain.performance.history import Period, TradingHistory
from src.domain.performance.report import report
from tests.domain.performance.histories import World

FILLS: Final = 22_000
"""Lead to more than 20,000 round trips and 78,000 marks of equity."""
REPEATS: Final = 3
REFERENCE_REPEATS: Final = 9


@dataclass(frozen=True, slots=True)
class StatisticsCost:
    """Processor time, ns: all statistics by strategy and by day, and the sum over the same history."""

    trips: int
    statistics: Samples
    reference: Samples


def statistics_cost(fills: int = FILLS) -> StatisticsCost:
    """Time the statistics of a seeded history."""
    use_money_context()
    history = World(1, fills, funding=0.01).history()
    statistics, reference = Samples("statistics"), Samples("sums")
    for _ in range(REPEATS):
        before = process_time_ns()
        report(history, by=By.STRATEGY)
        daily(history, Period())
        statistics.add(process_time_ns() - before)
        for _ in range(REFERENCE_REPEATS):
            before = process_time_ns()
            _sums(history)
            reference.add(process_time_ns() - before)
    return StatisticsCost(len(history.trips), statistics, reference)


def _sums(history: TradingHistory) -> None:
    sum((trip.pnl for trip in history.trips), ZERO)
    sum((mark.equity for mark in history.marks), ZERO)
