"""Rounding goes in the direction of its name, to the grid, exactly; the journal spells a number in one way only."""

from decimal import ROUND_HALF_EVEN, Decimal, Inexact, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from src.domain.money import (
    MONEY_CONTEXT,
    PRECISION,
    SATOSHI,
    canonical,
    is_multiple_of,
    pro_rata,
    quantize_amount,
    round_down_to_step,
    round_nearest_to_tick,
    round_price_down_to_tick,
    round_price_up_to_tick,
    round_up_to_step,
)

# Every digit that the money context has, in sizes that prices, quantities and amounts can have.
AMOUNTS = st.builds(
    lambda digits, exponent: Decimal((0, tuple(int(d) for d in str(digits)), exponent)),
    st.integers(0, 10**PRECISION - 1),
    st.integers(-30, -18),
)
STEPS = st.builds(
    lambda digit, exponent: Decimal(digit).scaleb(exponent),
    st.sampled_from([1, 2, 5, 25]),
    st.integers(-8, 1),
)


@pytest.fixture(autouse=True, scope="module")
def _money_context():
    """Every entry point of the program computes in it."""
    with localcontext(MONEY_CONTEXT):
        yield


@pytest.mark.parametrize("down", [round_down_to_step, round_price_down_to_tick])
@given(value=AMOUNTS, step=STEPS)
@example(value=Decimal("9.999999999999999999999999999999999"), step=Decimal(5))
@example(value=Decimal("1.999999999999999999999999999999999"), step=Decimal("0.25"))
def test_rounding_down_gives_the_largest_multiple_that_is_not_above(down, value, step):
    rounded = down(value, step)

    with localcontext() as context:
        context.prec = 200
        assert rounded <= value < rounded + step
    assert is_multiple_of(rounded, step)


@pytest.mark.parametrize("up", [round_up_to_step, round_price_up_to_tick])
@given(value=AMOUNTS, step=STEPS)
@example(value=Decimal("5.000000000000000000000000000000001"), step=Decimal(5))
def test_rounding_up_gives_the_smallest_multiple_that_is_not_below(up, value, step):
    rounded = up(value, step)

    with localcontext() as context:
        context.prec = 200
        assert rounded - step < value <= rounded
    assert is_multiple_of(rounded, step)


@given(value=AMOUNTS, step=STEPS)
def test_rounding_to_the_nearest_is_never_further_than_half_a_step(value, step):
    rounded = round_nearest_to_tick(value, step)

    with localcontext() as context:
        context.prec = 200
        # A quotient of more digits than the context has may be taken for the tie that it misses by 1e-34 of itself.
        assert abs(rounded - value) <= step / 2 + value * Decimal("1e-33")
    assert is_multiple_of(rounded, step)


@pytest.mark.parametrize(
    ("value", "nearest"), [("0.05", "0.0"), ("0.15", "0.2"), ("0.25", "0.2"), ("0.2500001", "0.3")]
)
def test_a_tie_goes_to_the_even_multiple(value, nearest):
    assert round_nearest_to_tick(Decimal(value), Decimal("0.1")) == Decimal(nearest)


@pytest.mark.parametrize(("value", "below", "above"), [("-0.5", "-0.6", "-0.3"), ("-0.6", "-0.6", "-0.6")])
def test_down_means_down_and_up_means_up_below_zero_too(value, below, above):
    step = Decimal("0.3")

    assert round_down_to_step(Decimal(value), step) == Decimal(below)
    assert round_price_up_to_tick(Decimal(value), step) == Decimal(above)


@given(count=st.integers(0, 10**12), step=STEPS)
def test_what_lies_on_the_grid_is_left_alone(count, step):
    value = count * step

    for rounding in (
        round_down_to_step,
        round_price_down_to_tick,
        round_price_up_to_tick,
        round_nearest_to_tick,
    ):
        assert rounding(value, step) == value


@given(value=AMOUNTS)
def test_a_rounded_amount_is_at_most_half_a_satoshi_away(value):
    with localcontext() as context:
        context.prec = 200
        assert abs(quantize_amount(value) - value) <= SATOSHI / 2
        assert quantize_amount(value) == value.quantize(SATOSHI, ROUND_HALF_EVEN)


def test_rounding_an_amount_does_not_trip_the_trap_that_sums_are_watched_with():
    with localcontext(MONEY_CONTEXT) as context:
        context.traps[Inexact] = True

        assert quantize_amount(Decimal("0.123456785")) == Decimal("0.12345678")
        assert pro_rata(Decimal(1), Decimal(1), Decimal(3)) == Decimal("0.33333333")


@given(
    amount=st.decimals(min_value=-(10**9), max_value=10**9, places=8),
    parts=st.lists(st.integers(1, 10**9), min_size=1, max_size=5),
)
def test_parts_that_are_taken_one_after_the_other_add_up_to_the_amount(amount, parts):
    left, whole, taken = amount, Decimal(sum(parts)), []
    for part in map(Decimal, parts):
        taken.append(pro_rata(left, part, whole))
        left, whole = left - taken[-1], whole - part

    assert left == 0
    assert sum(taken) == amount


@given(
    value=st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**12), max_value=10**12)
)
def test_the_canonical_spelling_reads_back_as_the_same_number(value):
    assert Decimal(canonical(value)) == value


@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=8), zeros=st.integers(0, 10))
def test_equal_numbers_have_one_canonical_spelling(value, zeros):
    with localcontext() as context:
        context.prec = 400
        longer = value.quantize(Decimal(1).scaleb(-8 - zeros))

    assert canonical(longer) == canonical(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [("0E-8", "0"), ("-0", "0"), ("100", "100"), ("1E+2", "100"), ("0.10", "0.1"), ("-1.500", "-1.5")],
)
def test_the_canonical_spelling_has_no_exponent_no_trailing_zeros_and_no_negative_zero(value, text):
    assert canonical(Decimal(value)) == text
