"""A book made of a snapshot and the events that follow it is whole, or it is made anew."""

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.market_data.frames import DepthSnapshot, DepthUpdate
from src.infrastructure.streams.book_of_a_stream import RESYNC_LONGEST_S, STOOD_S, StreamedBook

SYMBOL = "BTCUSDT"


def an_update(previous: int, final: int) -> DepthUpdate:
    return DepthUpdate(SYMBOL, previous + 1, final, previous, [], [], 0, 0)


def a_snapshot(last: int) -> DepthSnapshot:
    return DepthSnapshot(SYMBOL, last, [("1", "1")], [("2", "1")], 0, 0)


def chain(*finals: int) -> list[DepthUpdate]:
    return [an_update(before, final) for before, final in itertools.pairwise(finals)]


def test_events_before_the_snapshot_are_dropped_and_the_first_one_spans_it():
    book = StreamedBook()
    events = chain(10, 20, 30, 40)
    for event in events:
        book.hold(event)

    ready = book.begin(a_snapshot(25), 0.0)

    assert ready == events[1:]
    assert book.last_update_id == 40


def test_a_snapshot_that_is_older_than_all_events_is_not_enough():
    book = StreamedBook()
    for event in chain(30, 40, 50):
        book.hold(event)

    assert book.begin(a_snapshot(20), 0.0) is None
    assert book.last_update_id is None


def test_a_snapshot_without_events_waits_for_the_next_one():
    book = StreamedBook()

    assert book.begin(a_snapshot(20), 0.0) == []
    assert book.last_update_id == 20
    assert book.join(an_update(20, 30))
    assert book.last_update_id == 30


def test_a_snapshot_that_is_ahead_of_all_events_is_joined_by_the_next_one_that_spans_it():
    book = StreamedBook()
    book.hold(an_update(10, 20))
    assert book.begin(a_snapshot(25), 0.0) == []

    assert book.join(an_update(20, 30))
    assert book.last_update_id == 30


def test_an_event_that_begins_after_the_snapshot_does_not_span_it():
    book = StreamedBook()
    book.begin(a_snapshot(25), 0.0)

    assert not book.join(DepthUpdate(SYMBOL, 27, 30, 24, [], [], 0, 0))
    assert not book.join(an_update(26, 30))
    assert book.last_update_id == 25


def test_an_event_from_before_the_snapshot_does_not_join_it():
    book = StreamedBook()
    book.begin(a_snapshot(25), 0.0)

    assert not book.join(an_update(10, 20))
    assert book.join(an_update(20, 30))


def test_only_the_first_event_may_span_what_is_known():
    book = StreamedBook()
    book.hold(an_update(10, 20))
    book.begin(a_snapshot(15), 0.0)
    assert not book.join(an_update(18, 30))

    book = StreamedBook()
    book.begin(a_snapshot(15), 0.0)
    assert book.join(an_update(10, 20))
    assert not book.join(an_update(18, 30))
    assert book.join(an_update(20, 30))


def test_a_book_that_breaks_again_and_again_is_asked_for_with_growing_pauses_until_it_has_held():
    book = StreamedBook()
    pauses = []
    for number in range(7):
        book.lose(float(number))
        pauses.append(book.next_pause_s())
        book.begin(a_snapshot(20), float(number))
    book.lose(6 + STOOD_S)

    assert pauses == [0.0, 0.5, 1.0, 2.0, 4.0, RESYNC_LONGEST_S, RESYNC_LONGEST_S]
    assert book.next_pause_s() == 0.0


def test_a_book_that_was_not_there_has_not_held_however_long_it_was_waited_for():
    book = StreamedBook()
    book.next_pause_s()
    book.begin(a_snapshot(20), 0.0)
    book.lose(1.0)

    book.lose(1 + STOOD_S)

    assert book.next_pause_s() == 0.5


def test_events_that_do_not_follow_each_other_are_not_joined():
    book = StreamedBook()
    book.hold(an_update(10, 20))
    book.hold(an_update(25, 30))

    assert book.begin(a_snapshot(26), 0.0) == [an_update(25, 30)]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(0, 160))
def test_whatever_begins_a_book_leads_from_the_snapshot_without_a_gap(steps: list[int], last: int):
    finals = [10]
    for step in steps:
        finals.append(finals[-1] + step)
    book = StreamedBook()
    for event in chain(*finals):
        book.hold(event)

    ready: Any = book.begin(a_snapshot(last), 0.0)

    if ready is None:
        assert last < finals[0]
        return
    assert all(event.final_update_id >= last for event in ready)
    assert all(b.previous_final_update_id == a.final_update_id for a, b in itertools.pairwise(ready))
    if ready:
        assert ready[0].previous_final_update_id <= last
    assert book.last_update_id == (ready[-1].final_update_id if ready else last)
