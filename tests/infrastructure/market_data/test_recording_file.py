"""One recorded file: good lines, bad lines, damaged files, receive times."""

import gzip
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.market_data.frames import (
    BookTicker,
    TradePrint,
)
from src.infrastructure.market_data.recorded import RecordedMarket
from src.infrastructure.market_data.source import SourceError
from tests.infrastructure.market_data.wire import (
    START_MS,
    combined,
    depth,
    frames_of,
    line,
    snapshot,
    ticker,
    tickers,
    trade,
    write,
)

D = Decimal


@pytest.mark.parametrize("name", ["a.ws", "a.ws.gz", "packed-without-saying.gz"])
def test_lines_become_frames_with_their_receive_time_and_number(tmp_path, name):
    path = write(tmp_path / name, [line(0, combined(ticker(7))), line(5, trade(9))])

    frames = frames_of(RecordedMarket([path]))

    assert [f[:3] for f in frames] == [(START_MS * 1_000_000, 0, 1), ((START_MS + 5) * 1_000_000, 0, 2)]
    assert [type(f[3]) for f in frames] == [BookTicker, TradePrint]


def test_the_last_line_needs_no_line_end_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "a.ws"
    path.write_text("\r\n".join(tickers(3)), newline="")

    assert len(frames_of(RecordedMarket([path]))) == 3


def test_bad_lines_are_counted_by_reason_and_passed_over(tmp_path):
    good = tickers(3)
    bad = [
        "",
        "no time at all",
        line(1, combined(ticker(1)))[:-9],
        line(1, combined(ticker(1, bid="NaN"))),
        line(1, combined(ticker(1, bid="-5"))),
        line(1, combined(trade(1, price="0.00"))),
        line(1, {"stream": "x", "data": {"e": "kline", "E": 1}}),
        line(1, {"result": None, "id": 1}),
    ]
    path = write(tmp_path / "a.ws.gz", [good[0], *bad, *good[1:]])

    market = RecordedMarket([path])
    frames = frames_of(market)

    assert [f[2] for f in frames] == [1, 10, 11]
    assert market.statistics.lines == 11
    assert market.statistics.frames == {"BookTicker": 3}
    assert market.statistics.bad_lines == {
        "no receive time": 2,
        "not JSON": 1,
        "a price or quantity is not a positive number": 3,
        "another kind of event": 1,
        "a field is missing or wrong": 1,
    }


@given(
    st.lists(st.sampled_from([*tickers(6), "", "x", "1 {", '5 {"a":1}']), max_size=30), st.binary(max_size=40)
)
def test_no_garbage_stops_a_recording_that_has_a_good_line(tmp_path_factory, lines, noise):
    path = tmp_path_factory.mktemp("noise") / "a.ws"
    content = "\n".join([*lines, tickers(1)[0]]).encode() + b"\n" + noise
    path.write_bytes(content)

    market = RecordedMarket([path])
    frames = frames_of(market)

    assert len(frames) == sum(text in tickers(6) for text in lines) + 1
    assert market.statistics.lines == len(frames) + sum(market.statistics.bad_lines.values())


def test_a_file_cut_in_its_packed_data_gives_what_can_be_unpacked(tmp_path):
    path = write(tmp_path / "a.ws.gz", tickers(5_000))
    path.write_bytes(path.read_bytes()[:-2_000])

    market = RecordedMarket([path])

    assert 1_000 < len(frames_of(market)) < 5_000
    assert market.statistics.bad_lines["damaged file: the compressed data ends too early"] == 1


def test_a_file_garbled_in_its_packed_data_gives_what_comes_before(tmp_path):
    path = write(tmp_path / "a.ws.gz", tickers(20_000))
    content = bytearray(path.read_bytes())
    middle = len(content) - 3_000
    content[middle : middle + 300] = bytes(300)
    path.write_bytes(bytes(content))

    market = RecordedMarket([path])

    assert frames_of(market)
    assert any(reason.startswith("damaged file") for reason in market.statistics.bad_lines)


def test_joined_packed_files_are_one_recording(tmp_path):
    path = tmp_path / "a.ws.gz"
    halves = ("".join(text + "\n" for text in part).encode() for part in (tickers(5), tickers(5, 100)))
    path.write_bytes(b"".join(gzip.compress(half) for half in halves) + bytes(512))

    market = RecordedMarket([path])

    assert len(frames_of(market)) == 10
    assert not market.statistics.bad_lines


