"""The synthetic market: lawful books, the same for the same seed, resumable anywhere."""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.domain.market.book import OverlayBook
from src.domain.market.candle import timeframe_ms
from src.domain.market.quality import QualityGates, QualityLimits
from src.domain.shared.errors import InvariantViolated
from src.infrastructure.market_data.frames import (
    BarPoint,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketEvent,
    MarketFrame,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.market_data.source import SourceError
from src.infrastructure.market_data.synthetic import START_MS, SyntheticMarket
from src.infrastructure.market_data.synthetic_block import LIVELY, Pace
from tests.infrastructure.market_data.wire import frames_of

D = Decimal
SYMBOLS = ("BTCUSDT", "ETHUSDT", "RELIANCE", "DOGEUSDT", "ZZZUSDT")
# Some 4 frames a second of each symbol, for long spans.
SPARSE = Pace(quotes=1, depth_every=0, levels=8)


def show(book: OverlayBook, event: MarketEvent | BarPoint) -> bool:
    """Feed a book; return whether it took the event as lawful."""
    if isinstance(event, BookTicker):
        return book.apply_ticker(
            event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity, event.update_id
        )
    if isinstance(event, DepthUpdate):
        return book.apply_depth(
            event.first_update_id,
            event.final_update_id,
            event.previous_final_update_id,
            event.bids,
            event.asks,
        )
    if isinstance(event, DepthSnapshot):
        return book.apply_snapshot(event.last_update_id, event.bids, event.asks)
    return True


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_books_are_whole_chained_and_never_crossed(seed):
    market = SyntheticMarket(SYMBOLS, seed, seconds=60)
    books = {symbol: OverlayBook(symbol) for symbol in market.symbols}
    for _, _, _, event in frames_of(market):
        book = books[event.symbol]

        assert show(book, event)

        assert book.is_whole
        assert not book.is_crossed
        bid, ask = book.best_bid(), book.best_ask()
        assert bid is not None and ask is not None and bid[0] < ask[0]
    assert all(len(list(book.levels(side))) >= 10 for book in books.values() for side in (False, True))


@pytest.mark.parametrize("seed", [1, 2])
def test_prices_are_on_their_tick_and_quantities_on_their_step(seed):
    market = SyntheticMarket(SYMBOLS, seed, seconds=30)
    for _, _, _, event in frames_of(market):
        instrument = market.instruments[event.symbol]
        tick, step = instrument.tick_size, instrument.step_size
        if isinstance(event, BookTicker):
            pairs = [(event.bid_price, event.bid_quantity), (event.ask_price, event.ask_quantity)]
        elif isinstance(event, TradePrint):
            pairs = [(event.price, event.quantity)]
        elif isinstance(event, MarkPrice | BarPoint):
            continue
        else:
            pairs = [(D(price), D(quantity)) for price, quantity in event.bids + event.asks]
        assert all(price > 0 and price % tick == 0 and quantity % step == 0 for price, quantity in pairs)
        if not isinstance(event, DepthUpdate):
            assert all(quantity > 0 for _, quantity in pairs)


def test_the_gates_have_no_objection_to_it():
    market = SyntheticMarket(SYMBOLS, 5, SPARSE, seconds=1_800)
    gates = {symbol: QualityGates(symbol, QualityLimits()) for symbol in market.symbols}
    for received_ns, _, _, event in frames_of(market):
        now_ms = received_ns // 1_000_000
        if isinstance(event, BookTicker):
            gate = gates[event.symbol]
            assert gate.on_quote(event.bid_price, event.ask_price, event.update_id, event.event_ms, now_ms)
            assert gate.opening_objection(now_ms) is None

    assert not any(any(gate.counts.values()) for gate in gates.values())


def test_trades_take_from_the_book_what_it_shows():
    market = SyntheticMarket(["BTCUSDT"], 5, seconds=120)
    book, shown, hidden = OverlayBook("BTCUSDT"), 0, 0
    for _, _, _, event in frames_of(market):
        if isinstance(event, TradePrint):
            levels = dict(book.levels(is_ask=not event.buyer_is_maker))
            if event.price in levels:
                shown += 1
                assert event.quantity <= levels[event.price]
            else:  # A sweep between two depth updates meets levels that have not been shown yet.
                hidden += 1
        show(book, event)

    assert shown > 100
    assert hidden < shown * 0.05


def test_every_second_has_a_mark_price_near_the_book_and_the_next_funding_is_at_eight_hours():
    frames = frames_of(SyntheticMarket(["BTCUSDT"], 5, seconds=30))

    marks = [event for _, _, _, event in frames if isinstance(event, MarkPrice)]
    assert [mark.event_ms for mark in marks] == list(range(START_MS, START_MS + 30_000, 1_000))
    for mark in marks:
        assert abs(mark.index_price / mark.mark_price - 1) < D("0.0001")
        assert mark.next_funding_ms == START_MS + 8 * 3_600_000
        assert abs(mark.funding_rate) < D("0.001")


def test_frames_come_in_order_with_unique_places_and_ids():
    frames = frames_of(SyntheticMarket(SYMBOLS, 9, seconds=20))

    assert [f[:3] for f in frames] == sorted({f[:3] for f in frames})
    for index in range(len(SYMBOLS)):
        mine = [f for f in frames if f[1] == index]
        assert [f[2] for f in mine] == sorted(f[2] for f in mine)
        trade_ids = [f[3].trade_id for f in mine if isinstance(f[3], TradePrint)]
        assert trade_ids == sorted(set(trade_ids))
        update_ids = [
            f[3].update_id if isinstance(f[3], BookTicker) else f[3].final_update_id
            for f in mine
            if isinstance(f[3], BookTicker | DepthUpdate)
        ]
        assert update_ids == sorted(set(update_ids))
        assert [f[3].event_ms for f in mine] == sorted(f[3].event_ms for f in mine)


def test_equal_seeds_give_equal_frames_and_different_seeds_do_not():
    first = frames_of(SyntheticMarket(SYMBOLS, 7, seconds=5))

    assert frames_of(SyntheticMarket(SYMBOLS, 7, seconds=5)) == first
    assert frames_of(SyntheticMarket(SYMBOLS, 8, seconds=5)) != first


def test_a_symbol_moves_the_same_whatever_others_are_asked_for():
    alone = frames_of(SyntheticMarket(["ETHUSDT"], 7, seconds=10))
    among = frames_of(SyntheticMarket(SYMBOLS, 7, seconds=10))

    assert [f[3] for f in alone] == [f[3] for f in among if f[3].symbol == "ETHUSDT"]


def test_symbols_move_together_but_not_alike():
    market = SyntheticMarket(["BTCUSDT", "ETHUSDT"], 11, SPARSE, seconds=3_000)
    marks = defaultdict(list)
    for _, _, _, event in frames_of(market):
        if isinstance(event, MarkPrice):
            marks[event.symbol].append(float(event.mark_price))

    one, other = ([b / a - 1 for a, b in pairwise(p)] for p in marks.values())
    correlation = (
        sum(a * b for a, b in zip(one, other, strict=True))
        / (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5
    )
    assert 0.3 < correlation < 0.9


def test_volatility_comes_in_clusters():
    market = SyntheticMarket(["BTCUSDT"], 11, SPARSE, seconds=6_000)
    prices = [float(f[3].mark_price) for f in frames_of(market) if isinstance(f[3], MarkPrice)]
    sizes = [abs(b / a - 1) for a, b in pairwise(prices)]
    mean = sum(sizes) / len(sizes)

    lagged = sum((a - mean) * (b - mean) for a, b in zip(sizes, sizes[5:], strict=False))
    assert lagged / sum((a - mean) ** 2 for a in sizes) > 0.1


@settings(max_examples=30)
@given(st.integers(0, 260), st.integers(0, 3))
def test_after_catching_up_the_very_next_frame_comes_and_the_book_is_the_same(taken, seed):
    first = SyntheticMarket(["BTCUSDT", "RELIANCE"], seed, seconds=6)
    books = {symbol: OverlayBook(symbol) for symbol in first.symbols}
    for _ in range(taken):
        frame = first.next_frame()
        if frame is not None:
            show(books[frame[3].symbol], frame[3])
    cursor = first.cursor()
    again = {symbol: OverlayBook(symbol) for symbol in first.symbols}

    second = SyntheticMarket(["BTCUSDT", "RELIANCE"], seed, seconds=6)

    def on_frame(frame: MarketFrame) -> None:
        show(again[frame[3].symbol], frame[3])

    second.catch_up(cursor, on_frame)

    assert second.cursor() == cursor
    assert second.next_ns == first.next_ns
    for symbol in books:
        for is_ask in (False, True):
            assert list(again[symbol].levels(is_ask)) == list(books[symbol].levels(is_ask))
    assert frames_of(second) == frames_of(first)


def test_a_market_can_be_resumed_again_and_again():
    whole = frames_of(SyntheticMarket(["BTCUSDT"], 3, seconds=4))
    pieces, cursor = [], ""
    while True:
        market = SyntheticMarket(["BTCUSDT"], 3, seconds=4)
        if cursor:
            market.catch_up(cursor, lambda frame: None)
        piece = [frame for frame in (market.next_frame() for _ in range(7)) if frame is not None]
        if not piece:
            break
        pieces += piece
        cursor = market.cursor()

    assert pieces == whole


def test_another_market_is_refused_at_a_stored_place():
    cursor = SyntheticMarket(["BTCUSDT"], 3).cursor()

    for symbol, seed, pace in (("BTCUSDT", 4, LIVELY), ("ETHUSDT", 3, LIVELY), ("BTCUSDT", 3, SPARSE)):
        other = SyntheticMarket([symbol], seed, pace)
        with pytest.raises(SourceError, match=r"it was BTCUSDT seed 3 .*, now it is"):
            other.catch_up(cursor, lambda frame: None)
    for nonsense in ("", "[]", '{"frames":3}', '{"taken":1,"second":2,"paths":[[1]]}'):
        with pytest.raises(SourceError, match="not one of a synthetic market"):
            SyntheticMarket(["BTCUSDT"], 3).catch_up(nonsense, lambda frame: None)


def test_symbols_may_be_spelled_in_any_way_but_must_be_symbols():
    assert SyntheticMarket(["btc/usd", "BTCUSDT", "reliance"], 1).symbols == ("BTCUSDT", "RELIANCE")
    with pytest.raises(InvariantViolated):
        SyntheticMarket(["B$C"], 1)
    with pytest.raises(SourceError, match="No symbol was named"):
        SyntheticMarket([], 1)


# --- history ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeframe", ["1s", "1m", "1h", "1d"])
def test_candles_before_the_start_lead_up_to_the_first_price(timeframe):
    market = SyntheticMarket(["BTCUSDT"], 3)

    candles = market.history("BTCUSDT", timeframe, 150)

    length = timeframe_ms(timeframe)
    assert [c.open_ms for c in candles] == list(range(START_MS - 150 * length, START_MS, length))
    assert candles[-1].close == D("95000.00")
    assert all(later.open == earlier.close for earlier, later in pairwise(candles))
    assert all(c.low % D("0.10") == 0 and c.volume > 0 for c in candles)
    assert SyntheticMarket(["BTCUSDT"], 3).history("BTCUSDT", timeframe, 150) == candles


def test_candles_after_the_start_lead_up_to_the_present():
    market = SyntheticMarket(["BTCUSDT"], 3, SPARSE, seconds=200)
    last_mark = [f[3] for f in frames_of(market) if isinstance(f[3], MarkPrice)][-1].mark_price

    candles = market.history("BTCUSDT", "1s", 250)

    assert [c.open_ms for c in candles] == list(range(START_MS - 51_000, START_MS + 199_000, 1_000))
    assert abs(candles[-1].close / last_mark - 1) < D("0.001")


def test_there_is_no_history_of_other_symbols():
    assert SyntheticMarket(["BTCUSDT"], 3).history("ETHUSDT", "1m", 5) == []
