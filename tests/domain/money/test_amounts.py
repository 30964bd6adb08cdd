"""Prices, quantities, shares and money: what may exist, and what may be added."""

from decimal import Decimal

import pytest

from src.domain.money import Money, Percent, Price, Quantity
from src.domain.shared.errors import DomainError, InvariantViolated, UnitMismatch

NOT_FINITE = [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")]


@pytest.mark.parametrize("kind", [Price, Quantity, Percent])
@pytest.mark.parametrize("value", [*NOT_FINITE, Decimal(-1), Decimal("-0.00000001")], ids=str)
def test_no_amount_is_negative_or_not_finite(kind, value):
    with pytest.raises(InvariantViolated):
        kind(value)


@pytest.mark.parametrize("kind", [Price, Quantity, Percent])
@pytest.mark.parametrize("text", ["", "one", "1,5", "0x1", "1 2"])
def test_a_text_that_is_no_number_is_refused_in_the_domains_own_words(kind, text):
    with pytest.raises(InvariantViolated):
        kind(text)


def test_a_price_is_above_zero_and_a_quantity_or_a_share_may_be_zero():
    with pytest.raises(InvariantViolated):
        Price(0)

    assert Quantity(0) == Percent(0) == 0


def test_a_notional_is_price_times_quantity():
    assert Price("100.5").notional(Quantity("0.2")) == Decimal("20.10")


def test_arithmetic_on_amounts_gives_plain_numbers_that_claim_no_unit():
    assert type(Price(3) * 2) is Decimal
    assert type(Quantity(3) - Quantity(4)) is Decimal


@pytest.mark.parametrize("value", NOT_FINITE, ids=str)
def test_money_is_finite(value):
    with pytest.raises(InvariantViolated):
        Money(value, "USDT")


def test_money_of_one_asset_adds_up_and_may_be_negative():
    balance = Money(Decimal("1.5"), "USDT") - Money(Decimal(2), "USDT")

    assert balance == Money(Decimal("-0.5"), "USDT")
    assert str(balance) == "-0.5 USDT"
    assert -balance == Money(Decimal("0.5"), "USDT")


def test_money_of_two_assets_does_not_add_up():
    with pytest.raises(UnitMismatch):
        Money(Decimal(1), "USDT") + Money(Decimal(1), "BNB")


def test_every_error_of_the_domain_is_caught_as_one():
    assert issubclass(InvariantViolated, DomainError) and issubclass(InvariantViolated, ValueError)
    assert issubclass(UnitMismatch, DomainError)
