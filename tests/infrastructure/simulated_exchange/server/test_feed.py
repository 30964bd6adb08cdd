"""The market as it happens now: server time on every frame, ids that rise over all rounds, a place to go on from."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.infrastructure.market_data.bars import BarMarket
from src.infrastructure.market_data.frames import BookTicker, DepthUpdate, MarketFrame, TradePrint, one_by_one
from src.infrastructure.market_data.synthetic import SyntheticMarket
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.depth_book import DepthBook, DepthChannel
from src.infrastructure.simulated_exchange.server.feed import MarketFeed
from tests.infrastructure.market_data import bar_files

NOW_MS = 1_800_000_000_000


def a_feed(seconds: int, *, loops: bool = False) -> MarketFeed:
    return MarketFeed(
        lambda: SyntheticMarket(["BTCUSDT"], 3, seconds=seconds),
        ServerClock(lambda: NOW_MS),
        speed=None,
        loops=loops,
    )


def taken(feed: MarketFeed, batches: int) -> list[MarketFrame]:
    frames: list[MarketFrame] = []
    for _ in range(batches):
        if feed.release(frames.append) < 0:
            break
    return frames


def test_frames_happen_when_they_are_released():
    frames = taken(a_feed(3), 10)

    assert frames
    assert {frame[3].event_ms for frame in frames} == {NOW_MS}


def test_the_ids_of_a_market_that_begins_again_go_on_rising():
    frames = taken(a_feed(2, loops=True), 4)

    tickers = [frame[3].update_id for frame in frames if isinstance(frame[3], BookTicker)]
    trades = [frame[3].trade_id for frame in frames if isinstance(frame[3], TradePrint)]
    assert len(tickers) > len(taken(a_feed(2), 10)) / 2
    assert tickers == sorted(tickers)
    assert trades == sorted(set(trades))


def test_a_market_of_bars_that_begins_again_is_told_as_quotes_and_prints_of_rising_ids(tmp_path: Path):
    bars = bar_files.write(tmp_path / "BTCUSDT-1m.csv", bar_files.lines(bar_files.rows(1, 40)))
    feed = MarketFeed(lambda: BarMarket([bars]), ServerClock(lambda: NOW_MS), speed=None, loops=True)
    points = len(taken(MarketFeed(lambda: BarMarket([bars]), ServerClock(lambda: NOW_MS), speed=None), 10))

    told = [event for frame in taken(feed, 4) for event in one_by_one(frame[3])]

    quotes, prints = told[::2], told[1::2]
    assert len(quotes) == len(prints) > points
    ids = [quote.update_id for quote in quotes if isinstance(quote, BookTicker)]
    assert ids == [trade.trade_id for trade in prints if isinstance(trade, TradePrint)]
    assert len(ids) == len(quotes) and ids == sorted(set(ids))
    assert {event.event_ms for event in told} == {NOW_MS}


def test_a_market_without_end_ends_when_it_may_not_begin_again():
    feed = a_feed(1)

    taken(feed, 10)

    assert feed.release(lambda frame: None) < 0


def test_a_feed_goes_on_where_another_stopped():
    first, second = a_feed(100), a_feed(100)
    taken(first, 2)

    second.catch_up(first.cursor(), lambda frame: None)

    going_on, resumed = taken(first, 1), taken(second, 1)
    assert [frame[2] for frame in resumed] == [frame[2] for frame in going_on]


@pytest.mark.parametrize("cursor", ["", "{}", '{"taken":1}', "[]"])
def test_a_place_of_something_else_is_refused(cursor: str):
    with pytest.raises(ExchangeFailure, match="another data folder"):
        a_feed(1).catch_up(cursor, lambda frame: None)


LEVELS = st.lists(
    st.tuples(st.sampled_from(["1.0", "2.0", "3.0", "4.0"]), st.sampled_from(["0", "1", "2.5"])), max_size=4
)


PRICES = st.integers(1, 9)


@given(st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES), min_size=1, max_size=20))
def test_a_market_that_tells_no_depth_has_a_book_of_its_best_levels(tops):
    book = DepthBook()
    shown: tuple[dict[str, str], dict[str, str]] = {}, {}

    for number, (bid, spread, bids, asks) in enumerate(tops, 1):
        ask = bid + spread
        shown = {str(bid): str(bids)}, {str(ask): str(asks)}
        ticker = BookTicker("X", Decimal(bid), Decimal(bids), Decimal(ask), Decimal(asks), number, 0, 0)
        update = book.follow(ticker)
        assert update.previous_final_update_id == (book.final_id or number)
        book.update(update)

    assert (book.bids, book.asks) == shown


@given(st.lists(st.tuples(LEVELS, LEVELS, st.booleans()), min_size=1, max_size=20))
def test_a_client_that_applies_the_chained_updates_has_the_servers_book(updates):
    book, channel = DepthBook(), DepthChannel()
    bids: dict[str, str] = {}
    last_sent = 0

    for number, (bid_changes, ask_changes, is_sent) in enumerate(updates, 1):
        update = DepthUpdate(
            "BTCUSDT", number * 10, number * 10 + 9, number * 10 - 1, bid_changes, ask_changes, 0, 0
        )
        book.update(update)
        channel.add(update)
        if is_sent or number == len(updates):
            sent = channel.take()
            assert sent is not None
            (first, final, previous), changed, _ = sent
            assert first <= final
            assert not last_sent or previous == last_sent
            last_sent = final
            bids.update(changed)

    assert {price: quantity for price, quantity in bids.items() if Decimal(quantity)} == book.bids


def test_a_break_of_the_chain_is_told_by_the_id_before_the_next_update():
    channel = DepthChannel()
    channel.add(DepthUpdate("BTCUSDT", 1, 9, 0, [("1", "1")], [], 0, 0))
    channel.take()
    channel.add(DepthUpdate("BTCUSDT", 10, 19, 9, [("2", "1")], [], 0, 0))

    channel.add(DepthUpdate("BTCUSDT", 40, 49, 39, [("3", "1")], [], 0, 0))

    assert channel.take() == ((40, 49, 39), [("3", "1")], [])
