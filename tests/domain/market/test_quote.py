"""Quotes."""

from decimal import Decimal

import pytest

from src.domain.market.quote import Quote
from src.domain.shared.errors import InvariantViolated

D = Decimal


def test_the_middle_and_the_spread():
    quote = Quote("BTCUSDT", D("99.9"), D(1), D("100.1"), D(2), 5)

    assert quote.mid == D(100)
    assert quote.spread == D("0.2")


@pytest.mark.parametrize(
    ("bid", "ask"), [("100", "100"), ("101", "100"), ("0", "100"), ("-1", "1"), ("NaN", "1"), ("1", "NaN")]
)
def test_a_quote_is_positive_and_not_crossed(bid, ask):
    with pytest.raises(InvariantViolated):
        Quote("BTCUSDT", D(bid), D(1), D(ask), D(1), 0)
