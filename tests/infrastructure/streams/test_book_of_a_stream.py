"""A book made of a snapshot and the events that follow it is whole, or it is made anew."""

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.market_data.frames import DepthSnapshot, DepthUpdate
from src.infrastructure.streams.binance_market_stream import _Book

SYMBOL = "BTCUSDT"


def an_update(previous: int, final: int) -> DepthUpdate:
    return DepthUpdate(SYMBOL, previous + 1, final, previous, [], [], 0, 0)


def a_snapshot(last: int) -> DepthSnapshot:
    return DepthSnapshot(SYMBOL, last, [("1", "1")], [("2", "1")], 0, 0)


def chain(*finals: int) -> list[DepthUpdate]:
    return [an_update(before, final) for before, final in itertools.pairwise(finals)]


def test_events_before_the_snapshot_are_dropped_and_the_first_one_spans_it():
    book = _Book()
    events = chain(10, 20, 30, 40)
    for event in events:
        book.hold(event)

    ready = book.begin(a_snapshot(25))

    assert ready == events[1:]
    assert book.last_update_id == 40


def test_a_snapshot_that_is_older_than_all_events_is_not_enough():
    book = _Book()
    for event in chain(30, 40, 50):
        book.hold(event)

    assert book.begin(a_snapshot(20)) is None
    assert book.last_update_id is None


def test_a_snapshot_without_events_waits_for_the_next_one():
    book = _Book()

    assert book.begin(a_snapshot(20)) == []
    assert book.last_update_id == 20


def test_events_that_do_not_follow_each_other_are_not_joined():
    book = _Book()
    book.hold(an_update(10, 20))
    book.hold(an_update(25, 30))

    assert book.begin(a_snapshot(26)) == [an_update(25, 30)]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(0, 160))
def test_whatever_begins_a_book_leads_from_the_snapshot_without_a_gap(steps: list[int], last: int):
    finals = [10]
    for step in steps:
        finals.append(finals[-1] + step)
    book = _Book()
    for event in chain(*finals):
        book.hold(event)

    ready: Any = book.begin(a_snapshot(last))

    if ready is None:
        assert last < finals[0]
        return
    assert all(event.final_update_id >= last for event in ready)
    assert all(b.previous_final_update_id == a.final_update_id for a, b in itertools.pairwise(ready))
    if ready:
        assert ready[0].previous_final_update_id <= last
    assert book.last_update_id == (ready[-1].final_update_id if ready else last)
