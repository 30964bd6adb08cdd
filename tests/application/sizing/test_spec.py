"""Sizers asked for in text."""

from decimal import Decimal

import pytest

from src.application.sizing import (
    SIZERS,
    FixedNotional,
    FixedQuantity,
    PercentOfEquity,
    RiskPerTrade,
    parse_sizer,
)


@pytest.mark.parametrize(
    ("text", "sizer"),
    [
        ("percent", PercentOfEquity()),
        ("percent:0.25", PercentOfEquity(Decimal("0.25"))),
        (" Percent : share = 0.25 ", PercentOfEquity(Decimal("0.25"))),
        ("risk", RiskPerTrade()),
        ("risk:0.01", RiskPerTrade(Decimal("0.01"))),
        ("risk:0.01,share_max=0.2", RiskPerTrade(Decimal("0.01"), Decimal("0.2"))),
        ("risk:share_max=0.2", RiskPerTrade(equity_share_max=Decimal("0.2"))),
        ("fixed:0.01", FixedQuantity(Decimal("0.01"))),
        ("notional:500", FixedNotional(Decimal(500))),
    ],
)
def test_a_text_makes_its_sizer(text, sizer):
    assert parse_sizer(text) == sizer


@pytest.mark.parametrize("kind", SIZERS, ids=lambda kind: kind.name)
def test_every_example_can_be_read(kind):
    assert isinstance(parse_sizer(kind.example), kind.make)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "percnt:0.1",
            "no sizing 'percnt' (did you mean 'percent'?): known are "
            "percent, risk, kelly, volatility, fixed, notional, e.g. percent:0.1",
        ),
        ("fixed", "fixed needs a quantity in base asset: write it like fixed:0.01"),
        ("percent:ten", "'ten' is not a number: write it like percent:0.1"),
        ("percent:10%", "'10%' is not a number: write it like percent:0.1"),
        (
            "risk:0.01,share_mx=0.2",
            "cannot read 'share_mx=0.2' in 'risk:0.01,share_mx=0.2' (did you mean 'share_max'?): "
            "risk has share, share_max, write it like risk:0.005",
        ),
        (
            "risk:0.01,0.2",
            "cannot read '0.2' in 'risk:0.01,0.2': risk has share, share_max, write it like risk:0.005",
        ),
        ("risk:0.01,share=0.2", "share is given twice in 'risk:0.01,share=0.2': keep one of them"),
        (
            "fixed:-1",
            "'fixed:-1': a fixed quantity must be above zero, not -1; write it like fixed:0.01",
        ),
    ],
)
def test_a_wrong_text_is_refused_in_one_line_with_the_fix(text, complaint):
    with pytest.raises(ValueError) as refused:
        parse_sizer(text)

    assert str(refused.value) == complaint
