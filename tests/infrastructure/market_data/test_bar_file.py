"""Reading files of bars: layouts, packings, symbols from names, and lines that are none."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.infrastructure.market_data.bar_file import BarFile, is_bar_file, symbol_of
from src.infrastructure.market_data.source import SourceError, SourceStatistics
from tests.infrastructure.market_data.bar_files import MINUTE_MS, START_MS, lines, rows, write

KLINE_TAIL = ",1640995259999,1.5,7,0.5,0.5,0"


def read(path: Path) -> tuple[list, SourceStatistics]:
    statistics = SourceStatistics()
    return list(BarFile(path).bars(statistics)), statistics


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zip"])
def test_a_file_is_the_same_however_it_is_packed(tmp_path: Path, name: str):
    bars, statistics = read(write(tmp_path / name, lines(rows(1, 50))))

    assert len(bars) == statistics.lines == 50
    assert (bars[0].open_ms, bars[0].open, bars[-1].line) == (START_MS, Decimal("40000.0"), 51)


@pytest.mark.parametrize(
    "header", ["", "open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore\n"]
)
def test_klines_as_binance_publishes_them_are_read_with_and_without_header(tmp_path: Path, header: str):
    klines = "".join(",".join(map(str, row)) + KLINE_TAIL + "\n" for row in rows(1, 3))

    bars, _ = read(write(tmp_path / "BTCUSDT-1m-2022-01.csv", header + klines))

    assert [bar.open_ms for bar in bars] == [START_MS, START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]


@pytest.mark.parametrize(
    "times",
    [
        ("2022-01-01 00:00:00.000000", "2022-01-01 00:01:00.000000"),
        ("2022-01-01T00:00:00Z", "2022-01-01T01:01:00+01:00"),
        ("1640995200", "1640995260"),
        ("1640995200000", "1640995260000"),
        ("1640995200000000", "1640995260000000"),
    ],
)
def test_times_are_text_in_utc_or_numbers_of_any_usual_unit(tmp_path: Path, times: tuple[str, str]):
    text = "time,open,high,low,close,volume\n" + "".join(f"{time},1,2,1,2,5\n" for time in times)

    bars, _ = read(write(tmp_path / "a.csv", text))

    assert [bar.open_ms for bar in bars] == [START_MS, START_MS + MINUTE_MS]


def test_columns_may_stand_in_any_order(tmp_path: Path):
    text = "Volume,Close,Low,High,Open,Date,Trades\n5,3,1,4,2,1640995200,9\n5,3,1,4,2,1640995260,9\n"

    bars, _ = read(write(tmp_path / "a.csv", text))

    first = bars[0]
    assert (first.open, first.high, first.low, first.close, first.volume) == (2, 4, 1, 3, 5)


def test_lines_that_are_no_bars_are_counted_by_their_reason_and_passed_over(tmp_path: Path):
    good = rows(1, 6)
    text = lines(good[:2]) + (
        "1640995320000,1,2,3\n"
        "never,1,2,1,2,5\n"
        "1640995320000,one,2,1,2,5\n"
        "1640995320000,NaN,2,1,2,5\n"
        "1640995320000,1,2,1,3,5\n"
        "1640995320000,-1,2,-1,2,5\n"
        "1640995200000,1,2,1,2,5\n"
        "1640995260000,1,2,1,2,5\n"
        "1640995275000,1,2,1,2,5\n"
        "\n"
    )

    bars, statistics = read(write(tmp_path / "a.csv", text + lines(good[2:], header="")))

    assert len(bars) == 6
    assert statistics.bad_lines == {
        "too few columns": 1,
        "no time": 1,
        "not a number": 2,
        "high and low do not span open and close": 2,
        "not later than the bar before": 1,
        "a bar twice": 1,
        "not at a multiple of the bars' length": 1,
    }


def test_a_packed_file_that_was_cut_gives_what_it_holds(tmp_path: Path):
    path = write(tmp_path / "a.csv.gz", lines(rows(1, 3_000)))
    path.write_bytes(path.read_bytes()[:-2_000])

    bars, statistics = read(path)

    assert 500 < len(bars) < 3_000
    assert statistics.bad_lines["damaged file"] == 1


@pytest.mark.parametrize(
    ("place", "value"),
    [(60, b"\xff\xff\xff"), (6, b"\x01"), (8, b"\x61")],
    ids=["garbled", "encrypted", "packed in another way"],
)
def test_a_zip_that_cannot_be_unpacked_is_refused_in_one_line(tmp_path: Path, place: int, value: bytes):
    path = write(tmp_path / "a.zip", lines(rows(1, 3_000)))
    packed = bytearray(path.read_bytes())
    packed[place : place + len(value)] = value
    listed = packed.find(b"PK\x01\x02")
    if place < 10:
        packed[listed + place + 2] = value[0]
    path.write_bytes(packed)

    with pytest.raises(SourceError, match=r"holds no two bars \(1 damaged file\)"):
        BarFile(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no two bars"),
        ("timestamp,open,high,low,close,volume\n", "holds no two bars"),
        ("timestamp,open,high,low,volume\n1,2,3,4,5\n", "lacks close"),
        ("open,high,low,close,volume\n1,2,3,4,5\n", "lacks a time"),
        (lines(rows(1, 9)[::-1]), r"holds no two bars \(8 not later than the bar before\)"),
        ('"time",open,high,low,close,volume\n' + '"1640995200","1","1","1","1","1"\n' * 3, r"\(3 no time\)"),
    ],
)
def test_a_file_without_bars_is_refused_in_one_line(tmp_path: Path, text: str, said: str):
    with pytest.raises(SourceError, match=said) as refused:
        BarFile(write(tmp_path / "a.csv", text))

    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path):
    with pytest.raises(SourceError, match="No such file"):
        BarFile(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT-1m-2022-01.zip", "BTCUSDT"),
        ("ethusdt_5m.csv", "ETHUSDT"),
        ("sol_usdt.csv.gz", "SOLUSDT"),
        ("btc-perp-1m-202201.csv.gz", "BTCUSDT"),
        ("ETH-USD-daily.csv", "ETHUSDT"),
        ("prices.csv", None),
        ("2022-01.csv", None),
    ],
)
def test_a_name_tells_its_symbol_when_it_begins_with_one(name: str, symbol: str | None):
    assert symbol_of(Path(name)) == symbol


def test_bars_are_told_from_recorded_frames_by_their_content(tmp_path: Path):
    bars = write(tmp_path / "a.ws.gz", lines(rows(1, 3)))
    frames = write(tmp_path / "b.csv", '1640995200000000000 {"e":"trade","s":"BTCUSDT"}\n')

    assert is_bar_file(bars) and is_bar_file(write(tmp_path / "c.zip", lines(rows(1, 3))))
    assert not is_bar_file(frames)
    assert not is_bar_file(tmp_path / "nothing.csv")
