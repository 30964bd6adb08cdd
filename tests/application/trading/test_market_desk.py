"""The market as a session sees it, and positions as people see them on it."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.market_data import TickerFrame
from src.application.trading.market_desk import MarketDesk
from src.application.trading.picture import SessionPicture
from src.application.trading.position_tracker import PositionTracker
from src.domain.market.candle import Candle
from src.domain.market.quality import QualityLimits
from src.domain.positions.position import Position
from src.infrastructure.market_data.frames import BarPoint, BookTicker, DepthSnapshot, MarkPrice, TradePrint
from tests.application.trading.sessions import begin, calm, die, order, pass_time, resting
from tests.simulation.market import BTC, START_MS, SYMBOL
from tests.support.domain_builders import a_ledger, a_view


@pytest.fixture
def desk() -> MarketDesk:
    return MarketDesk({SYMBOL: BTC}, "1s", QualityLimits())


def a_quote(bid: str = "99.9", ask: str = "100.1", number: int = 1, symbol: str = SYMBOL) -> TickerFrame:
    return BookTicker(symbol, Decimal(bid), Decimal(1), Decimal(ask), Decimal(1), number, START_MS, START_MS)


def test_without_a_quote_there_is_no_price_and_nothing_may_be_opened(desk: MarketDesk):
    assert desk.best_prices(SYMBOL) is None
    assert desk.mark_price(SYMBOL) is None
    assert desk.worst_price(SYMBOL, True, Decimal(1)) is None
    assert desk.opening_objection(SYMBOL, START_MS)
    assert desk.age_ms(SYMBOL, START_MS) is None


def test_a_session_whose_time_is_ahead_of_the_frames_finds_the_market_as_fresh_as_it_is(desk: MarketDesk):
    desk.ahead_ms = 3_600_000
    desk.on_ticker(a_quote(), START_MS)

    fresh = desk.opening_objection(SYMBOL, START_MS + desk.ahead_ms)
    stale = desk.opening_objection(SYMBOL, START_MS + desk.ahead_ms + 60_000)

    assert fresh is None
    assert stale


def test_a_quote_gives_prices_and_the_middle_as_mark(desk: MarketDesk):
    desk.on_ticker(a_quote(), START_MS)

    assert desk.best_prices(SYMBOL) == (Decimal("99.9"), Decimal("100.1"))
    assert desk.mark_price(SYMBOL) == Decimal(100)
    assert desk.age_ms(SYMBOL, START_MS + 300) == 300


def test_the_exchanges_own_mark_price_comes_first(desk: MarketDesk):
    desk.on_ticker(a_quote(), START_MS)
    zero = Decimal(0)
    desk.on_mark_price(MarkPrice(SYMBOL, Decimal("101.5"), zero, zero, 0, START_MS), START_MS)

    assert desk.mark_price(SYMBOL) == Decimal("101.5")


def test_a_mark_price_that_is_not_heard_any_more_gives_way_to_the_market(desk: MarketDesk):
    zero = Decimal(0)
    desk.on_mark_price(MarkPrice(SYMBOL, Decimal("101.5"), zero, zero, 0, START_MS), START_MS)
    desk.on_ticker(a_quote(), START_MS)

    desk.on_trades(START_MS + 500, are_heard=False)
    unheard = desk.mark_price(SYMBOL)
    desk.on_trades(START_MS + 900, are_heard=True)
    desk.on_mark_price(MarkPrice(SYMBOL, Decimal("99.5"), zero, zero, 0, START_MS), START_MS)

    assert (unheard, desk.mark_price(SYMBOL)) == (Decimal(100), Decimal("99.5"))


def test_a_symbol_that_is_not_followed_is_none_of_its_business(desk: MarketDesk):
    desk.on_ticker(a_quote(symbol="ETHUSDT"), START_MS)

    assert desk.best_prices("ETHUSDT") is None
    assert desk.instrument("ETHUSDT") is None
    assert desk.opening_objection("ETHUSDT", START_MS) == "ETHUSDT is not followed"


def test_the_book_is_walked_to_the_last_unit_or_is_too_thin(desk: MarketDesk):
    asks = [("100.1", "1"), ("100.2", "2")]
    desk.on_snapshot(DepthSnapshot(SYMBOL, 1, [("99.9", "1")], asks, START_MS, START_MS), START_MS)

    assert desk.worst_price(SYMBOL, True, Decimal(1)) == Decimal("100.1")
    assert desk.worst_price(SYMBOL, True, Decimal(2)) == Decimal("100.2")
    assert desk.worst_price(SYMBOL, True, Decimal(4)) is None


def test_levels_from_before_a_gap_are_not_walked_and_nothing_is_opened_for_a_moment(desk: MarketDesk):
    asks = [("100.1", "1"), ("100.2", "2")]
    desk.on_snapshot(DepthSnapshot(SYMBOL, 1, [("99.9", "1")], asks, START_MS, START_MS), START_MS)
    desk.on_ticker(a_quote(number=2), START_MS)
    assert desk.opening_objection(SYMBOL, START_MS) is None

    desk.on_gap(SYMBOL, START_MS)

    assert desk.opening_objection(SYMBOL, START_MS) == f"{SYMBOL}: updates of its book are missing"
    assert desk.worst_price(SYMBOL, True, Decimal(1)) == Decimal("100.1")
    assert desk.worst_price(SYMBOL, True, Decimal(2)) is None
    assert not desk.has_whole_book(SYMBOL)
    desk.on_snapshot(DepthSnapshot(SYMBOL, 3, [("99.8", "1")], asks, START_MS, START_MS), START_MS)
    assert desk.worst_price(SYMBOL, True, Decimal(2)) == Decimal("100.2")


def test_a_book_that_was_never_whole_has_no_gap(desk: MarketDesk):
    desk.on_ticker(a_quote(), START_MS)

    desk.on_gap(SYMBOL, START_MS)
    desk.on_gap("ETHUSDT", START_MS)

    assert desk.opening_objection(SYMBOL, START_MS) is None
    assert desk.best_prices(SYMBOL) == (Decimal("99.9"), Decimal("100.1"))


def test_a_book_is_whole_from_its_snapshot_on_and_not_by_a_quote(desk: MarketDesk):
    desk.on_ticker(a_quote(), START_MS)
    assert not desk.has_whole_book(SYMBOL)
    assert not desk.has_whole_book("ETHUSDT")

    snapshot = DepthSnapshot(SYMBOL, 1, [("99.9", "1")], [("100.1", "1")], START_MS, START_MS)
    desk.on_snapshot(snapshot, START_MS)

    assert desk.has_whole_book(SYMBOL)


def test_candles_close_with_trades_and_with_time(desk: MarketDesk):
    def trade(price: str, at_ms: int) -> tuple:
        return desk.on_trade(
            TradePrint(SYMBOL, at_ms, Decimal(price), Decimal(1), False, at_ms, at_ms), at_ms
        )

    assert trade("100", START_MS) == ()
    (first,) = trade("101", START_MS + 1_200)
    (second,) = desk.advance(START_MS + 2_000)

    assert (first.close, second.close) == (Decimal(100), Decimal(101))


def a_trade(price: int, at_ms: int) -> TradePrint:
    return TradePrint(SYMBOL, at_ms, Decimal(price), Decimal(1), False, at_ms, at_ms)


def test_a_point_is_its_quote_and_its_trade_one_after_the_other(desk: MarketDesk):
    other = MarketDesk({SYMBOL: BTC}, "1s", QualityLimits())
    closed: list[Candle] = []
    others: list[Candle] = []
    at_ms = START_MS

    for number, price in enumerate((100, 103, 99, 150, 101), start=1):
        bid, ask, one = Decimal(price) - 1, Decimal(price) + 1, Decimal(1)
        at_ms += 700
        point = BarPoint(SYMBOL, bid, one, ask, one, number, Decimal(price), Decimal(number), False, at_ms)
        quote, trade = point.parts()
        closed += desk.on_point(point, at_ms)
        other.on_ticker(quote, at_ms)
        others += other.on_trade(trade, at_ms)
        assert desk.best_prices(SYMBOL) == other.best_prices(SYMBOL)

    assert closed == others
    assert len(closed) == 3
    assert desk.quality() == other.quality()
    assert desk.age_ms(SYMBOL, at_ms) == other.age_ms(SYMBOL, at_ms)


def test_while_trades_are_not_heard_no_bar_ends_and_the_one_that_ran_is_none(desk: MarketDesk):
    desk.on_trade(a_trade(100, START_MS), START_MS)

    desk.on_trades(START_MS + 500, are_heard=False)
    in_silence = desk.advance(START_MS + 3_500)
    desk.on_trades(START_MS + 3_600, are_heard=True)
    later = [
        *desk.on_trade(a_trade(103, START_MS + 3_700), START_MS + 3_700),
        *desk.advance(START_MS + 4_000),
    ]

    assert in_silence == []
    assert [(bar.open_ms - START_MS, int(bar.open), int(bar.close)) for bar in later] == [(3_000, 103, 103)]


def test_a_silence_within_one_bar_does_not_end_it(desk: MarketDesk):
    desk.on_trade(a_trade(100, START_MS), START_MS)

    desk.on_trades(START_MS + 200, are_heard=False)
    desk.on_trades(START_MS + 700, are_heard=True)
    (bar,) = desk.on_trade(a_trade(103, START_MS + 1_100), START_MS + 1_100)

    assert (bar.open_ms, int(bar.close)) == (START_MS, 100)


@pytest.mark.parametrize(("patience_ms", "ended"), [(None, 3), (5_000, 3), (1_500, 0)])
def test_bars_that_end_while_nobody_looks_are_none_where_trades_may_be_missed(
    desk: MarketDesk, patience_ms: int | None, ended: int
):
    desk.patience_ms = patience_ms
    desk.advance(START_MS)
    desk.on_trade(a_trade(100, START_MS), START_MS)

    assert len(desk.advance(START_MS + 3_000)) == ended


def test_a_position_is_valued_at_the_mark_price():
    ledger = a_ledger()
    position = Position(SYMBOL, quantity=Decimal(-2), cost=Decimal(-220), strategy_id="sma")
    ledger.positions[SYMBOL, position.position_side] = position
    tracker = PositionTracker(ledger, a_view())

    (line,) = tracker.open_positions()

    assert (line.entry_price, line.mark_price, line.unrealized_pnl) == (
        Decimal(110),
        Decimal(100),
        Decimal(20),
    )
    assert tracker.unrealized_pnl() == Decimal(20)
    assert tracker.exposure() == Decimal(200)
    assert tracker.equity() == ledger.wallet_balance + 20


def test_without_a_mark_price_a_position_is_still_shown():
    ledger = a_ledger()
    position = Position(SYMBOL, quantity=Decimal(2), cost=Decimal(200), strategy_id="sma")
    ledger.positions[SYMBOL, position.position_side] = position

    (line,) = PositionTracker(ledger, a_view(marks={})).open_positions()

    assert (line.mark_price, line.unrealized_pnl) == (None, None)


async def test_a_picture_shows_orders_newest_first_and_what_guards_a_position(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    picture = SessionPicture(runner)
    order(runner)
    await pass_time(runner.loop, 2_000)
    waiting = resting(runner)
    await pass_time(runner.loop, 1_000)
    await runner.parts.bus.drain()  # type: ignore[attr-defined]  # the one in this process

    shown = picture.take()

    assert shown.orders[0].client_order_id == waiting.id
    (held,) = shown.positions
    assert held.stop_price is not None and held.stop_price < held.entry_price
    assert held.target_price is not None and held.target_price > held.entry_price
    assert shown.equity == shown.wallet + shown.unrealized_pnl
    assert shown.orders_sent == 4
    assert not shown.resumed
    assert shown.synced
    await die(runner)


async def test_a_picture_shows_the_fall_from_the_peak_that_its_own_equity_is(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    picture = SessionPicture(runner)
    assert picture.take().max_drawdown == 0

    runner.session.peak_equity = 2 * picture.take().equity

    assert picture.take().max_drawdown == Decimal("0.5")
    await die(runner)
