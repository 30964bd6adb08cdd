"""Rehearsals: an order is walked as far as its encoding, and nothing of the session notices."""

import asyncio
from pathlib import Path
from typing import Any, Self

import pytest

from src.application.strategies.sma_cross import SmaCrossStrategy
from src.application.trading.rehearsal import POLLS_A_WALK, Rehearsal
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.news import MoveTrading
from src.domain.ledger.events import AlarmRaised
from src.domain.ledger.state import Ledger
from src.domain.market.candle import Candle
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.sessions.trading_states import TradingTrigger
from src.domain.signals import Signal
from src.infrastructure.monitoring.kill_switch import FileKillSwitch
from tests.application.trading.sessions import (
    begin,
    calm,
    die,
    events_of,
    order,
    parts_of,
    pass_time,
    resting,
)
from tests.simulation.market import SYMBOL

STRATEGY = "sma_cross:fast=2,slow=4"


def a_session(folder: Path, **changes: Any) -> PaperConfig:
    """Entries so small that the simulated book takes them whole."""
    return calm(folder, sizing="fixed:0.001", **changes)


def rehearsal_of(runner: SessionRunner) -> Rehearsal:
    loop = runner.loop
    return Rehearsal(loop.ledger, runner.parts, runner.adapter, runner.strategies, loop.decide)


def state_of(runner: SessionRunner) -> object:
    """Whatever a step could have changed."""
    ledger, signals = runner.loop.ledger, runner.signals
    # Both are made, empty, when they are first asked for.
    ledger.symbol(SYMBOL)
    ledger.position(SYMBOL)
    parts = {name: repr(getattr(ledger, name)) for name in Ledger.__slots__}
    counts = dict(runner.loop.ledger.denied), dict(runner.validator.unenforced)
    said = signals.why_not, [runner.strategies.lines(symbol) for symbol in runner.parts.options.symbols]
    sent = runner.loop.orders_sent, runner.loop.pending, runner.loop.store.head
    return parts, counts, said, sent


async def head_of(folder: Path, *, rehearsing: bool, **changes: Any) -> tuple[int, str, int]:
    """Run twenty seconds of market; the journal's head, and how many rehearsals came as far as an order."""
    folder.mkdir()
    parts = parts_of(a_session(folder, timeframe="1s", strategies=(STRATEGY,), **changes))
    parts.stays_awake = rehearsing
    runner = SessionRunner(parts)
    await runner.start()
    rehearsal = rehearsal_of(runner)
    look_around = runner.loop.on_tick

    def on_tick() -> None:
        if rehearsing:
            rehearsal.walk()
        look_around()

    runner.loop.on_tick = on_tick
    runner.stop_after(20_000)
    await runner.run()
    head = runner.loop.store.head
    await die(runner)
    return head.seq, head.hash, rehearsal.walks


async def test_a_session_that_rehearses_every_second_leaves_the_same_journal(tmp_path: Path):
    *with_rehearsals, walks = await head_of(tmp_path / "rehearsing", rehearsing=True)
    *without, none = await head_of(tmp_path / "not", rehearsing=False)

    assert with_rehearsals == without
    assert (walks > 10, none) == (True, 0)


async def test_a_session_that_stays_awake_rehearses_at_its_pace_and_leaves_the_same_journal(tmp_path: Path):
    *awake, _ = await head_of(tmp_path / "awake", rehearsing=True, speed=40.0)
    *asleep, _ = await head_of(tmp_path / "asleep", rehearsing=False, speed=40.0)

    assert awake == asleep


@pytest.mark.parametrize("side", [PositionSide.BOTH, PositionSide.SHORT], ids=["one-way", "hedge mode"])
async def test_a_rehearsal_turns_against_what_is_held_and_changes_nothing_of_the_session(
    tmp_path: Path, side: PositionSide
):
    is_hedged = side is not PositionSide.BOTH
    runner = await begin(a_session(tmp_path, timeframe="1s", strategies=(STRATEGY,), hedge_mode=is_hedged))
    order(runner, "0.001", side=OrderSide.SELL, position_side=side)
    await pass_time(runner.loop, 3_000)
    before, rehearsal = state_of(runner), rehearsal_of(runner)

    for _ in range(20):
        rehearsal.walk()

    assert rehearsal.walks == 20
    assert state_of(runner) == before
    await die(runner)


