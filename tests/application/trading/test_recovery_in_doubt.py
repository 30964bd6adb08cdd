"""Recovery where store and exchange differ for good, and where the exchange promises less than the paper one."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.broker import BrokerUnavailable
from src.application.trading.session_runner import SessionRunner
from src.bootstrap import paper
from src.domain.ledger import events as e
from src.domain.orders.news import PositionReport
from src.domain.orders.transitions import AttemptState
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.application.trading.faults import (
    WEAK,
    AskedBroker,
    BusyBroker,
    OtherBooksBroker,
    StrongBroker,
    UnsureBroker,
    WeakBroker,
    died_before_sending,
)
from tests.application.trading.sessions import (
    begin,
    broker_of,
    calm,
    die,
    events_of,
    order,
    parts_of,
    pass_time,
    resting,
)
from tests.simulation.market import SYMBOL

# --- differences --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "subject"),
    [
        ("extra_quantity", Decimal("0.001"), f"position {SYMBOL} BOTH"),
        ("extra_money", Decimal("0.00000001"), "wallet USDT"),
    ],
)
async def test_a_difference_that_stays_halts_and_invents_no_trade(
    name: str, value: Decimal, subject: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", OtherBooksBroker)
    runner = await begin(config := calm(tmp_path))
    order(runner)
    await pass_time(runner.loop, 2_000)
    before = len(events_of(config, e.FillBooked))
    setattr(runner.parts.broker, name, value)

    report = await runner.recovery.recover("a test", new_stream=False)

    assert [d.subject for d in report.differences] == [subject]
    (kept,) = [d for d in events_of(config, e.DifferenceFound) if isinstance(d, e.DifferenceFound)]
    assert kept.subject == subject
    assert Decimal(kept.theirs) - Decimal(kept.ours) == value
    assert runner.loop.ledger.account.trading_state is TradingState.HALTED
    assert len(events_of(config, e.FillBooked)) == before
    await die(runner)


@pytest.mark.parametrize(("races", "agrees"), [(3, True), (7, True), (100, False)])
async def test_what_differs_otherwise_each_time_is_read_again_for_a_while(
    races: int, agrees: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", BusyBroker)
    runner = await begin(calm(tmp_path))
    order(runner)
    await pass_time(runner.loop, 2_000)
    assert isinstance(runner.parts.broker, BusyBroker)
    runner.parts.broker.races = races

    report = await runner.recovery.recover("a test", new_stream=False)

    assert report.agrees is agrees
    assert (runner.loop.ledger.account.trading_state is TradingState.ACTIVE) is agrees
    await die(runner)


async def test_what_stays_the_same_difference_is_read_three_times_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", AskedBroker)
    runner = await begin(calm(tmp_path))
    assert isinstance(runner.parts.broker, AskedBroker)
    runner.parts.broker.extra_money = Decimal("0.01")
    before = len(runner.parts.broker.since_ms)

    await runner.recovery.recover("a test", new_stream=False)

    assert len(runner.parts.broker.since_ms) - before == 3
    await die(runner)


async def test_a_position_only_the_exchange_knows_of_is_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", OtherBooksBroker)
    runner = await begin(config := calm(tmp_path))
    alien = await _some_position(tmp_path / "other")

    async def positions() -> list[PositionReport]:
        return [alien]

    monkeypatch.setattr(runner.parts.broker, "positions", positions)

    report = await runner.recovery.recover("a test", new_stream=False)

    assert [(d.ours, d.theirs) for d in report.differences] == [("0", f"{alien.quantity:f}")]
    assert runner.loop.ledger.position(SYMBOL).is_flat
    assert events_of(config, e.FillBooked) == []
    await die(runner)


async def _some_position(folder: Path) -> PositionReport:
    folder.mkdir()
    runner = await begin(calm(folder))
    order(runner)
    await pass_time(runner.loop, 2_000)
    (report,) = await runner.parts.broker.positions()
    await die(runner)
    return report


async def test_an_exchange_that_cannot_be_read_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runner = await begin(config := calm(tmp_path))
    placed = order(runner)
    await runner.loop.flush()
    before = len(events_of(config))

    async def fail() -> list[PositionReport]:
        raise BrokerUnavailable("no answer")

    monkeypatch.setattr(runner.parts.broker, "positions", fail)

    with pytest.raises(BrokerUnavailable):
        await runner.recovery.recover("a test", new_stream=False)

    assert len(events_of(config)) == before
    assert placed.attempt_state is AttemptState.OPEN
    await die(runner)


# --- weaker promises ----------------------------------------------------------------------------------------


async def test_without_the_promise_silence_proves_death_only_after_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", WeakBroker)
    placed = await died_before_sending(config := calm(tmp_path))

    second = SessionRunner(parts_of(config))
    await second.start()

    unknown = second.loop.ledger.orders[placed.id]
    assert unknown.attempt_state is AttemptState.UNKNOWN
    assert second.loop.ledger.symbol(SYMBOL).state is SymbolState.REDUCE_ONLY
    assert second.loop.ledger.symbol(SYMBOL).pending_buy == placed.quantity

    deadline_ms = placed.attempt.deadline_ms + WEAK.arrival_margin_ms + WEAK.quiescence_ms
    await pass_time(second.loop, deadline_ms - second.loop.inputs.now_ms() - 500)
    await second.recovery.recover("too soon", new_stream=False)
    assert unknown.attempt_state is AttemptState.UNKNOWN

    for cause in ("agreeing", "agreeing again"):
        await pass_time(second.loop, 2_000)
        await second.recovery.recover(cause, new_stream=False)
        assert unknown.attempt_state is AttemptState.UNKNOWN

    await pass_time(second.loop, 2_000)
    await second.recovery.recover("often enough", new_stream=False)
    assert second.loop.ledger.orders.get(placed.id, unknown).attempt_state is AttemptState.DEAD
    assert second.loop.ledger.symbol(SYMBOL).state is SymbolState.TRADING
    assert not second.loop.ledger.symbol(SYMBOL).pending_buy
    await die(second)


async def test_what_may_still_arrive_by_the_latest_that_the_exchanges_clock_may_be_is_not_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", UnsureBroker)
    placed = await died_before_sending(config := calm(tmp_path))
    second = SessionRunner(parts_of(config))
    await second.start()
    states = []

    await pass_time(second.loop, placed.attempt.deadline_ms - second.loop.inputs.now_ms())
    for _ in range(2):
        await pass_time(second.loop, 900)
        await second.recovery.recover("a test", new_stream=False)
        states.append(second.loop.ledger.symbol(SYMBOL).state)

    assert states == [SymbolState.REDUCE_ONLY, SymbolState.TRADING]
    await die(second)


@pytest.mark.parametrize(
    ("kind", "state"), [(StrongBroker, SymbolState.CLOSED), (WeakBroker, SymbolState.TRADING)]
)
async def test_an_accepted_order_that_is_not_shown_matters_only_where_reads_show_all(
    kind: type[WeakBroker], state: SymbolState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", kind)
    runner = await begin(calm(tmp_path))
    placed = resting(runner)
    await pass_time(runner.loop, 1_000)
    broker_of(runner.parts, WeakBroker).hidden = frozenset({placed.id})

    await runner.recovery.recover("a test", new_stream=False)

    assert placed.is_open
    assert runner.loop.ledger.symbol(SYMBOL).state is state
    await die(runner)


async def test_a_trade_that_nobody_can_explain_keeps_an_attempt_from_being_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", WeakBroker)
    first = await begin(config := calm(tmp_path))
    placed = order(first)
    await first.loop.flush()
    # It has reached the exchange, and nothing of that has come back.
    await pass_time(first.loop, 30)
    await die(first)

    second = SessionRunner(parts_of(config))
    # The order was filled, and every read of it lags behind the list of trades.
    broker_of(second.parts, WeakBroker).hidden = frozenset({placed.id})
    await second.start()
    deadline_ms = placed.attempt.deadline_ms + WEAK.arrival_margin_ms + WEAK.quiescence_ms
    await pass_time(second.loop, deadline_ms - second.loop.inputs.now_ms() + 2_000)
    await second.recovery.recover("late enough", new_stream=False)
    doubted = second.loop.ledger.orders[placed.id].attempt_state
    broker_of(second.parts, WeakBroker).hidden = frozenset()
    await second.recovery.recover("shown at last", new_stream=False)

    assert doubted is AttemptState.UNKNOWN
    assert second.loop.ledger.position(SYMBOL).quantity == placed.quantity
    assert second.loop.ledger.account.breaches == 0
    await die(second)


async def test_trades_are_read_before_orders_so_that_one_in_between_is_claimed_by_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runner = await begin(calm(tmp_path))
    placed = order(runner)
    await runner.loop.flush()
    await pass_time(runner.loop, 1_000)
    broker, asked = runner.parts.broker, []

    def noted(name: str):
        read = getattr(broker, name)

        async def reading(*arguments: object) -> object:
            asked.append(name)
            return await read(*arguments)

        return reading

    for name in ("trades", "open_orders", "open_algo_orders", "find", "positions", "balances"):
        monkeypatch.setattr(broker, name, noted(name))

    await runner.recovery.recover("a test", new_stream=False)

    last_trades = max(place for place, name in enumerate(asked) if name == "trades")
    first_order = min(place for place, name in enumerate(asked) if name != "trades")
    assert last_trades < first_order
    assert asked[-2:] == ["positions", "balances"]
    assert placed.filled_quantity
    await die(runner)
