"""Levels as text: spellings of the same price, prices that are none, deleted levels."""

from collections.abc import Iterator
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


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 4), st.integers(0, 3)), max_size=40))
def test_any_mixture_of_spellings_keeps_one_level_a_price_in_order(entries):
    book = snapshot_book()
    reference = {D("99.00"): D(5), D("98.00"): D(7)}
    for update_id, (cents, zeros, quantity) in enumerate(entries, 101):
        number = D(cents).scaleb(-2)
        text = f"{number:f}" + "0" * zeros
        book.apply_depth(update_id, update_id, update_id - 1, [(text, f"{quantity}.000")], [])
        reference[number] = D(quantity)
        book.best_bid()

    expected: Iterator = ((p, q) for p, q in sorted(reference.items(), reverse=True) if q)
    assert list(book.levels(is_ask=False)) == list(expected)


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
