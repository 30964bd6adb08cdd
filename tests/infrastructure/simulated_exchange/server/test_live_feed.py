"""What is known of a market that nobody can ask again, and the seams of its past."""

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.candle import Candle, timeframe_ms
from src.infrastructure.market_data.frames import (
    BarPoint,
    BookGap,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketFrame,
    News,
    TradePrint,
)
from src.infrastructure.simulated_exchange.server.bars import DAY_MS, MINUTE_MS
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.live_feed import AGE_MAX_MS, LiveFeed
from src.infrastructure.simulated_exchange.server.past import as_they_were
from tests.support.engine_builders import BTC, Frames, an_instrument

NOW_MS = 1_800_000_000_000


def _event(frame: MarketFrame) -> News:
    event = frame[3]
    assert not isinstance(event, BarPoint), "no live market speaks of bars' points"
    return event


class Source:
    """News by hand. Implements LiveSource; ``late_ms`` is how old they are when they come."""

    name = "by hand"

    def __init__(self) -> None:
        self.instruments = {BTC: an_instrument()}
        self.late_ms = 0
        self.coming: asyncio.Queue[list[News]] = asyncio.Queue()

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        return []

    async def news(self) -> list[News]:
        return await self.coming.get()

    def age_ms(self, event_ms: int) -> int:
        return self.late_ms

    def state(self) -> dict[str, Any]:
        return {}


class Desk:
    """A feed with its source, clock and floor, all in the test's hand."""

    def __init__(self) -> None:
        self.source = Source()
        self.now_ns = 1
        self.feed = LiveFeed(self.source, ServerClock(lambda: NOW_MS, steady_ns=lambda: self.now_ns))
        self.told: list[MarketFrame] = []
        self.frames = Frames()

    async def hear(self, *news: MarketFrame | BookGap) -> None:
        """Let the feed tell these news."""
        batch_told = asyncio.Event()
        running = asyncio.create_task(self.feed.run(self.told.append, batch_told.set))
        self.source.coming.put_nowait([one if isinstance(one, BookGap) else _event(one) for one in news])
        await batch_told.wait()
        running.cancel()

    async def hear_all(self) -> None:
        """Everything that makes a market known."""
        frames = self.frames
        book = [("76000.00", "1")], [("76000.10", "1")]
        await self.hear(frames.snapshot(*book), frames.mark("76000.00"), frames.trade("76000.00", "1"))

    @property
    def is_known(self) -> bool:
        return not self.feed.unknown()


async def test_a_market_is_known_from_its_book_and_its_tape_on():
    desk = Desk()

    assert not desk.is_known
    await desk.hear(desk.frames.ticker("76000.00", "76000.10"), desk.frames.mark("76000.00"))
    assert not desk.is_known
    await desk.hear_all()

    assert desk.is_known
    assert {frame[3].event_ms for frame in desk.told} == {NOW_MS}
    assert [frame[2] for frame in desk.told] == [1, 2, 3, 4, 5]


async def test_news_that_were_stated_long_ago_make_nothing_known():
    desk = Desk()
    desk.source.late_ms = AGE_MAX_MS + 1

    await desk.hear_all()

    assert not desk.is_known
    assert desk.feed.state()["symbols"][BTC]["book_age_ms"] == AGE_MAX_MS + 1


async def test_neither_the_book_alone_nor_the_tape_alone_keeps_a_market_known():
    for kept_up in ("book", "tape"):
        desk = Desk()
        await desk.hear_all()
        desk.now_ns += (AGE_MAX_MS + 1) * 1_000_000

        if kept_up == "book":
            await desk.hear(desk.frames.ticker("76000.00", "76000.10"))
        else:
            await desk.hear(desk.frames.mark("76000.00"), desk.frames.trade("76000.00", "1"))

        assert not desk.is_known


