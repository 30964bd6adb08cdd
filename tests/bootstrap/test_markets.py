"""How markets are told apart and opened."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.bootstrap.markets import flaws_of, mark_equity_ms_of, market_id, open_market, try_market
from src.infrastructure.market_data.source import SourceError
from tests.infrastructure.market_data.bar_files import START_MS, lines, rows
from tests.infrastructure.market_data.bar_files import write as write_bars
from tests.infrastructure.market_data.wire import combined, frames_of, line, ticker, tickers, write

SYMBOLS = st.lists(st.sampled_from(["BTCUSDT", "ETHUSDT", "SOLUSDT"]), min_size=1, max_size=3, unique=True)


@given(SYMBOLS, SYMBOLS, st.integers(0, 99), st.integers(0, 99))
def test_synthetic_markets_have_equal_names_when_they_are_equal(one: list, two: list, seed: int, other: int):
    equal = (one, seed) == (two, other)

    assert (market_id((), one, seed) == market_id((), two, other)) is equal


def test_a_recording_is_known_by_its_content_wherever_it_lies(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"frames")
    (tmp_path / "b").write_bytes(b"frames")
    (tmp_path / "c").write_bytes(b"other frames")
    names = [market_id((tmp_path / name,), (), 1) for name in "abc"]

    assert names[0] == names[1] != names[2]
    assert market_id((tmp_path / "a",), ("BTCUSDT",), 2) == names[0]


def test_the_order_of_files_is_part_of_a_recording(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")

    assert market_id((tmp_path / "a", tmp_path / "b"), (), 1) != market_id(
        (tmp_path / "b", tmp_path / "a"), (), 1
    )


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_file_that_cannot_be_read_is_named_in_one_line(make, tmp_path: Path):
    path = tmp_path / "recording.csv"
    make(path)

    with pytest.raises(SourceError) as refused:
        market_id((path,), (), 1)

    assert "recording.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_synthetic_market_has_the_symbols_asked_for():
    market = open_market((), ("ETHUSDT",), 1)

    assert list(market.instruments) == ["ETHUSDT"]
    market.close()


def test_a_market_is_tried_without_keeping_it():
    try_market((), ("BTCUSDT",), 1)


def test_what_was_wrong_with_a_recording_is_told_at_its_end(tmp_path: Path):
    whole = write(tmp_path / "whole.ws", tickers(3))
    times = (0, 10, 7, 12)
    flawed = write(tmp_path / "flawed.ws", ["garbage", *(line(ms, combined(ticker(ms + 1))) for ms in times)])

    def told(recording: Path) -> tuple[str, ...]:
        with closing(open_market([recording], [], 1)) as market:
            frames_of(market)
            return flaws_of(market)

    assert told(whole) == ()
    assert told(flawed) == (
        "1 lines were passed over: 1 no receive time",
        "1 frames were received before the one ahead of them, and take its time",
    )


@pytest.mark.parametrize(
    ("bar_s", "marked_every_s"), [(60, 3_600), (900, 54_000), (14_400, 86_400), (86_400, 86_400)]
)
def test_every_day_of_a_market_of_bars_has_a_point_of_the_equity_curve(
    bar_s: int, marked_every_s: int, tmp_path: Path
):
    bars = rows(1, 3, START_MS, 1_000 * bar_s)
    with closing(open_market([write_bars(tmp_path / "BTCUSDT.csv", lines(bars))], (), 1)) as market:
        assert mark_equity_ms_of(market, 60_000) == 1_000 * marked_every_s
