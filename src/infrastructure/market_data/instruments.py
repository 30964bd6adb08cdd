"""Instruments for markets that bring no exchangeInfo with them: a shipped table, or derived from what was seen.

The table follows Binance USDⓈ-M Futures' exchangeInfo (BTCUSDT as of September 2026; the others to the best of
public knowledge, which is enough for paper trading). Live trading never reads it: there the exchange is asked.
"""

from collections.abc import Iterable
from decimal import Decimal
from math import gcd
from typing import Final

from src.domain.market.instrument import Instrument
from src.domain.market.symbols import split_symbol

_D = Decimal

# symbol: tick, step, limit max, market max, notional min, price min, price max, price and quantity precision,
# maintenance rate of the lowest bracket, leverage max
_TABLE: Final = {
    "BTCUSDT": ("0.10", "0.001", "1000", "120", "50", "556.80", "4529764", 2, 3, "0.004", 125),
    "ETHUSDT": ("0.01", "0.001", "10000", "2000", "20", "18.67", "306177", 2, 3, "0.004", 100),
    "SOLUSDT": ("0.0100", "0.01", "1000000", "80000", "5", "0.4200", "6857", 4, 2, "0.005", 100),
    "BNBUSDT": ("0.010", "0.01", "100000", "2000", "5", "6.600", "100000", 3, 2, "0.005", 75),
    "XRPUSDT": ("0.0001", "0.1", "10000000", "2000000", "5", "0.0143", "100000", 4, 1, "0.005", 75),
    "DOGEUSDT": ("0.000010", "1", "50000000", "30000000", "5", "0.002440", "30", 6, 0, "0.005", 75),
    "ADAUSDT": ("0.00010", "1", "2000000", "300000", "5", "0.01740", "100000", 5, 0, "0.005", 75),
    "AVAXUSDT": ("0.0010", "1", "500000", "100000", "5", "0.2000", "10000", 4, 0, "0.005", 75),
    "LINKUSDT": ("0.001", "0.01", "500000", "20000", "20", "0.200", "10000", 3, 2, "0.005", 75),
    "LTCUSDT": ("0.01", "0.001", "10000", "5000", "20", "3.61", "100000", 2, 3, "0.005", 75),
}

_DISTINCT_PRICES_MIN: Final = 50
_DECIMALS_MAX: Final = 8
"""Exchanges count in units of 10⁻⁸; what stands behind is noise of binary fractions."""
_WIDE: Final = _D(10) ** 10
"""No limit that anybody meets: by steps and ticks, a cheap coin could not be bought for the smallest notional."""


def shipped_instrument(symbol: str) -> Instrument | None:
    """The instrument of the shipped table, or None."""
    row = _TABLE.get(symbol)
    if row is None:
        return None
    tick, step, limit_max, market_max, notional_min, price_min, price_max, *precisions, rate, leverage = row
    base, quote = split_symbol(symbol)
    return Instrument(
        symbol=symbol,
        base_asset=base,
        quote_asset=quote,
        tick_size=_D(tick),
        step_size=_D(step),
        quantity_min=_D(step),
        quantity_max=_D(limit_max),
        market_quantity_max=_D(market_max),
        price_min=_D(price_min),
        price_max=_D(price_max),
        notional_min=_D(notional_min),
        price_precision=int(precisions[0]),
        quantity_precision=int(precisions[1]),
        maintenance_rate=_D(rate),
        leverage_max=int(leverage),
    )


def derived_instrument(symbol: str, prices: Iterable[str], quantities: Iterable[str]) -> Instrument:
    """An instrument whose tick and step are read off the prices and quantities seen, as the wire spells them."""
    tick, price_precision = _grid_of(set(prices))
    step, quantity_precision = _grid_of(set(quantities))
    return plain_instrument(symbol, tick, step, price_precision, quantity_precision)


def plain_instrument(
    symbol: str, tick: Decimal, step: Decimal, price_precision: int, quantity_precision: int
) -> Instrument:
    """An instrument with the given grid and wide limits, whatever the symbol costs."""
    base, quote = split_symbol(symbol)
    return Instrument(
        symbol=symbol,
        base_asset=base,
        quote_asset=quote,
        tick_size=tick,
        step_size=step,
        quantity_min=step,
        quantity_max=_WIDE,
        market_quantity_max=_WIDE,
        price_min=tick,
        price_max=_WIDE,
        notional_min=_D(5),
        price_precision=price_precision,
        quantity_precision=quantity_precision,
        maintenance_rate=_D("0.005"),
        leverage_max=75,
    )


def _grid_of(texts: set[str]) -> tuple[Decimal, int]:
    """The grid that all numbers lie on, 1, 2 or 5 times a power of ten, and the decimals they are spelled with."""
    texts = {_told(text) for text in texts}
    spelled = max((_decimals(text) for text in texts), default=0)
    meant = max((_decimals(text.rstrip("0")) for text in texts if "." in text), default=0)
    numbers = {int(_D(text).scaleb(meant)) for text in texts}
    common = gcd(*numbers)
    factor = 1
    if len(numbers) >= _DISTINCT_PRICES_MIN and meant:
        factor = 5 if common % 5 == 0 else 2 if common % 2 == 0 else 1
    return _D(factor).scaleb(-meant), spelled


def _told(text: str) -> str:
    """A number as it was meant, if a binary fraction has lengthened it."""
    return f"{round(_D(text), _DECIMALS_MAX):f}" if _decimals(text) > _DECIMALS_MAX else text


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])
