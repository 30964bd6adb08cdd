"""exchangeInfo: the symbols with their filters, spelled as the live exchange spells them."""

from typing import Any, Final

from src.domain.market.instrument import Instrument
from src.infrastructure.simulated_exchange.server.services import Services

_ORDER_TYPES: Final = (
    *("LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"),
    "TRAILING_STOP_MARKET",
)
_FOREVER_MS: Final = 4_133_404_800_000
_ONBOARD_MS: Final = 1_567_965_300_000


def exchange_info(services: Services, now_ms: int) -> dict[str, Any]:
    """The whole document, in the order of the live one."""
    limits = services.limits
    engine = services.venue.engine
    instruments = engine.instruments
    assets = sorted({one.margin_asset for one in instruments})
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight or 2_400),
            _limit("ORDERS", "MINUTE", 1, limits.orders_1m or 1_200),
            _limit("ORDERS", "SECOND", 10, limits.orders_10s or 300),
        ],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in assets
        ],
        "symbols": [_symbol(one, engine.symbol_status(one.symbol)) for one in instruments],
    }


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _symbol(one: Instrument, status: str) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "pair": one.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _FOREVER_MS,
        "onboardDate": _ONBOARD_MS,
        "status": status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": one.base_asset,
        "quoteAsset": one.quote_asset,
        "marginAsset": one.margin_asset,
        "pricePrecision": one.price_precision,
        "quantityPrecision": one.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": f"{one.market_take_bound:f}",
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(one),
        "orderTypes": list(_ORDER_TYPES),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY", "DCA", "PSB"],
    }


def _filters(one: Instrument) -> list[dict[str, Any]]:
    step = f"{one.step_size:f}"
    smallest = f"{one.quantity_min:f}"
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": f"{one.price_min:f}",
            "maxPrice": f"{one.price_max:f}",
            "tickSize": f"{one.tick_size:f}",
        },
        {"filterType": "LOT_SIZE", "minQty": smallest, "maxQty": f"{one.quantity_max:f}", "stepSize": step},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": smallest,
            "maxQty": f"{one.market_quantity_max:f}",
            "stepSize": step,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": one.orders_max},
        {"filterType": "MIN_NOTIONAL", "notional": f"{one.notional_min:f}"},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{one.percent_price_up:.4f}",
            "multiplierDown": f"{one.percent_price_down:.4f}",
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]
