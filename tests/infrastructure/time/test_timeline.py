"""Virtual time: one order for everything, and never backwards."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.time.timeline import (
    RANK_ANSWER,
    RANK_COMMAND,
    RANK_EXCHANGE,
    RANK_TIMER,
    Timeline,
)

RANKS = st.sampled_from([RANK_EXCHANGE, RANK_ANSWER, RANK_TIMER, RANK_COMMAND])


def run_all(timeline: Timeline) -> None:
    while timeline.next_ns is not None:
        timeline.run_next()


@given(st.lists(st.tuples(st.integers(0, 20), RANKS), max_size=30))
def test_entries_run_by_time_then_rank_then_order_of_asking(entries: list[tuple[int, int]]):
    timeline = Timeline()
    ran: list[tuple[int, int, int]] = []
    for number, (at_ns, rank) in enumerate(entries):
        timeline.schedule(at_ns, rank, partial(ran.append, (at_ns, rank, number)))

    run_all(timeline)

    assert ran == sorted(ran)
    assert len(ran) == len(entries)
    assert timeline.on_their_way == 0


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(0, 50))
def test_the_present_never_goes_back(moments: list[int], start_ns: int):
    timeline = Timeline(start_ns)
    seen = [timeline.now_ns]
    for at_ns in moments:
        timeline.schedule(at_ns, RANK_TIMER, lambda: seen.append(timeline.now_ns))

    run_all(timeline)
    timeline.advance_to(0)

    assert seen == sorted(seen)
    assert timeline.now_ns == max([start_ns, *moments])


def test_an_entry_for_a_moment_already_past_runs_now():
    timeline, ran = Timeline(100), []
    timeline.schedule(7, RANK_ANSWER, lambda: ran.append(timeline.now_ns))

    run_all(timeline)

    assert ran == [100]


def test_what_an_entry_schedules_for_its_own_moment_still_runs_in_it():
    timeline, ran = Timeline(), []
    timeline.schedule(
        5, RANK_TIMER, lambda: timeline.schedule(5, RANK_EXCHANGE, lambda: ran.append("nested"))
    )
    timeline.schedule(6, RANK_EXCHANGE, lambda: ran.append("later"))

    run_all(timeline)

    assert ran == ["nested", "later"]


def test_timers_are_not_counted_as_on_their_way():
    timeline = Timeline()
    timeline.schedule(1, RANK_TIMER, lambda: None)
    timeline.schedule(2, RANK_ANSWER, lambda: None)
    assert timeline.on_their_way == 1

    run_all(timeline)

    assert timeline.on_their_way == 0