async def test_a_kill_switch_that_is_engaged_is_asked_and_stays_as_it_is(tmp_path: Path):
    runner = await begin(a_session(tmp_path))
    switch = FileKillSwitch(tmp_path / "HALT")
    runner.parts.kill_switch = switch
    switch.engage("a test")
    rehearsal = rehearsal_of(runner)

    rehearsal.walk()

    assert rehearsal.walks == 1
    assert (switch.is_engaged(), switch.reason()) == (True, "a test")
    await die(runner)


async def test_an_entry_on_its_way_ends_a_rehearsal_early(tmp_path: Path):
    runner = await begin(a_session(tmp_path))
    resting(runner)
    rehearsal = rehearsal_of(runner)

    rehearsal.walk()

    assert rehearsal.walks == 0
    await die(runner)


async def test_what_the_rules_refuse_is_rehearsed_no_further_and_not_counted(tmp_path: Path):
    runner = await begin(a_session(tmp_path))
    runner.loop.decide(MoveTrading(TradingTrigger.HALT, "a test", "a test"))
    before, rehearsal = state_of(runner), rehearsal_of(runner)

    rehearsal.walk()

    assert rehearsal.walks == 0
    assert state_of(runner) == before
    await die(runner)


async def test_without_a_quote_there_is_nothing_to_rehearse(tmp_path: Path):
    runner = SessionRunner(parts_of(a_session(tmp_path)))
    await runner.start()
    assert runner.parts.desk.best_prices(SYMBOL) is None
    rehearsal = rehearsal_of(runner)

    rehearsal.walk()

    assert rehearsal.walks == 0
    await die(runner)


class Watching:
    """A guest that keeps what it is shown."""

    strategy_id = "watching"
    symbol: str | None = SYMBOL

    def __init__(self) -> None:
        self.seen: list[Candle] = []

    def on_candle(self, candle: Candle) -> Signal | None:
        self.seen.append(candle)
        return None


async def test_a_users_own_strategy_is_never_shown_a_candle_that_was_made_up(tmp_path: Path):
    runner = await begin(a_session(tmp_path, timeframe="1s"))
    guest = Watching()
    runner.strategies.add_strategy("watching", guest, is_guest=True)  # type: ignore[arg-type]  # it is only asked
    rehearsal = rehearsal_of(runner)

    for _ in range(5):
        rehearsal.walk()

    assert (rehearsal.walks, guest.seen) == (5, [])
    await die(runner)


async def test_an_idle_session_that_stays_awake_walks_once_in_so_many_polls(tmp_path: Path):
    runner = await begin(a_session(tmp_path))
    rehearsal = rehearsal_of(runner)

    for _ in range(POLLS_A_WALK * 3):
        assert await rehearsal.spend()

    assert rehearsal.walks == 3
    await die(runner)


class Failing(SmaCrossStrategy):
    """A shipped strategy with a mistake in it that only copies of it show."""

    def for_symbol(self, symbol: str) -> Self:
        raise ZeroDivisionError("a mistake")


async def test_a_rehearsal_that_fails_is_the_last_one_and_the_session_goes_on(tmp_path: Path):
    config = a_session(tmp_path)
    runner = await begin(config)
    rehearsal = rehearsal_of(runner)
    runner.strategies.add_strategy("failing", Failing(symbol=SYMBOL))

    for _ in range(POLLS_A_WALK * 3):
        assert await rehearsal.spend()
    await pass_time(runner.loop, 2_000)

    (alarm,) = [event for event in events_of(config, AlarmRaised) if isinstance(event, AlarmRaised)]
    assert alarm.text == "no more rehearsals: ZeroDivisionError: a mistake"
    assert runner.is_running
    await die(runner)


async def test_staying_awake_lets_the_other_tasks_of_the_process_run(tmp_path: Path):
    parts = parts_of(a_session(tmp_path, speed=0.001))
    parts.stays_awake = True
    runner = SessionRunner(parts)
    await runner.start()
    working = asyncio.create_task(pass_time(runner.loop, 60_000))

    async with asyncio.timeout(5):
        assert await runner.loop.ask(lambda: "heard") == "heard"

    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await die(runner)
