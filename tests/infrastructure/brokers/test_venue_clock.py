"""The estimate of the exchange's clock never claims to know more than its samples say."""

from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.brokers.venue_clock import DRIFT_PPM, NOTHING_KNOWN_MS, NS_PER_MS, VenueClock

SERVER_START_MS = 1_767_600_000_000


def test_without_a_sample_nothing_is_trusted():
    assert VenueClock(lambda: 0).now().error_ms == NOTHING_KNOWN_MS


@given(
    st.lists(
        st.tuples(st.integers(0, 400 * NS_PER_MS), st.integers(0, 400 * NS_PER_MS), st.integers(0, 60_000)),
        min_size=1,
        max_size=30,
    ),
    st.integers(0, 600_000),
    st.integers(-DRIFT_PPM, DRIFT_PPM),
)
def test_the_true_time_lies_within_the_error(
    trips: list[tuple[int, int, int]], later_ms: int, drift_ppm: int
):
    local_ns = 0
    clock = VenueClock(lambda: local_ns)

    def server_ns() -> int:
        return SERVER_START_MS * NS_PER_MS + local_ns + local_ns * drift_ppm // 1_000_000

    for there_ns, back_ns, pause_ms in trips:
        sent_ns = local_ns
        local_ns += there_ns
        answer_ms = server_ns() // NS_PER_MS
        local_ns += back_ns
        clock.sample(sent_ns, local_ns, answer_ms)
        local_ns += pause_ms * NS_PER_MS
    local_ns += later_ms * NS_PER_MS

    estimate = clock.now()
    assert abs(estimate.now_ms - server_ns() // NS_PER_MS) <= estimate.error_ms + 1


def test_the_shortest_round_trip_decides():
    clock = VenueClock(lambda: 10 * NS_PER_MS)
    clock.sample(0, 2 * NS_PER_MS, SERVER_START_MS)
    clock.sample(0, 200 * NS_PER_MS, SERVER_START_MS + 50)

    assert clock.now().error_ms == 2


def test_a_doubted_clock_goes_on_until_the_next_sample_which_replaces_all_others():
    local_ns = 0
    clock = VenueClock(lambda: local_ns)
    clock.sample(0, 0, SERVER_START_MS)

    clock.doubt()
    doubted = clock.is_set, clock.now().now_ms
    # Worse than the one before by its round trip, and yet it counts.
    clock.sample(0, 20 * NS_PER_MS, SERVER_START_MS + 10_000)

    assert doubted == (False, SERVER_START_MS)
    assert clock.is_set
    assert clock.now().now_ms >= SERVER_START_MS + 9_980
