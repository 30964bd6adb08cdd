"""Numbers of indicators as a record keeps them."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.strategies.numbers import rounded_confidence, rounded_number, rounded_numbers
from src.domain.shared.errors import InvariantViolated


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        ("61800.123456789", "61800.12346"),
        ("0.1000000000000000055511151231257827", "0.1"),
        ("-0.0", "0"),
        ("12345678901234", "12345678900000"),
        ("0.00000000012345678912", "0.0000000001234567891"),
        ("100", "100"),
    ],
)
def test_a_number_for_the_record_has_one_spelling(value, spelling):
    assert format(rounded_number(float(value)), "f") == format(Decimal(spelling), "f")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_refused(value):
    with pytest.raises(InvariantViolated):
        rounded_number(float(value))


def test_named_numbers_keep_their_names_and_their_order():
    numbers = (("slow", 61800.123456789), ("fast", -0.0))

    assert rounded_numbers(numbers) == (("slow", Decimal("61800.12346")), ("fast", Decimal(0)))
    with pytest.raises(InvariantViolated):
        rounded_numbers((*numbers, ("odd", float("nan"))))


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_rounding_for_the_record_is_close_and_settles_at_once(value):
    rounded = rounded_number(value)

    assert rounded_number(float(rounded)) == rounded
    assert abs(rounded - Decimal(value)) <= abs(Decimal(value)) * Decimal("1e-9")
    assert Context(prec=10).plus(rounded) == rounded


@given(st.floats(0, 1) | st.integers(0, 32).map(lambda part: part / 32))
def test_a_confidence_is_rounded_as_its_exact_decimal_would_be(value: float):
    exact = Decimal(value).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)

    assert str(rounded_confidence(value)) == str(exact)
