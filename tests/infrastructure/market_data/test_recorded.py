"""Recorded markets: merging, instruments, places to resume at."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.book import OverlayBook
from src.infrastructure.market_data import recorded
from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketFrame,
    TradePrint,
)
from src.infrastructure.market_data.recorded import RecordedMarket
from src.infrastructure.market_data.source import SourceError
from tests.infrastructure.market_data.wire import (
    START_MS,
    combined,
    frames_of,
    line,
    snapshot,
    ticker,
    tickers,
    trade,
    write,
)

D = Decimal


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=400), min_size=1, max_size=3),
    st.integers(1, 60),
)
def test_files_are_merged_by_receive_time_then_file_then_line(tmp_path_factory, files, block_lines):
    folder = tmp_path_factory.mktemp("merge")
    paths, expected = [], []
    for index, waits in enumerate(files):
        received_ms, lines = 0, []
        for number, wait in enumerate(waits, 1):
            received_ms += wait
            lines.append(line(received_ms, combined(ticker(number))))
            expected.append(((START_MS + received_ms) * 1_000_000, index, number))
        # Many small members, so that blocks end at many places.
        parts = [lines[n : n + block_lines] for n in range(0, len(lines), block_lines)]
        path = folder / f"{index}.gz"
        path.write_bytes(b"".join(gzip.compress(("\n".join(part) + "\n").encode()) for part in parts))
        paths.append(path)

    frames = frames_of(RecordedMarket(paths, sample_frames=1))

    assert [f[:3] for f in frames] == sorted(expected)


def test_a_trade_that_two_recordings_or_two_lines_tell_counts_once(tmp_path):
    first = [line(n, combined(trade(n))) for n in range(1, 6)]
    second = [line(n + 2, combined(trade(n))) for n in range(4, 9)]
    late = [line(20, combined(trade(8))), line(21, combined(trade(3, symbol="ETHUSDT")))]
    paths = [write(tmp_path / "a.ws", [*first, first[-1]]), write(tmp_path / "b.ws", [*second, *late])]

    market = RecordedMarket(paths, sample_frames=1)
    trades = [(f[3].symbol, f[3].trade_id) for f in frames_of(market) if isinstance(f[3], TradePrint)]

    assert trades == [*(("BTCUSDT", n) for n in range(1, 9)), ("ETHUSDT", 3)]
    assert market.statistics.bad_lines == {"a trade told before": 4}


def test_a_trade_that_one_recording_tells_alone_and_another_joined_to_others_counts_once(tmp_path):
    def joined(number: int, first: int, last: int) -> dict[str, Any]:
        return combined(a_joined_trade() | {"a": number, "f": first, "l": last})

    # The joined one comes a moment after the last that is in it, or before where the other recording lags.
    single = [line(n, combined(trade(n))) for n in (11, 12, 13, 25, 26)]
    whole = [line(14, joined(1, 11, 13)), line(20, joined(2, 25, 26)), line(30, joined(13, 27, 27))]
    paths = [write(tmp_path / "trade.ws", single), write(tmp_path / "aggTrade.ws", [*whole, whole[-1]])]

    market = RecordedMarket(paths)
    trades = [f[3].trade_id for f in frames_of(market) if isinstance(f[3], TradePrint)]

    assert trades == [11, 12, 13, 2, 13]
    assert market.statistics.bad_lines == {"a trade told before": 4}


def test_of_the_trades_told_before_only_the_latest_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "TRADES_REMEMBERED", 2)
    numbers = [1, 2, 3, 2, 1, 4, 5, 1]
    path = write(tmp_path / "a.ws", [line(n, combined(trade(number))) for n, number in enumerate(numbers)])

    market = RecordedMarket([path])
    trades = [f[3].trade_id for f in frames_of(market) if isinstance(f[3], TradePrint)]

    assert trades == [1, 2, 3, 4, 5, 1]


def test_a_recording_named_twice_is_that_recording(tmp_path):
    lines = [line(n, combined(trade(n) if n % 2 else ticker(n))) for n in range(1, 40)]
    path = write(tmp_path / "a.ws", lines)

    once = [f[3] for f in frames_of(RecordedMarket([path])) if type(f[3]) is TradePrint]
    twice = [f[3] for f in frames_of(RecordedMarket([path, path])) if type(f[3]) is TradePrint]

    assert len(once) == 20
    assert twice == once


def test_the_next_receive_time_can_be_seen_without_taking_the_frame(tmp_path):
    market = RecordedMarket([write(tmp_path / "a.ws", tickers(2))])

    assert market.next_ns == market.start_ns == START_MS * 1_000_000
    market.next_frame()
    assert market.next_ns == (START_MS + 10) * 1_000_000
    market.next_frame()
    assert market.next_ns is None
    assert market.next_frame() is None


def test_known_symbols_come_from_the_shipped_table(tmp_path):
    market = RecordedMarket(
        [write(tmp_path / "a.ws", tickers(3)), write(tmp_path / "b.ws", tickers(3, symbol="ETHUSDT"))]
    )

    assert market.symbols == ("BTCUSDT", "ETHUSDT")
    assert market.instruments["BTCUSDT"].tick_size == D("0.10")
    assert (
        market.description
        == "recorded market a.ws, b.ws: BTCUSDT, ETHUSDT; instruments from the shipped table"
    )


def test_unknown_symbols_are_derived_from_the_decimals_seen(tmp_path):
    def quote(n: int) -> str:
        bid = f"{D('12.3405') + D(n) * D('0.0005'):.5f}"
        return line(
            n, combined(ticker(n, bid=bid, ask="20.00000", symbol="NEWUSDT", B=f"{n + 1}.50", A="2.00"))
        )

    market = RecordedMarket([write(tmp_path / "a.ws", [*tickers(2), *map(quote, range(60))])])

    instrument = market.instruments["NEWUSDT"]
    assert (instrument.tick_size, instrument.step_size) == (D("0.0005"), D("0.5"))
    assert (instrument.price_precision, instrument.quantity_precision) == (5, 2)
    assert "shipped table; instruments of NEWUSDT derived from the decimals seen" in market.description


def test_a_symbol_that_appears_late_is_known_when_it_does(tmp_path):
    market = RecordedMarket(
        [write(tmp_path / "a.ws", [*tickers(9_000), *tickers(2, 90_000, symbol="SOLUSDT")])]
    )

    assert list(market.symbols) == ["BTCUSDT"]
    frames_of(market)
    assert list(market.symbols) == ["BTCUSDT", "SOLUSDT"]


def test_a_snapshot_is_of_the_symbol_of_its_file_even_before_any_other_line(tmp_path):
    lines = [line(0, snapshot(5, [["61800.20", "1"]], [["61800.30", "1"]])), *tickers(2, 10)]

    frames = frames_of(RecordedMarket([write(tmp_path / "a.ws", lines)]))

    assert frames[0][3].symbol == "BTCUSDT"


def test_among_several_symbols_a_snapshot_belongs_to_the_one_at_its_price(tmp_path):
    eth = combined(ticker(1, "2681.62", "2681.63", "ETHUSDT"))
    lines = [
        line(0, eth),
        *tickers(2, 1),
        line(20, snapshot(5, [["2680.10", "1"]], [])),
        line(21, snapshot(6, [["61790.00", "1"]], [])),
    ]

    frames = frames_of(RecordedMarket([write(tmp_path / "a.ws", lines)]))

    assert [f[3].symbol for f in frames if isinstance(f[3], DepthSnapshot)] == ["ETHUSDT", "BTCUSDT"]


def a_joined_trade(symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {
        "e": "aggTrade",
        "E": START_MS,
        "s": symbol,
        "a": 9,
        "p": "76906.00",
        "q": "0.100",
        "T": START_MS,
        "m": True,
    }


def trade_ids(path: Path) -> list[int]:
    return [f[3].trade_id for f in frames_of(RecordedMarket([path])) if isinstance(f[3], TradePrint)]


def test_joined_trades_count_only_where_there_are_no_single_ones_of_their_symbol(tmp_path):
    alone = write(tmp_path / "alone.ws", [line(0, combined(a_joined_trade()))])
    beside = write(tmp_path / "beside.ws", [line(0, combined(a_joined_trade())), line(1, combined(trade(5)))])
    others = [line(0, combined(a_joined_trade("ETHUSDT"))), line(1, combined(trade(5)))]

    assert trade_ids(alone) == [9]
    assert trade_ids(beside) == [5]
    assert trade_ids(write(tmp_path / "others.ws", others)) == [9, 5]


def test_the_order_and_the_spaces_of_a_recorders_json_do_not_matter(tmp_path):
    levels = [[[f"{price + i}.10", "1.0"] for i in range(50)] for price in (61_000, 62_000)]
    messages = [combined(a_joined_trade()), combined(trade(5)), snapshot(7, *levels)]
    stamp = f"{START_MS * 1_000_000}"

    kinds = [
        [type(f[3]) for f in frames_of(RecordedMarket([write(tmp_path / f"{number}.ws", lines)]))]
        for number, lines in enumerate(
            (
                [f"{stamp} {json.dumps(message, separators=(',', ':'))}" for message in messages],
                [f"{stamp} {json.dumps(message)}" for message in messages],
                [f"{stamp} {json.dumps(message, sort_keys=True)}" for message in messages],
            )
        )
    ]

    assert kinds == [[TradePrint, DepthSnapshot]] * 3


@given(st.integers(0, 40))
def test_after_catching_up_the_very_next_frame_comes(tmp_path_factory, taken):
    folder = tmp_path_factory.mktemp("cursor")
    paths = [
        write(folder / "a.ws.gz", ["bad", *tickers(25, 0, 7), "bad"]),
        write(folder / "b.ws", tickers(15, 3, 10, "ETHUSDT")),
    ]
    first = RecordedMarket(paths)
    before = [first.next_frame() for _ in range(taken)]
    cursor = first.cursor()
    seen: list[MarketFrame] = []

    second = RecordedMarket(paths)
    count = second.catch_up(cursor, seen.append)

    assert count == taken
    assert seen == before
    assert second.cursor() == cursor
    assert frames_of(second) == frames_of(first)


def test_a_cursor_names_the_files_by_content_and_the_last_line_taken_of_each(tmp_path):
    paths = [write(tmp_path / "a.ws", ["bad", *tickers(3)]), write(tmp_path / "b.ws", tickers(3, 5))]
    market = RecordedMarket(paths)
    for _ in range(3):
        market.next_frame()

    place = json.loads(market.cursor())

    assert place["frames"] == 3
    assert [file["line"] for file in place["files"]] == [3, 1]
    assert [file["sha256"] for file in place["files"]] == list(market.digests)


def test_other_files_are_refused_at_a_stored_place(tmp_path):
    path = write(tmp_path / "a.ws", tickers(3))
    cursor = RecordedMarket([path]).cursor()
    changed = RecordedMarket([write(tmp_path / "b.ws", tickers(4))])

    with pytest.raises(SourceError, match="differ from those of the session"):
        changed.catch_up(cursor, lambda frame: None)
    with pytest.raises(SourceError, match="not one of a recording"):
        changed.catch_up('{"second":3}', lambda frame: None)


# --- the real thing ---------------------------------------------------------------------------------------


@pytest.mark.replay
def test_real_recordings_are_read_whole_and_their_book_is_never_crossed(market_data_dir):
    paths = sorted(market_data_dir.glob("*.ws.gz"))
    market = RecordedMarket(paths)
    books = {symbol: OverlayBook(symbol) for symbol in market.symbols}
    last_ns = breaks = 0
    while frame := market.next_frame():
        received_ns, _, _, event = frame
        book = books[event.symbol]
        if isinstance(event, BookTicker):
            book.apply_ticker(
                event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity, event.update_id
            )
        elif isinstance(event, DepthUpdate):
            breaks += not book.apply_depth(
                event.first_update_id,
                event.final_update_id,
                event.previous_final_update_id,
                event.bids,
                event.asks,
            )
        elif isinstance(event, DepthSnapshot):
            book.apply_snapshot(event.last_update_id, event.bids, event.asks)
        bid, ask = book.best_bid(), book.best_ask()
        assert received_ns >= last_ns
        assert bid is None or ask is None or bid[0] < ask[0]
        assert not book.is_crossed
        last_ns = received_ns

    assert breaks == 0
    assert all(book.is_whole for book in books.values())
    assert not market.statistics.bad_lines
    assert sum(market.statistics.frames.values()) == market.statistics.lines