def test_a_file_without_a_good_line_is_refused_with_cause_and_fix(tmp_path):
    empty = write(tmp_path / "empty.ws", [])
    garbage = write(tmp_path / "garbage.ws.gz", ["timestamp,open,high", "1,2,3"])

    with pytest.raises(SourceError, match="the file is empty"):
        RecordedMarket([empty])
    with pytest.raises(
        SourceError,
        match=r"garbage.ws.gz: none of 2 lines is a market frame \(no receive time \(2\)\)",
    ):
        RecordedMarket([garbage])


def test_a_file_that_cannot_be_read_is_refused_with_cause_and_fix(tmp_path):
    with pytest.raises(SourceError, match=r"No such file or directory\. Name a readable recording"):
        RecordedMarket([tmp_path / "nowhere.ws.gz"])
    with pytest.raises(SourceError, match="Is a directory"):
        RecordedMarket([tmp_path])
    with pytest.raises(SourceError, match="No recording was named"):
        RecordedMarket([])


def test_receive_times_that_go_back_are_lifted_to_their_predecessor(tmp_path):
    path = write(tmp_path / "a.ws", [line(ms, combined(ticker(n))) for n, ms in enumerate((0, 10, 7, 12))])

    market = RecordedMarket([path])

    assert [f[0] // 1_000_000 - START_MS for f in frames_of(market)] == [0, 10, 10, 12]
    assert market.statistics.time_went_back == 1


def test_one_absurd_receive_time_does_not_move_the_others(tmp_path):
    day_ms = 86_400_000
    lines = [
        *tickers(3),
        line(30 * day_ms, combined(ticker(4))),
        line(-30 * day_ms, combined(ticker(5))),
        *tickers(3, 50),
    ]
    path = write(tmp_path / "a.ws", lines)

    market = RecordedMarket([path])

    assert [f[0] // 1_000_000 - START_MS for f in frames_of(market)] == [0, 10, 20, 50, 60, 70]
    assert market.statistics.bad_lines == {"receive time does not fit the event's time": 2}


@pytest.mark.parametrize("stamp", ["0", "1", "59000000000"])
def test_an_absurd_receive_time_of_the_first_line_does_not_move_the_beginning(tmp_path, stamp):
    first = line(0, combined(ticker(1)))
    absurd = stamp + first[first.index(" ") :]
    path = write(tmp_path / "a.ws", [absurd, *(line(n, combined(ticker(1 + n))) for n in range(1, 20))])

    market = RecordedMarket([path])

    assert market.start_ns == (START_MS + 1) * 1_000_000
    assert len(frames_of(market)) == 19
    assert market.statistics.bad_lines == {"receive time does not fit the event's time": 1}


@pytest.mark.parametrize("per_ms", [1, 1_000])
def test_receive_times_in_another_unit_are_refused_with_cause_and_fix(tmp_path, per_ms):
    lines = [f"{(START_MS + n) * per_ms} {json.dumps(combined(ticker(n)))}" for n in range(1, 9)]
    path = write(tmp_path / "a.ws", lines)

    with pytest.raises(SourceError, match=r"a.ws: its receive times are days away.*They have to be ns since"):
        RecordedMarket([path])


def test_levels_that_are_no_prices_stop_no_recording(tmp_path):
    levels = [["abc", "1"], ["", "1"], ["10.5", "x"], ["10.4", "2"]]
    others = [combined(ticker(n, bid="10.4", ask="10.5", symbol="ODDUSDT")) for n in range(1, 9)]
    path = write(
        tmp_path / "a.ws",
        [
            line(0, snapshot(5, levels, levels)),
            line(1, combined(depth(5, 6, 4, levels, levels, symbol="ODDUSDT"))),
            line(2, combined(ticker(7))),
            *(line(3 + n, other) for n, other in enumerate(others)),
        ],
    )

    market = RecordedMarket([path])
    frames = frames_of(market)

    assert frames[0][3].symbol == "ODDUSDT"
    assert market.instruments["ODDUSDT"].tick_size == D("0.1")
    assert len(frames) == 11


def test_a_real_pause_in_a_recording_is_kept(tmp_path):
    later_ms = 5 * 3_600_000
    event = ticker(2, E=START_MS + later_ms)
    path = write(tmp_path / "a.ws", [line(0, combined(ticker(1))), line(later_ms, combined(event))])

    assert len(frames_of(RecordedMarket([path]))) == 2
