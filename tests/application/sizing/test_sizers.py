"""Sizes never exceed what was asked for, lie on the exchange's grid, or are zero with a reason."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.sizing import FixedNotional, FixedQuantity, PercentOfEquity, PositionSizer, RiskPerTrade
from src.domain.market.instrument import Instrument


def an_instrument(**changes) -> Instrument:
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "base_asset": "BTC",
        "quote_asset": "USDT",
        "tick_size": Decimal("0.1"),
        "step_size": Decimal("0.001"),
        "quantity_min": Decimal("0.001"),
        "quantity_max": Decimal(1000),
        "market_quantity_max": Decimal(120),
        "price_min": Decimal("261.1"),
        "price_max": Decimal(809484),
        "notional_min": Decimal(100),
        "price_precision": 1,
        "quantity_precision": 3,
    }
    return Instrument(**(values | changes))


def amounts(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places, allow_nan=False, allow_infinity=False)


EQUITY = amounts("-1000", "100000000", 8)
PRICE = amounts("0.00001", "200000", 5)
SHARE = amounts("0.0001", "1", 4)
INSTRUMENTS = st.builds(
    lambda step, notional_min, largest: an_instrument(
        step_size=step, quantity_min=step, notional_min=notional_min, market_quantity_max=largest
    ),
    st.sampled_from([Decimal("0.001"), Decimal("0.01"), Decimal(1), Decimal("0.5"), Decimal("0.00000001")]),
    st.sampled_from([Decimal(5), Decimal(20), Decimal(100)]),
    st.sampled_from([Decimal(120), Decimal("120.0005"), Decimal(1000)]),
)
SIZERS = st.one_of(
    st.builds(FixedQuantity, amounts("0.00000001", "1000", 8)),
    st.builds(FixedNotional, amounts("0.01", "1000000", 2)),
    st.builds(PercentOfEquity, SHARE),
    st.builds(RiskPerTrade, SHARE, SHARE),
)


@given(SIZERS, EQUITY, PRICE, st.none() | PRICE, INSTRUMENTS)
def test_a_size_is_one_the_exchange_takes_or_zero_with_a_reason(sizer, equity, price, stop, instrument):
    sized = sizer.size(equity, price, stop, instrument)

    if sized.quantity == 0:
        assert sized.note
    else:
        market_order_objection = instrument.objection_to(sized.quantity, None, price, reduce_only=False)
        assert market_order_objection is None
        assert sized.quantity <= instrument.quantity_max


@given(SHARE, SHARE, EQUITY, PRICE, PRICE, INSTRUMENTS)
def test_being_stopped_out_never_loses_more_than_the_risk_asked_for(
    risk, share, equity, price, stop, instrument
):
    sizer = RiskPerTrade(risk, share)

    quantity = sizer.size(equity, price, stop, instrument).quantity

    commissions = quantity * (price + stop) * instrument.taker_rate
    assert quantity * abs(price - stop) + commissions <= max(Decimal(0), equity * risk)
    assert quantity * price <= max(Decimal(0), equity * share)


@given(SHARE, EQUITY, PRICE, INSTRUMENTS)
def test_a_share_of_equity_is_never_exceeded_and_nearly_reached(share, equity, price, instrument):
    quantity = PercentOfEquity(share).size(equity, price, None, instrument).quantity

    assert quantity * price <= max(Decimal(0), equity * share)
    if 0 < quantity < instrument.market_quantity_max - instrument.step_size:
        assert (quantity + instrument.step_size) * price > equity * share


@given(amounts("0.00000001", "1000", 8), PRICE, INSTRUMENTS)
def test_a_fixed_quantity_is_never_rounded_up(wanted, price, instrument):
    quantity = FixedQuantity(wanted).size(Decimal(1), price, None, instrument).quantity

    assert quantity <= wanted


@given(amounts("0.01", "1000000", 2), PRICE, INSTRUMENTS)
def test_a_fixed_notional_is_never_exceeded(notional, price, instrument):
    quantity = FixedNotional(notional).size(Decimal(1), price, None, instrument).quantity

    assert quantity * price <= notional


@given(SIZERS, EQUITY, EQUITY, PRICE, st.none() | PRICE, INSTRUMENTS)
def test_more_equity_never_makes_a_size_smaller(sizer, one, other, price, stop, instrument):
    less, more = sorted((one, other))

    smaller = sizer.size(less, price, stop, instrument).quantity

    assert smaller <= sizer.size(more, price, stop, instrument).quantity


@pytest.mark.parametrize(
    ("sizer", "stop", "quantity"),
    [
        (PercentOfEquity(), None, "0.016"),
        (PercentOfEquity(Decimal("0.5")), None, "0.083"),
        (FixedQuantity(Decimal("0.0129")), None, "0.012"),
        (FixedNotional(Decimal(500)), None, "0.008"),
        # 10 USDT over a distance of 600 and 0.05 % of both prices: 10 / 659.7.
        (RiskPerTrade(Decimal("0.001"), Decimal(1)), Decimal(59400), "0.015"),
        (RiskPerTrade(Decimal("0.001"), Decimal(1)), Decimal(60600), "0.015"),
    ],
    ids=str,
)
def test_sizes_of_ten_thousand_at_sixty_thousand(sizer: PositionSizer, stop, quantity):
    assert sizer.size(Decimal(10_000), Decimal(60_000), stop, an_instrument()).quantity == Decimal(quantity)


@pytest.mark.parametrize(
    ("sizer", "equity", "stop", "note"),
    [
        (PercentOfEquity(), 0, None, "no equity"),
        (PercentOfEquity(), -5, None, "no equity"),
        (PercentOfEquity(), 500, None, "0.0008333333 is below the smallest quantity, 0.001"),
        (PercentOfEquity(), 900, None, "notional 60.00 is below the smallest, 100"),
        (RiskPerTrade(), 10_000, None, "no stop price away from the price, so the risk has no size"),
        (RiskPerTrade(), 10_000, 60_000, "no stop price away from the price, so the risk has no size"),
    ],
    ids=str,
)
def test_what_cannot_be_traded_is_zero_with_its_reason(sizer, equity, stop, note):
    stop_price = None if stop is None else Decimal(stop)

    sized = sizer.size(Decimal(equity), Decimal(60_000), stop_price, an_instrument())

    assert sized == (0, note)


@pytest.mark.parametrize(
    ("sizer", "quantity", "note"),
    [
        (RiskPerTrade(), "0.016", "limited to 0.1 of equity"),
        (FixedQuantity(Decimal(500)), "120", "limited by the largest order, 120"),
    ],
    ids=str,
)
def test_a_limited_size_says_by_what(sizer, quantity, note):
    sized = sizer.size(Decimal(10_000), Decimal(60_000), Decimal(59_000), an_instrument())

    assert sized == (Decimal(quantity), note)


@pytest.mark.parametrize("value", ["0", "-0.1", "NaN", "Infinity"])
@pytest.mark.parametrize("kind", [FixedQuantity, FixedNotional, PercentOfEquity, RiskPerTrade])
def test_a_setting_that_is_not_above_zero_is_refused(kind, value):
    with pytest.raises(ValueError, match="must be above zero"):
        kind(Decimal(value))


def test_nobody_can_risk_more_than_everything_on_one_trade():
    with pytest.raises(ValueError, match="share of equity"):
        RiskPerTrade(Decimal("1.5"))
