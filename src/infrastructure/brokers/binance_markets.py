"""Instruments from exchangeInfo. Perpetual contracts that can be held only; the precision is not the tick.

A symbol that is halted for now is still listed: what is held in it has to be known, and a session goes on with it.

Source: USDⓈ-M exchange information and filters.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from src.application.ports.broker import NetworkError
from src.domain.market.instrument import Instrument

_NOT_HELD: Final = frozenset({"PENDING_TRADING", "DELIVERED", "CLOSE"})
"""Statuses of a symbol in which nobody has a position: not yet, or no more."""
_UNBOUNDED: Final = Decimal(10) ** 10
"""In place of a highest price or quantity of zero, which says that there is none."""


def instruments(info: Any) -> list[Instrument]:
    """Every perpetual that trades or is halted. One without its filters is left out: no order could be checked.

    Raises :class:`NetworkError` for what does not list symbols: that none is left is not said by saying nothing.
    """
    rows = info.get("symbols") if isinstance(info, Mapping) else None
    if not isinstance(rows, list):
        raise NetworkError("the exchange lists no symbols")
    return list(_readable(rows))


def _readable(rows: list[Mapping[str, Any]]) -> Iterable[Instrument]:
    for row in rows:
        if row.get("contractType") != "PERPETUAL" or row.get("status") in _NOT_HELD:
            continue
        filters = {each["filterType"]: each for each in row["filters"]}
        if {"PRICE_FILTER", "LOT_SIZE", "MIN_NOTIONAL"} <= filters.keys():
            yield _instrument(row, filters)


def _instrument(row: Mapping[str, Any], filters: Mapping[str, Mapping[str, Any]]) -> Instrument:
    price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    band = filters.get("PERCENT_PRICE", {})
    return Instrument(
        symbol=row["symbol"],
        base_asset=row["baseAsset"],
        quote_asset=row["quoteAsset"],
        tick_size=Decimal(price["tickSize"]),
        step_size=Decimal(lot["stepSize"]),
        quantity_min=Decimal(lot["minQty"]),
        quantity_max=Decimal(lot["maxQty"]) or _UNBOUNDED,
        market_quantity_max=Decimal(filters.get("MARKET_LOT_SIZE", lot)["maxQty"]) or _UNBOUNDED,
        price_min=Decimal(price["minPrice"]),
        price_max=Decimal(price["maxPrice"]) or _UNBOUNDED,
        notional_min=Decimal(filters["MIN_NOTIONAL"]["notional"]),
        price_precision=row["pricePrecision"],
        quantity_precision=row["quantityPrecision"],
        percent_price_up=Decimal(band.get("multiplierUp", "1.05")),
        percent_price_down=Decimal(band.get("multiplierDown", "0.95")),
        market_take_bound=Decimal(row.get("marketTakeBound", "0.05")),
        orders_max=int(filters.get("MAX_NUM_ORDERS", {}).get("limit", 200)),
        margin_asset=row["marginAsset"],
    )
