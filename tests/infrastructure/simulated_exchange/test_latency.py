"""Latencies depend on the seed and the key, and on nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.simulated_exchange.latency import LatencyModel

KEYS = st.text(min_size=1, max_size=36)


@given(st.integers(0, 2**31), KEYS)
def test_the_same_key_has_the_same_latencies(seed: int, key: str):
    one, other = LatencyModel(seed), LatencyModel(seed)
    other.request("something else")

    assert (one.request(key), one.answer(key), one.event(key)) == (
        other.request(key),
        other.answer(key),
        other.event(key),
    )


@given(st.integers(0, 2**31), KEYS)
def test_a_latency_stays_within_its_jitter_unless_it_is_late(seed: int, key: str):
    model = LatencyModel(seed, request_ns=1000, jitter=0.5, late=0.0)

    assert 500 <= model.request(key) <= 1500


def test_the_legs_are_drawn_apart():
    model = LatencyModel(7)

    assert len({model.request("c-1"), model.answer("c-1"), model.event("c-1")[0]}) == 3


def test_late_and_duplicate_come_as_often_as_they_should():
    model = LatencyModel(7, late=0.2, late_ns=10**9, duplicate=0.3)
    keys = [f"c-{number}" for number in range(2000)]

    late = sum(model.request(key) > 10**9 for key in keys)
    twice = sum(len(model.event(key)) == 2 for key in keys)

    assert 320 < late < 480
    assert 520 < twice < 680


def test_without_jitter_every_message_takes_the_median():
    model = LatencyModel(7, jitter=0.0, late=0.0, duplicate=0.0)

    assert {model.request(str(number)) for number in range(50)} == {model.request_ns}
