"""Decoding of market messages."""

import json
from decimal import Decimal

import pytest

from src.infrastructure.market_data.decoding import BadLine, decode_message
from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarkPrice,
    TradePrint,
)
from tests.infrastructure.market_data.wire import START_MS, combined, depth, snapshot, ticker, trade


def decode(message, **options):
    return decode_message(json.dumps(message).encode(), **options)


def reason_for(message, **options):
    with pytest.raises(BadLine) as caught:
        decode(message, **options)
    return caught.value.reason


def test_a_combined_and_a_raw_message_mean_the_same():
    event = ticker(7)

    assert decode(combined(event)) == decode(event)
    assert decode(event) == BookTicker(
        "BTCUSDT",
        Decimal("61800.20"),
        Decimal("2.507"),
        Decimal("61800.30"),
        Decimal("2.510"),
        7,
        START_MS,
        START_MS,
    )


def test_keys_that_a_later_year_added_are_ignored():
    event = combined(ticker(7, st=1, ps="BTCUSDT", nq="1.0"))

    assert decode(event) == decode(ticker(7))


def test_every_kind_of_event_is_recognised():
    mark = {
        "e": "markPriceUpdate",
        "E": 1,
        "s": "BTCUSDT",
        "p": "11794.15",
        "ap": "11794.15",
        "i": "11784.6",
        "P": "11784.2",
        "r": "-0.00038167",
        "T": 1562306400000,
        "st": 1,
    }
    joined = {
        "e": "aggTrade",
        "E": 2,
        "s": "BTCUSDT",
        "a": 9,
        "p": "76906.00",
        "q": "0.100",
        "f": 1,
        "l": 5,
        "T": 1,
        "m": True,
    }

    assert decode(trade(5)) == TradePrint(
        "BTCUSDT", 5, Decimal("61800.30"), Decimal("0.006"), False, START_MS, START_MS
    )
    assert decode(combined(depth(1, 5, 0, [["61800.20", "0.000"]], []))) == DepthUpdate(
        "BTCUSDT", 1, 5, 0, [("61800.20", "0.000")], [], START_MS, START_MS
    )
    assert decode(snapshot(5, [["1.0", "2"]], [["3.0", "1"]]), symbol="BTCUSDT") == DepthSnapshot(
        "BTCUSDT", 5, [("1.0", "2")], [("3.0", "1")], START_MS, START_MS
    )
    assert decode(mark) == MarkPrice(
        "BTCUSDT", Decimal("11794.15"), Decimal("11784.6"), Decimal("-0.00038167"), 1562306400000, 1
    )
    assert decode(joined) == TradePrint("BTCUSDT", 9, Decimal("76906.00"), Decimal("0.100"), True, 1, 2, 1, 5)


def test_joined_trades_are_refused_where_single_ones_are_received_too():
    joined = {
        "e": "aggTrade",
        "E": 2,
        "s": "BTCUSDT",
        "a": 9,
        "p": "76906.00",
        "q": "0.100",
        "T": 1,
        "m": True,
    }

    assert reason_for(combined(joined), singles={"BTCUSDT"}) == "a joined trade beside the single ones"


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "-1.5", "0", "0.00", "1e99999"])
def test_a_number_that_is_not_positive_and_finite_is_refused(number):
    reason = "a price or quantity is not a positive number"

    assert reason_for(combined(ticker(1, bid=number))) == reason
    assert reason_for(ticker(1, ask=number)) == reason
    assert reason_for(ticker(1, B=number)) == reason
    assert reason_for(combined(trade(1, price=number))) == reason
    assert reason_for(trade(1, q=number)) == reason


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "-1.5", "0", "0.00"])
def test_a_depth_level_at_no_price_is_refused(number):
    reason = "a price or quantity is not a positive number"

    assert reason_for(combined(depth(1, 2, 0, [["5.0", "1"], [number, "1"]], []))) == reason
    assert reason_for(depth(1, 2, 0, [], [[number, "1"], ["5.0", "1"]])) == reason
    assert reason_for(snapshot(2, [], [[number, "1"]])) == reason


def test_cheap_assets_and_symbols_with_an_n_pass():
    cheap = depth(1, 2, 0, [["0.0520", "0"], ["0.0519", "5"]], [], symbol="LINKUSDT")

    assert decode(combined(cheap)).bids == [("0.0520", "0"), ("0.0519", "5")]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"stream":"x","data":{"e":"bookTicker","u":1,', "not JSON"),
        (b'\xff\xfe{"a":1}', "not JSON"),
        (b"[1]", "a field is missing or wrong"),
        (b'{"a":1}', "a field is missing or wrong"),
        (b'{"stream":"x"}', "a field is missing or wrong"),
        (b'{"stream":"x","data":{"e":"trade"}}', "a field is missing or wrong"),
        (b'{"stream":"x","data":{"e":"kline","E":1}}', "another kind of event"),
        (b'{"e":"kline","E":1}', "another kind of event"),
        (b'{"e":"trade","E":1,"T":1,"s":"\xff","t":1,"p":"1","q":"1","m":true}', "not UTF-8"),
    ],
)
def test_what_is_no_market_message_is_refused_with_its_reason(message, reason):
    with pytest.raises(BadLine) as caught:
        decode_message(message)

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (ticker(1), "u"),
        (ticker(1), "E"),
        (trade(1), "t"),
        (trade(1), "T"),
        (trade(1, e="aggTrade", a=1), "a"),
        (depth(1, 1, 0, [], []), "u"),
        (snapshot(1, [], []), "lastUpdateId"),
    ],
)
def test_an_id_or_a_time_that_no_database_takes_is_refused(message, key):
    assert decode(message | {key: 2**63 - 1})
    assert reason_for(message | {key: 2**63}) == "a field is missing or wrong"


def test_a_price_that_is_no_number_is_refused():
    assert reason_for(ticker(1, bid="abc")) == "a field is missing or wrong"
    assert reason_for(ticker(1, bid="")) == "a field is missing or wrong"
