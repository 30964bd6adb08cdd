"""Which symbols of exchangeInfo are instruments: whatever somebody may hold a position in."""

from decimal import Decimal
from typing import Any

import pytest

from src.application.ports.broker import NetworkError
from src.infrastructure.brokers.binance_markets import instruments


def listed(status: str, contract: str = "PERPETUAL") -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "contractType": contract,
        "status": status,
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "1", "maxPrice": "1000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
            {"filterType": "MIN_NOTIONAL", "notional": "50"},
        ],
    }


@pytest.mark.parametrize(
    "status", ["TRADING", "TRADING_HALT", "TRADING_CANCEL_ONLY", "PRE_SETTLE", "SETTLING"]
)
def test_what_is_halted_is_an_instrument_for_somebody_may_hold_it(status: str):
    assert [each.symbol for each in instruments({"symbols": [listed(status)]})] == ["BTCUSDT"]


@pytest.mark.parametrize(
    "row",
    [
        listed("PENDING_TRADING"),
        listed("CLOSE"),
        listed("TRADING", "CURRENT_QUARTER"),
        listed("TRADING") | {"filters": []},
    ],
)
def test_what_nobody_can_hold_or_no_order_can_be_checked_in_is_none(row: dict[str, Any]):
    assert instruments({"symbols": [row]}) == []


@pytest.mark.parametrize(("filter_type", "name"), [("PRICE_FILTER", "maxPrice"), ("LOT_SIZE", "maxQty")])
def test_a_highest_value_of_zero_bounds_nothing(filter_type: str, name: str):
    row = listed("TRADING")
    next(each for each in row["filters"] if each["filterType"] == filter_type)[name] = "0"

    (instrument,) = instruments({"symbols": [row]})

    huge = Decimal(1_000_000_000)
    quantity, price = (huge, Decimal(1)) if name == "maxQty" else (Decimal(1), huge)
    assert instrument.objection_to(quantity, price, price, True) is None
    assert list(instrument.closing_parts(quantity)) == [quantity]


@pytest.mark.parametrize("answer", [{}, {"symbols": {}}, {"symbols": None}, [], None])
def test_an_answer_without_a_list_of_symbols_does_not_say_that_there_are_none(answer: Any):
    with pytest.raises(NetworkError, match="lists no symbols"):
        instruments(answer)
