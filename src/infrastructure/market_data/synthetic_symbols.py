"""What the synthetic market knows of a symbol: where its price starts, how it moves, how deep its book is.

Any symbol can be asked for. Some well-known ones start near a price that looks familiar; an unknown one gets a
price of its own from its name, always the same.
"""

from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.instruments import plain_instrument, shipped_instrument

_ROOT_OF_YEAR_S: Final = 5615.692299
"""Square root of the seconds of a year: annual volatility divided by it is that of a second."""

# symbol: (first price in the quote asset, annual volatility as a fraction)
_KNOWN: Final = {
    "BTCUSDT": ("95000", 0.55),
    "ETHUSDT": ("3300", 0.75),
    "SOLUSDT": ("190", 0.95),
    "BNBUSDT": ("700", 0.70),
    "XRPUSDT": ("2.2", 0.95),
    "DOGEUSDT": ("0.33", 1.05),
    "ADAUSDT": ("0.9", 1.0),
    "AVAXUSDT": ("36", 1.0),
    "LINKUSDT": ("20", 0.95),
    "LTCUSDT": ("105", 0.8),
    "RELIANCE": ("1250", 0.35),
    "TCS": ("4100", 0.30),
    "INFY": ("1900", 0.32),
    "HDFCBANK": ("1750", 0.28),
}
_UNKNOWN_VOLATILITY: Final = 0.6

_LEVEL_NOTIONAL: Final = 40_000.0
_CELL_DEVIATIONS: Final = 0.25


@dataclass(frozen=True, slots=True)
class SymbolProfile:
    """One symbol of the synthetic market.

    ``volatility`` is the standard deviation of a second's return; ``cell_ticks`` is the usual distance between
    levels of the book, ``level_steps`` their usual quantity in steps.
    """

    instrument: Instrument
    first_price: float
    volatility: float
    cell_ticks: int
    level_steps: int


def profile_of(symbol: str) -> SymbolProfile:
    """The profile of any symbol."""
    text, annual = _KNOWN.get(symbol) or (_invented_price(symbol), _UNKNOWN_VOLATILITY)
    price = Decimal(text)
    instrument = shipped_instrument(symbol) or _invented_instrument(symbol, price)
    volatility = annual / _ROOT_OF_YEAR_S
    ticks_per_second = float(price / instrument.tick_size) * volatility
    return SymbolProfile(
        instrument=instrument,
        first_price=float(price),
        volatility=volatility,
        cell_ticks=max(1, round(ticks_per_second * _CELL_DEVIATIONS)),
        level_steps=max(20, round(_LEVEL_NOTIONAL / float(price * instrument.step_size))),
    )


def _invented_price(symbol: str) -> str:
    """Something between 10 and 1,000, by name."""
    number = int.from_bytes(blake2b(symbol.encode(), digest_size=4).digest(), "big")
    return str(10 + number % 990)


def _invented_instrument(symbol: str, price: Decimal) -> Instrument:
    """A grid of at least some twenty thousand ticks up to the price, and steps worth a few units of the quote."""
    tick = Decimal("0.05") if price >= 1000 else Decimal("0.01") if price >= 100 else Decimal("0.001")
    return plain_instrument(symbol, tick, Decimal("0.01"), -int(tick.as_tuple().exponent), 2)
