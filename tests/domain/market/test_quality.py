"""The gates on market data."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.quality import QualityGates, QualityLimits

D = Decimal
LIMITS = QualityLimits(
    stale_ms=5_000, jump_pct=D("0.02"), confirmations=3, settle_ms=1_000, gap_ms=10_000, lag_ms=3_000
)


def quoted(mid: int | str = 100, at_ms: int = 10_000) -> QualityGates:
    gates = QualityGates("BTCUSDT", LIMITS)
    assert quote(gates, mid, 1, at_ms)
    return gates


def quote(
    gates: QualityGates, mid: int | str, update_id: int, now_ms: int, event_ms: int | None = None
) -> bool:
    middle = D(mid)
    return gates.on_quote(
        middle - D("0.1"), middle + D("0.1"), update_id, now_ms if event_ms is None else event_ms, now_ms
    )


def why(gates: QualityGates, now_ms: int) -> str:
    return gates.opening_objection(now_ms) or "nothing is wrong"


def test_nothing_opens_before_the_first_quote():
    assert "has not been quoted" in why(QualityGates("BTCUSDT", LIMITS), 0)


def test_a_fresh_quote_opens_the_gate():
    assert quoted(at_ms=10_000).opening_objection(14_000) is None


def test_an_old_quote_is_stale_and_counts_once():
    gates = quoted(at_ms=10_000)

    assert "5001 ms ago" in why(gates, 15_001)
    assert gates.opening_objection(15_002) is not None
    assert gates.counts["stale"] == 1


def test_quotes_that_arrive_later_than_they_used_to_are_stale_whatever_the_clocks_say():
    gates = QualityGates("BTCUSDT", LIMITS)
    quote(gates, 100, 1, now_ms=10_000, event_ms=11_200)  # our clock is 1.2 s behind the exchange's
    quote(gates, 100, 2, now_ms=10_500, event_ms=11_700)
    assert gates.opening_objection(10_500) is None

    quote(gates, 100, 3, now_ms=15_000, event_ms=11_900)

    assert "later than the promptest" in why(gates, 15_000)
    assert gates.counts["stale"] == 1


@pytest.mark.parametrize(("millionths", "opens"), [(150, True), (400, False)])
def test_clocks_may_drift_apart_as_slowly_as_clocks_do(millionths, opens):
    gates = QualityGates("BTCUSDT", LIMITS)
    late_ms = now_ms = 0

    for number in range(12 * 720):
        late_ms = number * 5_000 * millionths // 1_000_000
        now_ms = 10_000 + number * 5_000
        quote(gates, 100, number, now_ms, event_ms=now_ms - late_ms)

    assert late_ms > 2 * LIMITS.lag_ms
    assert ("later than the promptest" not in why(gates, now_ms)) is opens
    assert (gates.counts["stale"] == 0) is opens


def test_a_feed_that_stays_late_is_not_the_usual_one_after_an_hour():
    gates = QualityGates("BTCUSDT", LIMITS)
    quote(gates, 100, 1, now_ms := 10_000, event_ms=10_000)

    for second in range(1, 3_600):
        now_ms = 10_000 + second * 1_000
        quote(gates, 100, second + 1, now_ms, event_ms=now_ms - 5_000)

    assert "later than the promptest" in why(gates, now_ms)


def test_one_event_ahead_of_its_time_does_not_stop_opening_for_good():
    gates = QualityGates("BTCUSDT", LIMITS)
    quote(gates, 100, 1, now_ms := 10_000, event_ms=15_000)

    for number in range(1, 4 * 720):
        now_ms = 10_000 + number * 5_000
        quote(gates, 100, number + 1, now_ms, event_ms=now_ms)

    assert "later than the promptest" not in why(gates, now_ms)


def test_a_crossed_quote_is_not_believed_and_opening_waits_for_clean_data():
    gates = quoted(at_ms=10_000)

    assert not gates.on_quote(D("100.2"), D("100.2"), 2, 10_100, 10_100)

    assert "crossed" in why(gates, 10_200)
    quote(gates, 100, 3, 10_300)
    assert gates.opening_objection(11_100) is None
    assert gates.counts["crossed"] == 1


def test_an_older_update_is_out_of_order_and_not_believed():
    gates = quoted()
    quote(gates, 100, 5, 10_100)

    assert not quote(gates, 100, 4, 10_200)
    assert gates.counts["out_of_order"] == 1


def test_event_times_that_go_back_are_counted_for_each_stream_apart():
    gates = quoted(at_ms=10_000)

    gates.on_depth(True, 9_000, 10_001)
    gates.on_trade(9_500, 10_002)
    assert gates.counts["out_of_order"] == 0

    gates.on_depth(True, 8_999, 10_003)
    gates.on_trade(9_499, 10_004)
    assert quote(gates, 100, 2, 10_005, event_ms=9_999)
    assert gates.counts["out_of_order"] == 3


def test_a_broken_chain_is_a_gap_until_the_data_has_settled():
    gates = quoted(at_ms=10_000)

    gates.on_depth(False, 10_100, 10_100)

    assert "missing" in why(gates, 11_099)
    assert gates.opening_objection(11_100) is None
    assert gates.counts["gap"] == 1


def test_silence_is_a_gap_when_it_ends():
    gates = quoted(at_ms=10_000)

    gates.on_trade(25_000, 25_000)
    quote(gates, 100, 2, 25_100)

    assert "nothing was heard for 15000 ms" in why(gates, 25_200)
    assert gates.opening_objection(26_000) is None
    assert gates.counts["gap"] == 1


def test_one_absurd_quote_is_never_believed():
    gates = quoted(100)

    assert not quote(gates, 150, 2, 10_100)

    assert "jumped" in why(gates, 10_200)
    assert quote(gates, 100, 3, 10_300)
    assert gates.opening_objection(11_200) is None
    assert gates.counts["jump"] == 1


def test_a_jump_is_believed_when_quotes_in_a_row_agree_on_it():
    gates = quoted(100)

    assert [quote(gates, 150, n, 10_000 + n) for n in (2, 3, 4)] == [False, False, True]
    assert quote(gates, 150, 5, 10_005)
    assert not quote(gates, 100, 6, 10_006)


def test_a_believable_quote_in_between_ends_the_row():
    gates = quoted(100)

    mids = (150, 150, 100, 150, 150, 150)
    assert [quote(gates, mid, n, 10_000 + n) for n, mid in enumerate(mids, 2)] == [
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def test_absurd_quotes_that_do_not_agree_with_each_other_confirm_nothing():
    gates = quoted(100)

    assert not any(quote(gates, mid, n, 10_000 + n) for n, mid in enumerate((150, 60, 150, 60, 150, 60), 2))


def test_a_drift_is_no_jump_however_far_it_leads():
    gates = quoted(100)

    assert all(quote(gates, str(D(100) + D(n) / 2), n + 2, 10_000 + n) for n in range(1_000))
    assert gates.counts["jump"] == 0


@given(st.lists(st.tuples(st.sampled_from(["99.5", "100", "100.5"]), st.integers(0, 4_000)), max_size=50))
def test_clean_data_has_no_objection_and_counts_nothing(steps):
    gates, now_ms = quoted(100), 10_000
    for update_id, (mid, wait_ms) in enumerate(steps, 2):
        now_ms += wait_ms
        assert quote(gates, mid, update_id, now_ms)
        gates.on_depth(True, now_ms, now_ms)
        gates.on_trade(now_ms, now_ms)
        assert gates.opening_objection(now_ms) is None
    assert not any(gates.counts.values())
