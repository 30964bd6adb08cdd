"""What a session's strategies begin with: the market's candles, and those that the store kept."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from src.application.trading.candle_memory import GAP_BARS_MAX, joined
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.domain.market.candle import Candle
from src.infrastructure.persistence.read_models import SqliteReadModels
from tests.application.trading.sessions import calm, die, parts_of, pass_time
from tests.simulation.market import SYMBOL

STEP_MS = 1_000
NOW = 200
STRATEGY = "sma_cross:fast=2,slow=5"


def bar(number: int) -> Candle:
    price = Decimal(100 + number)
    return Candle(SYMBOL, "1s", number * STEP_MS, price, price, price, price, Decimal(1))


def bars(*numbers: int) -> list[Candle]:
    return [bar(number) for number in numbers]


def numbers_of(candles: list[Candle]) -> list[int]:
    return [candle.open_ms // STEP_MS for candle in candles]


def without_history(config: PaperConfig) -> SessionParts:
    parts = parts_of(config)
    parts.history = lambda symbol, timeframe, count: []
    return parts


async def started(parts: SessionParts) -> SessionRunner:
    runner = SessionRunner(parts)
    await runner.start()
    return runner


def stored(config: PaperConfig) -> list[Candle]:
    reads = SqliteReadModels(config.database)
    try:
        (row,) = reads.accounts()
        return reads.candles(row.account_id, SYMBOL, "1s")
    finally:
        reads.close()


def trading(tmp_path: Path) -> PaperConfig:
    # Points of the equity curve are commits, with which candles travel.
    return calm(tmp_path, strategies=(STRATEGY,), save_state_interval_ms=1_000)


async def test_a_session_keeps_the_candles_it_saw_whole(tmp_path: Path):
    runner = await started(parts_of(trading(tmp_path)))
    await pass_time(runner.loop, 20_000)
    await die(runner)

    kept = stored(trading(tmp_path))

    steps = {after.open_ms - before.open_ms for before, after in pairwise(kept)}
    assert len(kept) >= 15
    assert steps == {STEP_MS}


async def test_where_the_market_remembers_nothing_strategies_warm_up_from_the_store(tmp_path: Path):
    first = await started(without_history(trading(tmp_path)))
    assert not first.strategies.lines(SYMBOL) or "warming up, 0" in first.strategies.lines(SYMBOL)[0]
    await pass_time(first.loop, 20_000)
    await die(first)

    second = await started(without_history(trading(tmp_path)))

    assert "warming up" not in " ".join(second.strategies.states(SYMBOL).values())
    await die(second)


async def test_a_strategy_enabled_while_a_session_runs_is_warm_at_once(tmp_path: Path):
    runner = await started(without_history(trading(tmp_path)))
    await pass_time(runner.loop, 20_000)

    runner.board.enable("rsi:period=3")

    assert "warming up" not in runner.strategies.states(SYMBOL)["rsi:period=3"]
    await die(runner)


async def test_a_hole_is_filled_with_what_the_market_remembers(tmp_path: Path):
    config = trading(tmp_path)
    first = await started(parts_of(config))
    await pass_time(first.loop, 10_000)
    await die(first)
    before = stored(config)

    second = await started(parts_of(config))
    await pass_time(second.loop, 10_000)
    await die(second)

    kept = stored(config)
    assert kept[: len(before)] == before
    assert {b.open_ms - a.open_ms for a, b in pairwise(kept)} == {STEP_MS}


def test_stored_candles_stand_before_and_after_those_of_the_market():
    found = joined(bars(10, 11), bars(8, 9, 10, 12, 13), NOW * STEP_MS)

    assert numbers_of(found) == [8, 9, 10, 11, 12, 13]


def test_stored_candles_of_long_ago_are_of_another_market():
    recent = NOW - GAP_BARS_MAX - 1

    assert numbers_of(joined([], bars(3, recent), NOW * STEP_MS)) == [recent]
    assert joined([], bars(3, recent - 1), NOW * STEP_MS) == []
    assert numbers_of(joined(bars(100), bars(3), NOW * STEP_MS)) == [100]


@given(
    own=st.sets(st.integers(50, 150)),
    kept=st.sets(st.integers(0, NOW - 1)),
)
def test_joined_candles_come_once_each_and_by_time(own: set[int], kept: set[int]):
    market = bars(*sorted(own))

    found = joined(market, bars(*sorted(kept)), NOW * STEP_MS)

    numbers = numbers_of(found)
    assert numbers == sorted(set(numbers))
    assert own <= set(numbers) <= own | kept
