"""Levels as text: spellings of the same price, prices that are none, deleted levels."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.book import OverlayBook
from src.domain.market.ladder import Ladder

D = Decimal


def snapshot_book() -> OverlayBook:
    book = OverlayBook("BTCUSDT")
    book.apply_snapshot(100, [("99.00", "5"), ("98.00", "7")], [("101.00", "4"), ("102.00", "6")])
    return book


@pytest.mark.parametrize("spelling", ["99.0", "99", "99.000", "099.00", "9.9E+1"])
def test_spellings_of_the_same_price_are_one_level(spelling):
    book = snapshot_book()

    book.apply_depth(101, 102, 100, [(spelling, "8")], [])
    book.apply_depth(103, 104, 102, [("99.00", "9"), (spelling, "6")], [])

    assert list(book.levels(is_ask=False)) == [(D("99.00"), D(6)), (D("98.00"), D(7))]


spelled_levels = st.tuples(
    st.integers(1, 20_000),
    st.integers(0, 3),
    st.sampled_from(["", "", "0"]),
    st.integers(0, 4),
    st.sampled_from(["0.000", "1.000", "2.000"]),
)


@given(st.lists(st.lists(spelled_levels, max_size=4), max_size=25), st.booleans(), st.integers(0, 2))
def test_any_mixture_of_spellings_keeps_one_level_a_price_in_order(frames, is_ask, ask_every):
    ladder = Ladder(is_ask)
    reference: dict[Decimal, Decimal] = {}
    for number, frame in enumerate(frames):
        levels = []
        for units, decimals, first, zeros, quantity in frame:
            price = D(units).scaleb(-decimals)
            levels.append((f"{first}{price:f}" + ("0" * zeros if decimals else ""), quantity))
            reference[price] = D(quantity)

        ladder.update(levels)

        expected = sorted(((p, q) for p, q in reference.items() if q), reverse=not is_ask)
        if number % (ask_every + 1) == 0:
            assert ladder.best() == (expected[0] if expected else None)
            assert list(ladder.beyond(None)) == expected


@pytest.mark.parametrize(
    ("is_ask", "levels", "better"),
    [
        (False, [("99.00", "1")], ("100", "2")),
        (False, [("9.99", "1")], ("10.5", "2")),
        (True, [("10.5", "1")], ("9.9999", "2")),
        (True, [("100.00", "1")], ("99.99555", "2")),
    ],
)
def test_a_better_price_is_seen_however_it_is_spelled(is_ask, levels, better):
    ladder = Ladder(is_ask)
    ladder.update(levels)
    assert ladder.best() == (D(levels[0][0]), D(1))

    ladder.update([better])

    assert ladder.best() == (D(better[0]), D(2))


@pytest.mark.parametrize("text", ["NaN", "-99.0", "abc", "0.00", "Infinity", ""])
def test_a_level_at_no_price_never_enters(text):
    book = snapshot_book()

    book.apply_depth(101, 102, 100, [(text, "8"), ("99.10", "1")], [])

    assert [p for p, _ in book.levels(is_ask=False)] == [D("99.10"), D("99.00"), D("98.00")]


def test_deleted_levels_are_dropped_from_time_to_time():
    ladder = Ladder(is_ask=False)
    for cents in range(10_000, 20_000):
        ladder.update([(f"{D(cents - 5).scaleb(-2):.2f}", "0.000"), (f"{D(cents).scaleb(-2):.2f}", "1.000")])

    assert len(ladder) < 2_500
    assert ladder.best() == (D("199.99"), D(1))
    assert len(list(ladder.beyond(None))) == 5


def test_a_finer_price_that_comes_back_is_seen():
    ladder = Ladder(is_ask=True)
    for level in (("10.5", "1"), ("9.99990", "1"), ("9.9999", "0")):
        ladder.update([level])
    assert ladder.best() == (D("10.5"), D(1))

    ladder.update([("9.9999", "2")])

    assert ladder.best() == (D("9.9999"), D(2))
