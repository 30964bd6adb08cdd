"""The inbox of a live session: order of arrival, the newest quote, and time that never goes back."""

import asyncio
from decimal import Decimal
from typing import Any

from src.infrastructure.market_data.frames import BookTicker, TradePrint
from src.infrastructure.time.live_inputs import NS_PER_MS, LiveInputs


class Handler:
    """Notes what it is handed; every name of the session's interface is taken."""

    def __init__(self) -> None:
        self.pending = False
        self.heard: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.heard.append((name, *arguments))


class Clock:
    def __init__(self) -> None:
        self.ns = 5 * NS_PER_MS

    def __call__(self) -> int:
        return self.ns


def a_quote(symbol: str, update_id: int) -> BookTicker:
    one = Decimal(1)
    return BookTicker(symbol, one, one, one, one, update_id, 0, 0)


def a_trade(trade_id: int) -> TradePrint:
    return TradePrint("BTCUSDT", trade_id, Decimal(1), Decimal(1), False, 0, 0)


def an_inbox() -> tuple[LiveInputs, Clock, Handler]:
    clock = Clock()
    return LiveInputs(clock, start_ms=1_000), clock, Handler()


def test_frames_and_actions_are_handed_over_as_they_came():
    inputs, _, handler = an_inbox()
    first, second = a_trade(1), a_trade(2)
    inputs.feed(first)
    inputs.post(lambda: handler.heard.append("answer"))
    inputs.feed(second)

    assert inputs.pump(handler, 10) == 3
    assert handler.heard == [("on_trade", first, 1_000), "answer", ("on_trade", second, 1_000)]


def test_a_quote_is_overtaken_by_a_newer_one_of_its_symbol_only():
    inputs, _, handler = an_inbox()
    quotes = [a_quote("BTCUSDT", 1), a_quote("ETHUSDT", 1), a_quote("BTCUSDT", 2)]
    for quote in quotes:
        inputs.feed(quote)

    inputs.pump(handler, 10)

    assert [each[1] for each in handler.heard] == quotes[1:]
    assert inputs.overtaken == 1


def test_nothing_more_is_handed_over_once_something_waits_for_its_commit():
    inputs, _, handler = an_inbox()

    def decided() -> None:
        handler.pending = True

    inputs.post(decided)
    inputs.feed(a_trade(1))

    assert inputs.pump(handler, 10) == 1
    assert handler.heard == []


def test_a_timer_is_due_in_session_time_and_before_what_waits():
    inputs, clock, handler = an_inbox()
    inputs.after(50, lambda: handler.heard.append("timer"))
    inputs.feed(a_trade(1))

    clock.ns += 49 * NS_PER_MS
    inputs.pump(handler, 1)
    clock.ns += NS_PER_MS
    inputs.feed(a_trade(2))
    inputs.pump(handler, 10)

    assert [each if each == "timer" else each[0] for each in handler.heard] == [
        "on_trade",
        "timer",
        "on_trade",
    ]


def test_time_goes_on_from_the_exchanges_where_it_is_behind_and_never_goes_back():
    inputs, clock, handler = an_inbox()
    inputs.after(60_000, lambda: handler.heard.append("timer"))

    inputs.catch_up(1_900)
    drifted_ms = inputs.now_ms()
    inputs.catch_up(1_801_000)
    inputs.pump(handler, 10)
    caught_up_ms, timers = inputs.now_ms(), list(handler.heard)
    inputs.catch_up(1_000)
    clock.ns += 500 * NS_PER_MS

    assert (drifted_ms, caught_up_ms, inputs.now_ms()) == (1_000, 1_801_000, 1_801_500)
    assert timers == ["timer"]


async def test_a_sleeping_inbox_wakes_with_the_first_input():
    inputs = LiveInputs()
    waiting = asyncio.create_task(inputs.wait())
    await asyncio.sleep(0)
    assert not waiting.done()

    inputs.post(lambda: None)

    assert await asyncio.wait_for(waiting, 1)


async def test_a_sleeping_inbox_wakes_for_a_timer():
    inputs = LiveInputs()
    inputs.after(20, lambda: None)

    assert await asyncio.wait_for(inputs.wait(), 1)


async def test_a_poll_lets_others_bring_what_has_come_and_never_ends():
    inbox, _, handler = an_inbox()
    bringing = asyncio.create_task(_bring(inbox, handler))

    assert await inbox.poll()

    inbox.pump(handler, 1)
    assert handler.heard == ["news"]
    await bringing


def test_a_rehearsed_quote_is_handed_to_nobody():
    inbox, _, handler = an_inbox()

    inbox.rehearse()

    assert inbox.pump(handler, 10) == 0
    assert (handler.heard, inbox.overtaken) == ([], 0)


async def _bring(inbox: LiveInputs, handler: Handler) -> None:
    inbox.post(lambda: handler.heard.append("news"))


async def test_a_wait_that_is_cancelled_while_news_arrives_is_cancelled():
    inbox, _, handler = an_inbox()
    inbox.after(60_000, lambda: None)
    waiting = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)

    inbox.post(lambda: handler.heard.append("news"))
    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
