"""Leverage brackets: how much leverage a position of some size may have, and how much margin it must keep.

The tables are Binance's of 2026 for the three symbols that our recordings have; any other symbol has one bracket, made
of its instrument's rate and leverage. A bracket's deduction makes the maintenance margin continuous at its floor:
deduction_n = deduction_{n−1} + floor_n × (rate_n − rate_{n−1}). Source: Binance, leverage and margin tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from src.domain.market.instrument import Instrument
from src.infrastructure.simulated_exchange.units import SCALE, multiply, to_units

# Highest leverage, largest notional (millions of the quote asset), maintenance rate.
_Row = tuple[int, str, str]

_BTC: Final[tuple[_Row, ...]] = (
    (150, "0.3", "0.004"),
    (100, "0.8", "0.005"),
    (75, "3", "0.0065"),
    (50, "12", "0.01"),
    (25, "70", "0.02"),
    (20, "100", "0.025"),
    (10, "230", "0.05"),
    (5, "480", "0.1"),
    (4, "600", "0.125"),
    (3, "800", "0.15"),
    (2, "1200", "0.25"),
    (1, "1800", "0.5"),
)
_ETH: Final[tuple[_Row, ...]] = (
    (150, "0.3", "0.004"),
    (100, "0.8", "0.005"),
    (75, "3", "0.0065"),
    (50, "12", "0.01"),
    (25, "50", "0.02"),
    (20, "65", "0.025"),
    (10, "150", "0.05"),
    (5, "320", "0.1"),
    (4, "400", "0.125"),
    (3, "530", "0.15"),
    (2, "800", "0.25"),
    (1, "1200", "0.5"),
)
_SOL: Final[tuple[_Row, ...]] = (
    (100, "0.05", "0.005"),
    (75, "0.4", "0.0065"),
    (50, "1", "0.01"),
    (25, "4", "0.02"),
    (20, "8", "0.025"),
    (10, "40", "0.05"),
    (5, "80", "0.1"),
    (4, "100", "0.125"),
    (2, "200", "0.25"),
    (1, "400", "0.5"),
)
_TABLES: Final = {"BTCUSDT": _BTC, "ETHUSDT": _ETH, "SOLUSDT": _SOL}

# As far as a signed 64-bit integer of units reaches.
NOTIONAL_MAX: Final = 90_000_000_000 * SCALE


@dataclass(frozen=True, slots=True)
class Bracket:
    """Positions above ``floor`` up to ``cap`` (notional, units of 10⁻⁸); ``rate`` and ``deduction`` in units, too."""

    leverage: int
    floor: int
    cap: int
    rate: int
    deduction: int


def brackets_of(instrument: Instrument) -> tuple[Bracket, ...]:
    """The brackets of an instrument, lowest notional first; none allows more leverage than the instrument does.

    Binance's table is for an instrument that has its lowest rate; one that states another rate is of another market.
    """
    rows = _TABLES.get(instrument.symbol, ())
    if rows and Decimal(rows[0][2]) == instrument.maintenance_rate:
        return _chain(rows, instrument.leverage_max)
    rate = to_units(instrument.maintenance_rate)
    return (Bracket(instrument.leverage_max, 0, NOTIONAL_MAX, rate, 0),)


def bracket_of(brackets: Sequence[Bracket], notional: int) -> Bracket:
    """The bracket of an absolute notional, in units; the last one for what is beyond them all."""
    for bracket in brackets:
        if notional <= bracket.cap:
            return bracket
    return brackets[-1]


def cap_at(brackets: Sequence[Bracket], leverage: int) -> int:
    """The largest notional, in units, that a position with this leverage may have; 0 when none may have it."""
    return max((bracket.cap for bracket in brackets if bracket.leverage >= leverage), default=0)


@cache
def _chain(rows: tuple[_Row, ...], leverage_max: int) -> tuple[Bracket, ...]:
    chained: list[Bracket] = []
    for leverage, cap, rate in rows:
        floor, below, deduction = 0, 0, 0
        if chained:
            last = chained[-1]
            floor, below, deduction = last.cap, last.rate, last.deduction
        units = to_units(Decimal(rate))
        deduction += multiply(floor, units - below)
        millions = to_units(Decimal(cap) * 1_000_000)
        chained.append(
            Bracket(min(leverage, leverage_max), floor, millions, units, deduction if floor else 0)
        )
    return tuple(chained)