async def test_a_gap_makes_a_market_unknown_until_the_next_whole_book():
    desk = Desk()
    await desk.hear_all()

    await desk.hear(BookGap(BTC), desk.frames.ticker("76000.00", "76000.10"))
    assert not desk.is_known
    await desk.hear_all()

    assert desk.is_known


async def test_news_of_other_symbols_are_passed_over():
    desk = Desk()

    await desk.hear(BookGap("ETHUSDT"), Frames("ETHUSDT").mark("3000"))

    assert desk.told == []


async def test_ids_go_on_rising_when_the_source_begins_anew():
    desk = Desk()
    for _ in range(2):
        await desk.hear(BookGap(BTC))
        await desk.hear_all()
        await desk.hear(
            desk.frames.depth([("75999.00", "1")], []), desk.frames.ticker("76000.00", "76000.10")
        )
        desk.frames = Frames()

    events = [frame[3] for frame in desk.told]
    trades = [event.trade_id for event in events if isinstance(event, TradePrint)]
    books = [event.last_update_id for event in events if isinstance(event, DepthSnapshot)]
    tickers = [event.update_id for event in events if isinstance(event, BookTicker)]
    depth = [event for event in events if isinstance(event, DepthUpdate)]
    assert trades[0] < trades[1]
    assert books[0] < depth[0].final_update_id < tickers[0] < books[1] < depth[1].final_update_id < tickers[1]
    assert depth[1].previous_final_update_id - books[1] == depth[0].previous_final_update_id - books[0]


async def test_a_source_that_begins_anew_above_the_old_depth_and_below_the_old_quotes_is_noticed_too():
    desk = Desk()
    await desk.hear_all()
    await desk.hear(*(desk.frames.ticker("76000.00", "76000.10") for _ in range(30)))

    desk.frames = Frames()
    desk.frames.update_id += 10
    await desk.hear(BookGap(BTC), desk.frames.ticker("70000.00", "70000.10"))
    await desk.hear_all()
    await desk.hear(desk.frames.ticker("70000.00", "70000.10"))

    events = [frame[3] for frame in desk.told]
    before, within, after = [event.update_id for event in events if isinstance(event, BookTicker)][-3:]
    book = [event.last_update_id for event in events if isinstance(event, DepthSnapshot)][-1]
    assert within < before < book < after


async def test_ids_of_a_source_that_goes_on_stay_as_they_are():
    desk = Desk()
    await desk.hear_all()

    await desk.hear(BookGap(BTC))
    await desk.hear_all()

    newest = [frame[3] for frame in desk.told if isinstance(frame[3], TradePrint)][-1]
    assert newest.trade_id == desk.frames.update_id


def candles(timeframe: str, count: int, now_ms: int) -> list[Candle]:
    """The newest closed candles of a market in which every minute trades 1."""
    length_ms = timeframe_ms(timeframe)
    end_ms = now_ms - now_ms % length_ms
    one, volume = Decimal(1), Decimal(length_ms // MINUTE_MS)
    opens = range(end_ms - count * length_ms, end_ms, length_ms)
    return [Candle("X", timeframe, open_ms, one, one, one, one, volume) for open_ms in opens]


@given(st.integers(NOW_MS, NOW_MS + 3 * DAY_MS), st.integers(0, 200), st.integers(0, 60), st.integers(0, 5))
def test_no_trade_of_the_past_counts_twice(now_ms: int, minutes: int, hours: int, days: int):
    counts = {"1m": minutes, "1h": hours, "1d": days}

    bars = as_they_were(lambda symbol, timeframe, count: candles(timeframe, counts[timeframe], now_ms), "X")

    held = list(bars._base(DAY_MS))
    lengths = [int(bar.volume) * MINUTE_MS for bar in held]
    assert all(
        one.open_ms + length_ms <= other.open_ms
        for (one, other), length_ms in zip(pairwise(held), lengths, strict=False)
    )
    if minutes >= 60 and hours >= 48 and days >= 3:
        whole = sum(lengths)
        assert whole == held[-1].open_ms + MINUTE_MS - held[0].open_ms
