"""The HALT file and a running session: what the file says becomes durable, is carried out, and ends with a re-arm."""

from pathlib import Path

import pytest

from src.application.ports.kill_switch import KillLevel
from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import MoveTrading, RequestModify
from src.domain.ledger.events import TradingMoved
from src.domain.orders.transitions import ModifyState
from src.domain.sessions.trading_states import TradingTrigger
from src.infrastructure.monitoring.kill_switch import FileKillSwitch
from tests.application.trading.sessions import begin, calm, die, events_of, order, pass_time, resting
from tests.simulation.market import SYMBOL


async def holding(folder: Path) -> SessionRunner:
    runner = await begin(calm(folder))
    order(runner, "0.020")
    await runner.loop.flush()
    await pass_time(runner.loop, 500)
    return runner


def throw(folder: Path, level: KillLevel) -> FileKillSwitch:
    switch = FileKillSwitch(folder / "HALT")
    switch.engage("a test", level)
    return switch


def state(runner: SessionRunner) -> str:
    return runner.loop.ledger.account.trading_state.value


def is_flat(runner: SessionRunner) -> bool:
    return runner.loop.ledger.position(SYMBOL).is_flat


LEVELS = [
    (KillLevel.SOFT, "REDUCE_ONLY", False),
    (KillLevel.HALT, "HALTED", False),
    (KillLevel.HARD, "HALTED", True),
]


@pytest.mark.parametrize(("level", "after", "flat"), LEVELS)
async def test_a_file_thrown_beside_a_running_session_is_carried_out_within_a_tick(
    tmp_path: Path, level: KillLevel, after: str, flat: bool
):
    runner = await holding(tmp_path)

    throw(tmp_path, level)
    await pass_time(runner.loop, 3_000)

    assert (state(runner), is_flat(runner)) == (after, flat)


@pytest.mark.parametrize(("level", "after", "flat"), LEVELS)
async def test_a_file_thrown_while_nothing_ran_is_carried_out_by_the_next_start(
    tmp_path: Path, level: KillLevel, after: str, flat: bool
):
    config = calm(tmp_path)
    await die(await holding(tmp_path))

    throw(tmp_path, level)
    runner = await begin(config)
    await pass_time(runner.loop, 3_000)

    assert (state(runner), is_flat(runner)) == (after, flat)


async def test_a_file_thrown_before_an_amendment_leaves_lets_an_entry_stand_as_it_was(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    placed = resting(runner)
    await pass_time(runner.loop, 500)
    throw(tmp_path, KillLevel.HALT)

    runner.loop.decide(RequestModify(placed.id, None, placed.quantity * 2, "by hand"))
    await runner.loop.flush()

    (report,) = await runner.parts.broker.open_orders()
    assert report.quantity == placed.quantity
    assert placed.modify_state is ModifyState.NONE
    await die(runner)


async def test_a_rearm_in_the_journal_holds_while_the_file_is_still_there(tmp_path: Path):
    config = calm(tmp_path)
    runner = await holding(tmp_path)
    switch = throw(tmp_path, KillLevel.HARD)
    await pass_time(runner.loop, 3_000)

    runner.loop.decide(MoveTrading(TradingTrigger.REARM, "re-armed", "operator"))
    await pass_time(runner.loop, 3_000)
    switch.release()
    await pass_time(runner.loop, 2_000)

    assert state(runner) == "ACTIVE"
    await die(runner)
    moves = [event for event in events_of(config) if isinstance(event, TradingMoved)]
    assert [move.trigger for move in moves] == [TradingTrigger.HALT, TradingTrigger.REARM]
    assert moves[0].reason == "a test"


async def test_a_file_thrown_again_halts_again(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    throw(tmp_path, KillLevel.HALT).release()
    await pass_time(runner.loop, 2_000)
    never = state(runner)

    throw(tmp_path, KillLevel.HALT)
    await pass_time(runner.loop, 2_000)

    assert (never, state(runner)) == ("ACTIVE", "HALTED")
