"""Bars that nobody has seen: read from the exchange before strategies decide on what comes after them."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import BrokerUnavailable
from src.application.strategies.strategy import Progress
from src.application.trading.session_runner import SessionRunner
from src.domain.ledger.events import AlarmRaised
from src.domain.market.candle import Candle
from src.domain.signals import Signal
from tests.application.trading.sessions import calm, die, events_of, parts_of, pass_time
from tests.simulation.market import START_MS, SYMBOL

HOUR_MS = 3_600_000
FIRST_MS = START_MS - START_MS % HOUR_MS


def bar(number: int, close: int | None = None) -> Candle:
    """A bar of an hour; the exchange's own close is a hundred and its number."""
    price = Decimal(100 + number if close is None else close)
    return Candle(SYMBOL, "1h", FIRST_MS + number * HOUR_MS, price, price, price, price, Decimal(1))


def bars(*numbers: int) -> list[Candle]:
    return [bar(number) for number in numbers]


class Watching:
    """A guest that notes what it is warmed with and what it decides on, as closes."""

    strategy_id = "watching"
    symbol: str | None = SYMBOL
    history_bars = 10
    is_warm = True
    progress = Progress(10, 10)
    why_not = ""

    def __init__(self) -> None:
        self.warmed: list[list[int]] = []
        self.decided: list[int] = []

    def warm(self, candles: Iterable[Candle]) -> None:
        self.warmed.append([int(candle.close) for candle in candles])

    def on_candle(self, candle: Candle) -> Signal | None:
        self.decided.append(int(candle.close))
        return None


class Exchange:
    """Tells the candles of ``told`` when it is read; every error in ``errors`` is an answer first."""

    def __init__(self, *numbers: int) -> None:
        self.history: list[Candle] = bars(*numbers)
        self.told = self.history
        self.errors: list[BrokerUnavailable] = []
        self.reads = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def reread(self, symbol: str) -> None:
        self.reads += 1
        await self.go_on.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.history = self.told


async def begin_at(exchange: Exchange, folder: Path, **changes: Any) -> tuple[SessionRunner, Watching]:
    """A session that knows the exchange's candles, and whose guest has forgotten how it was warmed."""
    parts = parts_of(calm(folder, timeframe="1h"))
    parts.history = lambda symbol, timeframe, count: exchange.history[-count:]
    parts.reread = exchange.reread
    parts = replace(parts, **changes)
    runner, guest = SessionRunner(parts), Watching()
    await runner.start()
    runner.strategies.add_strategy("watching", guest, is_guest=True)  # type: ignore[arg-type]  # it is only asked
    return runner, guest


async def worked(runner: SessionRunner, ms: int = 50) -> None:
    """Let what was read come in."""
    for _ in range(3):
        await asyncio.sleep(0)
    await pass_time(runner.loop, ms)


async def test_bars_that_follow_one_another_are_passed_on_and_nothing_is_read(tmp_path: Path):
    exchange = Exchange(1, 2)
    runner, guest = await begin_at(exchange, tmp_path)

    for candle in bars(3, 4):
        runner.loop.on_candle(candle)

    assert (guest.decided, exchange.reads) == ([103, 104], 0)
    await die(runner)


async def test_behind_a_hole_strategies_begin_anew_and_decide_on_the_exchanges_newest_candle(tmp_path: Path):
    exchange = Exchange(1, 2)
    runner, guest = await begin_at(exchange, tmp_path)
    exchange.told = bars(1, 2, 3, 4, 5)

    runner.loop.on_candle(bar(5, close=7))
    held = list(guest.decided)
    await worked(runner)
    runner.loop.on_candle(bar(6))

    assert held == []
    assert guest.warmed[-1] == [101, 102, 103, 104]
    assert (guest.decided, exchange.reads) == ([105, 106], 1)
    await die(runner)


async def test_a_bar_that_the_exchange_does_not_tell_yet_is_decided_on_as_it_was_seen(tmp_path: Path):
    exchange = Exchange(1, 2)
    runner, guest = await begin_at(exchange, tmp_path)
    exchange.told = bars(1, 2, 3, 4)

    runner.loop.on_candle(bar(5, close=7))
    await worked(runner)

    assert guest.warmed[-1] == [101, 102, 103, 104]
    assert guest.decided == [7]
    await die(runner)


async def test_of_bars_that_end_while_candles_are_read_the_newest_is_decided_on(tmp_path: Path):
    exchange = Exchange(1, 2)
    exchange.go_on.clear()
    runner, guest = await begin_at(exchange, tmp_path)
    exchange.told = bars(1, 2, 3, 4, 5)

    for candle in bars(5, 6):
        runner.loop.on_candle(candle)
        await worked(runner)
    exchange.go_on.set()
    await worked(runner)

    assert guest.warmed[-1] == [101, 102, 103, 104, 105]
    assert (guest.decided, exchange.reads) == ([106], 1)
    await die(runner)


async def test_candles_that_cannot_be_read_are_asked_for_again_and_one_alarm_tells(tmp_path: Path):
    exchange = Exchange(1, 2)
    exchange.errors = [BrokerUnavailable("no answer"), BrokerUnavailable("still none")]
    runner, guest = await begin_at(exchange, tmp_path)
    exchange.told = bars(1, 2, 3, 4)

    runner.loop.on_candle(bar(4))
    await worked(runner)
    waited = (list(guest.decided), exchange.reads)
    for _ in range(2):
        await worked(runner, ms=5_100)
        await worked(runner)

    assert waited == ([], 1)
    assert (guest.decided, exchange.reads) == ([104], 3)
    (alarm,) = [event for event in events_of(calm(tmp_path), AlarmRaised) if isinstance(event, AlarmRaised)]
    assert (alarm.subject, alarm.text) == (SYMBOL, "bars are missing, and cannot be read yet: no answer")
    await die(runner)


@pytest.mark.parametrize("told", [True, False])
async def test_statistics_and_volumes_begin_anew_with_what_was_read(tmp_path: Path, told: bool):
    exchange = Exchange(1, 2)
    runner, _ = await begin_at(exchange, tmp_path)
    exchange.told = bars(1, 2, 3, 4, 5, 6) if told else []

    runner.loop.on_candle(bar(7))
    await worked(runner)

    weights = runner.parts.desk.volume.weights(SYMBOL, bar(7).open_ms, 4 * HOUR_MS, 2)
    bars_known = [part > 1 for part in weights]
    assert bars_known == [told, told]
    await die(runner)


async def test_where_no_bar_can_be_missed_every_one_is_passed_on(tmp_path: Path):
    exchange = Exchange(1, 2)
    runner, guest = await begin_at(exchange, tmp_path, reread=None)

    runner.loop.on_candle(bar(9))

    assert guest.decided == [109]
    await die(runner)


@pytest.mark.parametrize("when", ["while it is read", "before it is read again", "before it is taken in"])
async def test_the_end_of_a_session_ends_what_is_being_read(tmp_path: Path, when: str):
    exchange = Exchange(1, 2)
    if when == "while it is read":
        exchange.go_on.clear()
    elif when == "before it is read again":
        exchange.errors = [BrokerUnavailable("no answer")]
    runner, guest = await begin_at(exchange, tmp_path)
    runner.loop.on_candle(bar(9))
    if when == "before it is taken in":
        await asyncio.sleep(0)
    else:
        await worked(runner)

    runner._back_fill.close()
    exchange.go_on.set()
    await worked(runner, ms=6_000)
    await worked(runner)

    assert (guest.decided, exchange.reads) == ([], 1)
    await die(runner)
