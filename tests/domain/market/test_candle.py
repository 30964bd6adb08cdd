"""Timeframes and the folding of trades into candles."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.candle import Candle, CandleBuilder, timeframe_ms
from src.domain.shared.errors import InvariantViolated

D = Decimal
MINUTE = 60_000


@pytest.mark.parametrize(
    ("text", "length"), [("1s", 1_000), ("5m", 300_000), ("4h", 14_400_000), ("1d", 86_400_000)]
)
def test_a_timeframe_is_a_number_and_a_unit(text, length):
    assert timeframe_ms(text) == length


@pytest.mark.parametrize("text", ["", "1", "m", "0m", "-1m", "1.5m", "7m", "2d", "25h", "1w", "1M", "１m"])
def test_what_does_not_divide_a_day_is_no_timeframe(text):
    with pytest.raises(InvariantViolated):
        timeframe_ms(text)


def test_a_bar_has_the_first_highest_lowest_and_last_price():
    builder = CandleBuilder("BTCUSDT", "1m")
    for price, at_ms in ((100, 10), (105, 20), (95, 30), (101, 59_999)):
        assert builder.add_trade(D(price), D(2), at_ms) == ()

    closed = builder.add_trade(D(102), D(1), MINUTE)

    assert closed == (Candle("BTCUSDT", "1m", 0, D(100), D(105), D(95), D(101), D(8)),)
    assert closed[0].close_ms == MINUTE


def test_a_bar_closes_when_time_passes_its_end_without_a_trade():
    builder = CandleBuilder("BTCUSDT", "1m")
    builder.add_trade(D(100), D(2), 10)

    assert builder.advance(MINUTE - 1) == ()
    assert [c.close for c in builder.advance(MINUTE)] == [D(100)]
    assert builder.advance(MINUTE) == ()


def test_bars_without_a_trade_repeat_the_close_with_no_volume():
    builder = CandleBuilder("BTCUSDT", "1m")
    builder.add_trade(D(100), D(2), 10)
    builder.add_trade(D(103), D(2), 20)

    closed = builder.advance(3 * MINUTE)

    assert closed[1:] == tuple(
        Candle("BTCUSDT", "1m", n * MINUTE, D(103), D(103), D(103), D(103), D(0)) for n in (1, 2)
    )


def test_after_an_empty_bar_the_next_opens_at_its_own_first_trade():
    builder = CandleBuilder("BTCUSDT", "1m")
    builder.add_trade(D(100), D(2), 10)
    builder.add_trade(D(110), D(1), 2 * MINUTE + 5)

    (closed,) = builder.advance(3 * MINUTE)

    assert (closed.open, closed.low, closed.high, closed.close) == (D(110), D(110), D(110), D(110))


def test_nothing_closes_before_the_first_trade():
    builder = CandleBuilder("BTCUSDT", "1m")

    assert builder.advance(10 * MINUTE) == ()


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(1, 50), st.integers(1, 9)), min_size=1, max_size=40
    ),
    st.sampled_from(["1s", "2s", "5s"]),
)
def test_bars_are_contiguous_and_hold_every_trade_once(steps, timeframe):
    builder = CandleBuilder("BTCUSDT", timeframe)
    length = timeframe_ms(timeframe)
    now_ms, trades = 1_000_000, []
    bars: list[Candle] = []
    for wait_ms, price, quantity in steps:
        now_ms += wait_ms
        trades.append((now_ms, D(price), D(quantity)))
        bars += builder.add_trade(D(price), D(quantity), now_ms)

    bars += builder.advance(now_ms + length)

    assert [bar.open_ms for bar in bars] == list(range(bars[0].open_ms, bars[-1].open_ms + 1, length))
    for bar in bars:
        mine = [t for t in trades if bar.open_ms <= t[0] < bar.close_ms]
        assert bar.volume == sum(q for _, _, q in mine)
        if mine:
            prices = [p for _, p, _ in mine]
            assert (bar.open, bar.high, bar.low, bar.close) == (
                prices[0],
                max(prices),
                min(prices),
                prices[-1],
            )


def test_high_and_low_span_open_and_close():
    with pytest.raises(InvariantViolated):
        Candle("BTCUSDT", "1m", 0, D(100), D(99), D(95), D(98), D(1))
