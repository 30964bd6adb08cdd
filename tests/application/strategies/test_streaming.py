"""What every shipped strategy does alike: warm up, ignore repeats, survive a restart, leave a record."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.strategies import (
    STRATEGIES,
    Direction,
    SmaCrossParameters,
    SmaCrossStrategy,
    Strategy,
    parse_strategy_spec,
    strategy_spec,
)
from src.application.strategies.streaming import Side, StreamStrategy
from src.domain.market.candle import Candle
from src.domain.signals import SignalType
from tests.application.strategies.builders import (
    a_candle,
    a_market_of_few_ticks,
    a_random_walk,
    candles,
    feed,
)

NAMES = [kind.name for kind in STRATEGIES]
SEEDS = st.integers(0, 10**6)
every_strategy = pytest.mark.parametrize("name", NAMES)


@every_strategy
def test_a_strategy_says_how_far_it_has_warmed_up(name):
    strategy = strategy_spec(name).make("BTCUSDT")
    needed = strategy.progress.needed
    bars = candles(a_random_walk(1, needed))

    feed(strategy, bars[:-1])
    before = (strategy.is_warm, strategy.why_not)
    feed(strategy, bars[-1:])

    assert before == (False, f"warming up, {needed - 1} of {needed} bars")
    assert strategy.is_warm
    assert strategy.progress == (needed, needed)
    assert "warming" not in strategy.why_not


@every_strategy
def test_a_strategy_explains_every_candle_without_a_signal_and_only_those(name):
    strategy = strategy_spec(name).make("BTCUSDT")

    for candle in candles(a_random_walk(2, 600)):
        signal = strategy.on_candle(candle)

        assert (strategy.why_not == "") == (signal is not None)


@every_strategy
def test_a_strategy_trades_regularly_on_a_random_walk(name):
    signals = feed(strategy_spec(name).make("BTCUSDT"), candles(a_random_walk(3, 3_000)))

    assert len(signals) >= 30
    assert {signal.signal_type for signal in signals} == {SignalType.BUY, SignalType.SELL}


@every_strategy
@given(seed=SEEDS, repeats=st.lists(st.integers(1, 299), max_size=40))
def test_repeated_and_older_candles_change_nothing(name, seed, repeats):
    bars = candles(a_random_walk(seed, 300))
    spec = strategy_spec(name)

    signals = []
    strategy = spec.make("BTCUSDT")
    for bar, candle in enumerate(bars):
        signals += feed(strategy, [candle])
        signals += feed(strategy, [bars[bar - back] for back in repeats if back <= bar][:3])
        signals += feed(strategy, [candle])

    assert signals == feed(spec.make("BTCUSDT"), bars)


@every_strategy
@given(seed=SEEDS)
def test_what_a_strategy_is_shown_in_a_rehearsal_changes_nothing(name, seed):
    one, other = strategy_spec(name).make("BTCUSDT"), strategy_spec(name).make("BTCUSDT")

    for bar in candles(a_random_walk(seed, 3 * one.progress.needed)):
        if isinstance(one, StreamStrategy):
            for close in (0.5, float(bar.close) * 2):
                one.rehearse(close)
        assert one.on_candle(bar) == other.on_candle(bar)
        assert one.why_not == other.why_not


@every_strategy
@given(seed=SEEDS, lived=st.integers(450, 600))
def test_a_restart_from_history_decides_like_a_run_without_one(name, seed, lived):
    bars = candles(a_random_walk(seed, 700))
    survivor = strategy_spec(name).make("BTCUSDT")
    feed(survivor, bars[:lived])

    reborn = strategy_spec(name).make("BTCUSDT")
    reborn.warm(bars[lived - reborn.history_bars : lived])

    expected = [(each.signal_type, each.at_ms) for each in feed(survivor, bars[lived:])]
    assert [(each.signal_type, each.at_ms) for each in feed(reborn, bars[lived:])] == expected


def wishes(strategy: Strategy, bars: Sequence[Candle]) -> list[SignalType | None]:
    signals = [strategy.on_candle(bar) for bar in bars]
    return [None if signal is None else signal.signal_type for signal in signals]


@pytest.mark.parametrize(
    "text", ["sma_cross", "macd_momentum", "momentum:period=16", "bollinger", "bollinger:period=10"]
)
@pytest.mark.parametrize("moving", [0.03, 0.2, 1.0])
def test_a_restart_in_a_market_of_few_ticks_decides_like_a_run_without_one(text, moving):
    for seed in range(4):
        bars = candles(a_market_of_few_ticks(seed, 900, moving))
        survivor = parse_strategy_spec(text).make("BTCUSDT")
        expected = wishes(survivor, bars)

        for lived in range(survivor.history_bars, 880, 9):
            reborn = parse_strategy_spec(text).make("BTCUSDT")
            reborn.warm(bars[lived - reborn.history_bars : lived])

            assert wishes(reborn, bars[lived : lived + 20]) == expected[lived : lived + 20]


@every_strategy
def test_signals_of_history_are_not_repeated_but_their_bars_count(name):
    bars = candles(a_random_walk(3, 500))
    strategy = strategy_spec(name).make("BTCUSDT")
    feed(strategy, bars[:100])

    strategy.warm(bars)

    assert strategy.progress.seen == 500
    assert strategy.why_not != ""
    assert feed(strategy, bars) == []


@every_strategy
@given(seed=SEEDS)
def test_every_signal_is_a_complete_record(name, seed):
    bars = candles(a_random_walk(seed, 300))

    for signal in feed(strategy_spec(name).make("BTCUSDT"), bars):
        bar = bars[signal.at_ms // 60_000 - 1]
        assert signal.symbol == "BTCUSDT"
        assert signal.strategy_id == name
        assert 0 <= signal.confidence <= 1
        assert signal.reference_price == bar.close
        assert signal.at_ms == bar.close_ms
        assert signal.reason.endswith(".")
        assert signal.numbers


@every_strategy
def test_a_market_that_never_moves_gives_no_signal(name):
    strategy = strategy_spec(name).make("BTCUSDT")

    assert feed(strategy, candles(["61800.1"] * 500)) == []
    assert strategy.why_not


@every_strategy
@pytest.mark.parametrize(
    ("direction", "expected"),
    [("long", {SignalType.BUY, SignalType.EXIT}), ("short", {SignalType.SELL, SignalType.EXIT})],
)
def test_a_one_sided_strategy_exits_where_it_would_turn(name, direction, expected):
    bars = candles(a_random_walk(4, 1_500))
    both = feed(strategy_spec(name).make("BTCUSDT"), bars)

    signals = feed(strategy_spec(name, {"direction": direction}).make("BTCUSDT"), bars)

    assert {signal.signal_type for signal in signals} == expected
    assert [signal.at_ms for signal in signals] == [signal.at_ms for signal in both]


def test_a_template_takes_the_symbol_of_its_first_candle_and_no_other():
    strategy = SmaCrossStrategy()
    strategy.on_candle(a_candle("100", 0, "ETHUSDT"))

    with pytest.raises(ValueError, match="watches ETHUSDT, not BTCUSDT"):
        strategy.on_candle(a_candle("100", 1, "BTCUSDT"))

    assert strategy.symbol == "ETHUSDT"
    assert strategy.progress.seen == 1


def test_an_instance_for_another_symbol_has_the_same_parameters_and_knows_nothing():
    parameters = SmaCrossParameters(fast=2, slow=4, direction=Direction.LONG)
    first = SmaCrossStrategy(parameters, "BTCUSDT", "mine")
    feed(first, candles(a_random_walk(5, 50)))

    other = first.for_symbol("ETHUSDT")

    assert (other.symbol, other.strategy_id, other.progress) == ("ETHUSDT", "mine", (0, 5))


def test_a_distance_that_may_be_rounding_is_no_side():
    side = Side(4)
    side.crosses(1.0, 1e-6)

    touches = [side.crosses(distance, 1e-6) for distance in (1e-7, -1e-7, 0.0)]

    assert touches == [False, False, False]
    assert (side.value, side.bars) == (1, 3)
    assert side.crosses(-1.0, 1e-6)


def test_a_side_on_which_a_line_was_long_ago_is_not_known_any_more():
    side = Side(2)
    side.crosses(1.0, 1e-6)

    touches = [side.crosses(0.0, 1e-6) for _ in range(2)]

    assert (touches, side.value) == ([False, False], 0)
    assert not side.crosses(-1.0, 1e-6)
    assert side.crosses(1.0, 1e-6)


def test_prices_enter_the_record_exactly_and_indicators_rounded():
    strategy = SmaCrossStrategy(SmaCrossParameters(fast=1, slow=3))

    signals = feed(strategy, candles(["10", "9", "8", "7", "7.00000000123"]))

    assert signals == []
    [signal] = feed(strategy, candles(["9.00000000000000000001"], first_bar=5))
    assert signal.reference_price == Decimal("9.00000000000000000001")
    assert dict(signal.numbers)["slow"] == Decimal("7.666666667")
