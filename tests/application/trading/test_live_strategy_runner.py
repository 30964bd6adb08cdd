"""Running strategies: which candle reaches which, what they may take, and what is said of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from src.application.strategies import SmaCrossStrategy, parse_strategy_spec
from src.application.trading.config import TradingConfig
from src.application.trading.guests import GuestFailed
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


@pytest.mark.parametrize("config", [TradingConfig(), {"timeframe": "1s"}])
def test_any_configuration_of_the_caller_is_taken(config: object):
    assert LiveStrategyRunner(strategy_config=config).strategy_config is config


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
    fallen = candles((90, 80, 70), len(CLOSES))
    assert [s.signal_type for c in fallen for s in runner.on_candle(c)] == [SignalType.SELL]


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


def a_guest(broken: str) -> Any:
    """A strategy, one part of which raises."""

    class Broken(SmaCrossStrategy):
        pass

    def fail(_: object) -> None:
        raise RuntimeError("not today\nnor tomorrow")

    setattr(Broken, broken, property(fail))
    return Broken()


@pytest.mark.parametrize(
    ("broken", "ask"),
    [
        ("history_bars", lambda runner: runner.history_bars("BTCUSDT")),
        ("warm", lambda runner: runner.warm("BTCUSDT", candles(CLOSES))),
        ("progress", lambda runner: runner.warm_new("BTCUSDT", candles(CLOSES))),
        ("is_warm", lambda runner: runner.lines("BTCUSDT")),
        ("on_candle", lambda runner: runner.on_candle(a_candle(100))),
    ],
)
def test_a_guest_that_fails_at_whatever_it_is_asked_is_disabled_and_that_is_told(
    broken: str, ask: Callable[[LiveStrategyRunner], object]
):
    runner = a_runner()
    runner.add_strategy("guest", a_guest(broken), is_guest=True)
    told: list[tuple[str, str]] = []
    runner.on_disabled = lambda name, why: told.append((name, why))

    ask(runner)
    signals = [signal for candle in candles(CLOSES, 100) for signal in runner.on_candle(candle)]

    assert told == [("guest", "guest failed with RuntimeError: not today")]
    assert runner.states("BTCUSDT")["guest"] == "disabled: guest failed with RuntimeError: not today"
    assert {signal.strategy_id for signal in signals} == {TEXT}


def test_a_guest_that_cannot_be_made_for_its_symbols_leaves_nothing_behind():
    runner = a_runner()

    with pytest.raises(GuestFailed, match="guest failed with RuntimeError: not today"):
        runner.add_strategy("guest", a_guest("for_symbol"), is_guest=True)

    runner.on_candle(a_candle(100, symbol="SOLUSDT"))
    assert [list(runner.states(symbol)) for symbol in ("BTCUSDT", "SOLUSDT")] == [["cross"], ["cross"]]
