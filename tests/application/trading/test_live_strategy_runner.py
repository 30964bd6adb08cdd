"""Running strategies: which candle reaches which, what they may take, and what is said of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from src.application.strategies import parse_strategy_spec
from src.application.trading.live_strategy_runner import (
    BUDGET_NS,
    OVERRUNS_MAX,
    SIGNAL_TOPIC,
    LiveStrategyRunner,
)
from src.domain.signals import SignalType
from src.infrastructure.messaging.event_bus import InProcessEventBus
from tests.application.strategies.builders import a_candle, candles

TEXT = "sma_cross:fast=2,slow=4"
# Falling, then rising: the fast average crosses the slow one upwards.
CLOSES = (110, 108, 106, 104, 102, 100, 108, 116, 124)


def a_runner(**given: Any) -> LiveStrategyRunner:
    runner = LiveStrategyRunner(symbols=("BTCUSDT", "ETHUSDT"), **given)
    runner.add_strategy("cross", parse_strategy_spec(TEXT).make())
    return runner


def a_stopwatch(took_ns: int) -> Iterator[int]:
    now_ns = 0
    while True:
        yield now_ns
        now_ns += took_ns


async def test_a_signal_is_returned_and_published():
    bus = InProcessEventBus()
    heard: list[object] = []
    bus.subscribe(SIGNAL_TOPIC, heard.append)
    runner = a_runner(event_bus=bus)

    signals = [signal for candle in candles(CLOSES) for signal in runner.on_candle(candle)]
    await bus.drain()

    assert [signal.signal_type for signal in signals] == [SignalType.BUY]
    assert heard == signals


def test_every_symbol_has_strategies_of_its_own():
    runner = a_runner()
    for candle in candles(CLOSES):
        runner.on_candle(candle)

    (line,) = runner.lines("ETHUSDT")

    assert line.startswith("cross: warming up, 0 of")


def test_a_symbol_seen_for_the_first_time_gets_one_of_every_template():
    runner = a_runner()

    runner.on_candle(a_candle(100, symbol="SOLUSDT"))

    assert runner.lines("SOLUSDT")[0].startswith("cross: warming up, 1 of")


def test_a_strategy_made_for_a_symbol_watches_no_other():
    runner = LiveStrategyRunner(symbols=("BTCUSDT", "ETHUSDT"))

    runner.add_strategy("cross", parse_strategy_spec(TEXT).make("ETHUSDT"))

    assert runner.lines("BTCUSDT") == ()
    assert len(runner.lines("ETHUSDT")) == 1


def test_a_warmed_strategy_decides_like_one_that_saw_it_all():
    bars = candles(CLOSES)
    all_of_it, warmed = a_runner(), a_runner()
    for candle in bars[:-3]:
        all_of_it.on_candle(candle)

    warmed.warm("BTCUSDT", bars[:-3])

    assert warmed.history_bars("BTCUSDT") > 0
    assert [warmed.on_candle(c) for c in bars[-3:]] == [all_of_it.on_candle(c) for c in bars[-3:]]


async def test_a_stopped_runner_only_keeps_its_indicators_warm():
    runner = a_runner()
    await runner.stop()
    assert [s for candle in candles(CLOSES) for s in runner.on_candle(candle)] == []

    await runner.start()

    assert not runner.lines("BTCUSDT")[0].startswith("cross: warming up")


def test_a_slow_strategy_is_disabled_at_its_third_overrun_and_says_so():
    watch = a_stopwatch(BUDGET_NS + 1)
    runner = a_runner(stopwatch=lambda: next(watch))

    bars = candles(CLOSES)
    for candle in bars[: OVERRUNS_MAX - 1]:
        runner.on_candle(candle)
    assert "disabled" not in runner.lines("BTCUSDT")[0]
    runner.on_candle(bars[OVERRUNS_MAX - 1])

    assert runner.lines("BTCUSDT") == ("cross: disabled: cross took more than 5 ms for 3 candles",)
    assert [s for candle in bars[OVERRUNS_MAX:] for s in runner.on_candle(candle)] == []


@pytest.mark.parametrize("watched", [True, False])
def test_a_strategy_within_its_budget_stays(watched: bool):
    watch = a_stopwatch(BUDGET_NS)
    runner = a_runner(stopwatch=(lambda: next(watch)) if watched else None)

    signals = [signal for candle in candles(CLOSES) for signal in runner.on_candle(candle)]

    assert len(signals) == 1
