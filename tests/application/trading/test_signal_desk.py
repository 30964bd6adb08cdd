"""From a closed candle to an order, and the words for why nothing was traded; in whole sessions, nothing faked."""

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.domain.ledger.events import OrderDenied, OrderIntended
from src.domain.market.candle import Candle
from src.domain.market.sides import PositionSide
from src.domain.orders.types import Purpose
from src.domain.signals import Signal, SignalType
from tests.application.trading.sessions import begin, calm, die, events_of, pass_time
from tests.simulation.market import SYMBOL

BUY, SELL, EXIT = SignalType.BUY, SignalType.SELL, SignalType.EXIT
STRATEGY = "sma_cross:fast=100,slow=200"


def quiet(folder: Path) -> PaperConfig:
    """A session whose own strategy is not warm for minutes, with orders that its thin book can fill."""
    return calm(folder, strategies=(STRATEGY,), sizing="fixed:0.003")


def a_signal(kind: SignalType, confidence: str = "0.8", strategy_id: str = STRATEGY) -> Signal:
    numbers = (("fast", Decimal(101)),)
    price = Decimal(60_000)
    return Signal(SYMBOL, kind, strategy_id, Decimal(confidence), "It rose.", numbers, price, 1)


async def execute(runner: SessionRunner, *signals: Signal) -> None:
    """Execute signals as the loop would, each with what it leads to."""
    for signal in signals:
        runner.signals.execute(signal)
        await pass_time(runner.loop, 2_000)


def quantity_held(runner: SessionRunner) -> Decimal:
    return runner.loop.ledger.position(SYMBOL).quantity


def entries(config: Any) -> list[OrderIntended]:
    found = [each for each in events_of(config) if isinstance(each, OrderIntended)]
    return [each for each in found if each.ticket.purpose is Purpose.ENTRY]


async def test_a_signal_becomes_an_order_that_carries_its_numbers(tmp_path: Path):
    runner = await begin(config := quiet(tmp_path))

    await execute(runner, a_signal(BUY))

    assert quantity_held(runner) > 0
    assert runner.signals.minute() == "1 order placed"
    await die(runner)
    (entry,) = entries(config)
    assert entry.signal is not None
    assert (entry.signal.confidence, dict(entry.signal.numbers)) == (Decimal("0.8"), {"fast": Decimal(101)})


async def test_a_signal_that_changes_nothing_is_counted_with_its_reason(tmp_path: Path):
    runner = await begin(quiet(tmp_path))
    await execute(runner, a_signal(BUY))
    runner.signals.minute()

    await execute(runner, a_signal(BUY), a_signal(BUY))

    assert runner.signals.minute() == f"{SYMBOL} is already long (2x)"
    await die(runner)


async def test_an_exit_closes_and_is_the_owners_alone(tmp_path: Path):
    runner = await begin(quiet(tmp_path))
    await execute(runner, a_signal(BUY))

    await execute(runner, a_signal(EXIT, strategy_id="another"))
    after_the_others = quantity_held(runner)
    await execute(runner, a_signal(EXIT))

    # The book is thin: what it cannot take at once stays.
    assert 0 <= quantity_held(runner) < after_the_others
    await die(runner)


async def test_in_hedge_mode_a_strategy_closes_one_side_before_it_opens_the_other(tmp_path: Path):
    config = replace(quiet(tmp_path), hedge_mode=True)
    runner = await begin(config)

    def sides_held() -> list[PositionSide]:
        return [each.position_side for each in runner.loop.ledger.positions.values() if not each.is_flat]

    await execute(runner, a_signal(BUY), a_signal(SELL, strategy_id="another"))
    assert sides_held() == [PositionSide.LONG]
    assert f"{SYMBOL} belongs to {STRATEGY} until it is flat" in runner.signals.minute()

    while sides_held() == [PositionSide.LONG]:
        # The book is thin: what it cannot take at once stays.
        await execute(runner, a_signal(SELL))
    assert sides_held() == []

    await execute(runner, a_signal(SELL))
    assert sides_held() == [PositionSide.SHORT]
    await die(runner)


async def test_what_the_rules_forbid_to_turn_around_is_left_at_least(tmp_path: Path):
    config = quiet(tmp_path)
    runner = await begin(config)
    await execute(runner, a_signal(BUY))
    runner.validator.limits = replace(runner.validator.limits, order_value_max=Decimal(1))

    await execute(runner, a_signal(SELL))

    assert quantity_held(runner) == 0
    assert "order_value" in runner.signals.minute()
    await die(runner)
    assert [each.rule for each in events_of(config) if isinstance(each, OrderDenied)] == ["order_value"]


async def test_a_session_that_may_not_execute_says_so_by_doing_nothing(tmp_path: Path):
    runner = await begin(config := calm(tmp_path, auto_execute=False))

    await pass_time(runner.loop, 30_000)

    await die(runner)
    assert entries(config) == []


@pytest.mark.parametrize(("strategy", "line"), [(STRATEGY, r"warming up, \d+ of 201 bars")])
async def test_before_its_strategies_are_warm_the_line_says_how_far_they_are(
    tmp_path: Path, strategy: str, line: str
):
    runner = await begin(calm(tmp_path, strategies=(strategy,)))

    why_not = runner.signals.why_not

    assert why_not.startswith(f"{SYMBOL} {strategy}: ")
    assert re.search(line, why_not)
    await die(runner)


def in_steps(folder: Path) -> PaperConfig:
    """A session that builds its positions in three parts."""
    return replace(quiet(folder), sizing="fixed:0.009,steps=3", take_profit_pct=Decimal(0))


def a_candle(bar: int) -> Candle:
    price = Decimal(60_000)
    return Candle(SYMBOL, "1s", bar * 1_000, price, price, price, price, Decimal(1))


async def test_a_position_at_a_gain_is_built_in_steps_as_candles_close(tmp_path: Path):
    runner = await begin(config := in_steps(tmp_path))
    await execute(runner, a_signal(BUY))
    position = runner.loop.ledger.position(SYMBOL)
    # As if it had been bought for half: it stands at a gain whatever the market does.
    position.cost /= 2

    for bar in range(1, 6):
        runner.signals.on_candle(a_candle(bar))
        await pass_time(runner.loop, 2_000)

    assert quantity_held(runner) == Decimal("0.009")
    await die(runner)
    assert [each.ticket.reason[:11] for each in entries(config)[1:]] == ["Step 2 of 3", "Step 3 of 3"]


async def test_a_position_whose_strategy_was_disabled_is_not_built_any_further(tmp_path: Path):
    runner = await begin(in_steps(tmp_path))
    runner.signals.execute(a_signal(BUY))
    await pass_time(runner.loop, 500)
    runner.loop.ledger.position(SYMBOL).cost /= 2

    runner.board.disable(STRATEGY)
    await pass_time(runner.loop, 5_000)

    assert quantity_held(runner) == Decimal("0.003")
    await die(runner)


async def test_a_position_that_is_being_closed_is_not_built_any_further(tmp_path: Path):
    runner = await begin(in_steps(tmp_path))
    await execute(runner, a_signal(BUY))
    runner.loop.ledger.position(SYMBOL).cost /= 2
    placed = runner.loop.orders_sent

    runner.signals.execute(a_signal(EXIT))
    runner.signals.on_candle(a_candle(1))
    await pass_time(runner.loop, 500)

    assert (quantity_held(runner), runner.loop.orders_sent) == (Decimal(0), placed + 1)
    await die(runner)
