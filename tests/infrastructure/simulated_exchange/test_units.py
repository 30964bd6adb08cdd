"""Amounts in units: exact both ways, and rounded half to even where they must be rounded."""

from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.simulated_exchange.units import divide_half_even, multiply, text, to_decimal, to_units

AMOUNTS = st.integers(-(10**18), 10**18)


@given(AMOUNTS)
def test_units_and_decimals_are_the_same_number(amount: int):
    assert to_units(to_decimal(amount)) == amount
    assert Decimal(text(amount)) == to_decimal(amount)


@given(AMOUNTS)
def test_the_wire_spells_a_number_without_exponent_or_trailing_zeros(amount: int):
    spelled = text(amount)

    assert "E" not in spelled
    assert spelled == "0" or not ("." in spelled and spelled.endswith("0"))
    assert spelled != "-0"


@given(AMOUNTS, st.integers(1, 10**12))
def test_division_rounds_half_to_even_as_decimals_do(numerator: int, denominator: int):
    exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_EVEN)

    assert divide_half_even(numerator, denominator) == exact


def test_ties_go_to_the_even_neighbour():
    assert [divide_half_even(n, 2) for n in (-3, -1, 1, 3, 5)] == [-2, 0, 0, 2, 2]


def test_a_product_of_amounts_is_an_amount():
    assert multiply(to_units(Decimal("76915.1")), to_units(Decimal("0.003"))) == to_units(Decimal("230.7453"))
