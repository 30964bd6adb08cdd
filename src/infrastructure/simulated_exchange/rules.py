"""What can be set about the exchange as a whole, and each symbol's filters in whole units."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from src.domain.market.instrument import Instrument
from src.infrastructure.simulated_exchange.brackets import Bracket, brackets_of
from src.infrastructure.simulated_exchange.units import DECIMALS, to_units

HOUR_MS: Final = 3_600_000


FILTER_MAX: Final = Decimal(10**9)
_POSITIVE: Final = (Decimal(1).scaleb(-DECIMALS), FILTER_MAX)
_SHARE: Final = (Decimal(0), Decimal(1))
_BOUNDS: Final[Mapping[str, tuple[Decimal | int, Decimal | int]]] = {
    **dict.fromkeys(
        ("tick_size", "step_size", "quantity_max", "market_quantity_max", "price_max"), _POSITIVE
    ),
    **dict.fromkeys(("quantity_min", "price_min", "notional_min"), (Decimal(0), FILTER_MAX)),
    **dict.fromkeys(("percent_price_down", "market_take_bound"), _SHARE),
    **dict.fromkeys(("maker_rate", "taker_rate", "maintenance_rate"), _SHARE),
    "percent_price_up": (Decimal(1), FILTER_MAX),
    **dict.fromkeys(("price_precision", "quantity_precision"), (0, DECIMALS)),
    "orders_max": (0, 10**6),
    "leverage_max": (1, 125),
}
"""From where to where each filter may be changed."""
_ORDERED: Final = (
    ("price_min", "price_max"),
    ("tick_size", "price_max"),
    ("quantity_min", "quantity_max"),
    ("quantity_min", "market_quantity_max"),
    ("step_size", "quantity_max"),
)


def check_filters(instrument: Instrument, values: Mapping[str, Decimal | int]) -> None:
    """ValueError for filters that nothing could be traded by, beside the others that the instrument has."""
    for name, value in values.items():
        least, most = _BOUNDS[name]
        if not least <= value <= most:
            raise ValueError(f"{name} has to be from {least:f} to {most:f}")
    changed = replace(instrument, **dict[str, Any](values))
    for low, high in _ORDERED:
        if getattr(changed, low) > getattr(changed, high):
            raise ValueError(f"{low} has to be at most {high}, {getattr(changed, high):f}")


@dataclass(frozen=True, slots=True)
class ExchangeRules:
    """Settings that hold for every account.

    ``funding_interval_ms`` aligns funding to multiples of itself since the epoch: 8 h gives 00, 08 and 16 UTC.
    ``funding_rate`` holds for symbols whose market states none (0.0001 is 0.01 % per interval).
    ``callback_rate_max`` (percent) bounds trailing stops; Binance took 10 until 2026-10-23.
    ``trigger_protect`` is how far last and mark price may be apart for an order with priceProtect; ``liquidation_fee``
    is of the notional that a liquidation closes; at ``margin_call_ratio`` (maintenance margin / margin balance) a
    MARGIN_CALL is sent, once until it has been a tenth below.
    ``recv_window_max_ms`` and ``clock_lead_ms`` bound a request's timestamp (general info, "Timing security").
    """

    funding_interval_ms: int = 8 * HOUR_MS
    funding_rate: Decimal = Decimal("0.0001")
    leverage: int = 20
    algo_orders_max: int = 200
    modifications_max: int = 10_000
    recv_window_max_ms: int = 60_000
    clock_lead_ms: int = 1_000
    callback_rate_max: Decimal = Decimal(20)
    trigger_protect: Decimal = Decimal("0.05")
    liquidation_fee: Decimal = Decimal("0.0125")
    margin_call_ratio: Decimal = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """An instrument's filters and rates as integers in units of 10⁻⁸ (precisions: units per smallest digit)."""

    symbol: str
    margin_asset: str
    tick: int
    step: int
    price_digit: int
    quantity_digit: int
    price_min: int
    price_max: int
    quantity_min: int
    quantity_max: int
    market_quantity_max: int
    notional_min: int
    percent_up: int
    percent_down: int
    take_bound: int
    orders_max: int
    maker_rate: int
    taker_rate: int
    leverage_max: int
    brackets: tuple[Bracket, ...]

    @classmethod
    def of(cls, instrument: Instrument) -> "SymbolRules":
        """The rules that ``instrument`` states."""
        return cls(
            symbol=instrument.symbol,
            margin_asset=instrument.margin_asset,
            tick=to_units(instrument.tick_size),
            step=to_units(instrument.step_size),
            price_digit=10 ** (DECIMALS - instrument.price_precision),
            quantity_digit=10 ** (DECIMALS - instrument.quantity_precision),
            price_min=to_units(instrument.price_min),
            price_max=to_units(instrument.price_max),
            quantity_min=to_units(instrument.quantity_min),
            quantity_max=to_units(instrument.quantity_max),
            market_quantity_max=to_units(instrument.market_quantity_max),
            notional_min=to_units(instrument.notional_min),
            percent_up=to_units(instrument.percent_price_up),
            percent_down=to_units(instrument.percent_price_down),
            take_bound=to_units(instrument.market_take_bound),
            orders_max=instrument.orders_max,
            maker_rate=to_units(instrument.maker_rate),
            taker_rate=to_units(instrument.taker_rate),
            leverage_max=instrument.leverage_max,
            brackets=brackets_of(instrument),
        )
