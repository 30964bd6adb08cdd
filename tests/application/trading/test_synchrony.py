"""A session keeps itself in step: by the clock, after it stood still, and patiently where reads lag."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from src.application.ports.broker import BrokerSink, BrokerUnavailable, NetworkError, VenueTime
from src.application.trading.picture import SessionPicture
from src.application.trading.session_runner import EndCause, SessionRunner
from src.bootstrap import paper
from src.bootstrap.paper_config import PaperConfig
from src.domain.ledger import events as e
from src.domain.orders.news import FillReport, OrderReport, PositionReport
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.sessions.trading_states import TradingState
from src.infrastructure.brokers.circuit_breaker import CircuitBreaker, CircuitState
from src.infrastructure.brokers.guarded_reads import RECOVERY_S, guarded
from tests.application.trading.faults import WeakBroker, killed_at
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


class LateBooks(WeakBroker):
    """Shows no position for so many reads, answers so many not at all; notes every question about ended orders.

    While it ``is_mute`` no user stream opens, and an open one says nothing.
    """

    late_reads = 0
    away = 0
    asked: list[int]
    is_mute = breaks_at_once = False
    hides_trades = is_unreachable = False
    error: Exception | None = None

    async def open(self, sink: BrokerSink) -> int:
        if self.is_mute:
            # Answers come with the requests, not with the stream.
            self._sink = sink
            raise NetworkError("no stream opens")
        epoch = await super().open(sink)
        if self.breaks_at_once:
            sink.on_stream_lost(epoch, "at once")
        return epoch

    def _hear(self, epoch: int, raw: str) -> None:
        if not self.is_mute:
            super()._hear(epoch, raw)

    async def server_time(self) -> VenueTime:
        if self.is_unreachable:
            raise NetworkError("unreachable")
        return await super().server_time()

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        error, self.error = self.error, None
        if error is not None:
            raise error
        if self.is_unreachable:
            raise NetworkError("unreachable")
        return [] if self.hides_trades else await super().trades(symbol, from_id)

    async def positions(self) -> list[PositionReport]:
        self.away -= 1
        if self.away >= 0:
            raise NetworkError("away")
        self.late_reads -= 1
        return [] if self.late_reads >= 0 else await super().positions()

    async def orders(self, symbol: str, since_ms: int) -> list[OrderReport]:
        self.asked = [*getattr(self, "asked", []), since_ms]
        return await super().orders(symbol, since_ms)


@pytest.fixture(autouse=True)
def late_books(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every session here is at an exchange whose reads promise little."""
    monkeypatch.setattr(paper, "PaperBroker", LateBooks)


def causes(config: PaperConfig) -> list[str]:
    finished = events_of(config, e.RecoveryFinished)
    return [event.cause for event in finished if isinstance(event, e.RecoveryFinished)]


@pytest.mark.parametrize(("late_reads", "agrees"), [(1, True), (3, True), (4, False)])
async def test_what_differs_is_read_again_after_pauses_in_which_the_session_works_on(
    late_reads: int, agrees: bool, tmp_path: Path
):
    runner = await begin(calm(tmp_path))
    order(runner)
    await pass_time(runner.loop, 2_000)
    broker, begun_ms = broker_of(runner.parts, LateBooks), runner.loop.inputs.now_ms()
    broker.late_reads = late_reads
    frames = runner.loop.frames

    report = await runner.recovery.recover("a test", new_stream=False)

    pauses_ms = sum((1_000, 2_000, 4_000)[:late_reads])
    assert report.agrees is agrees
    assert runner.loop.inputs.now_ms() - begun_ms == pauses_ms
    assert runner.loop.frames > frames
    halted = runner.loop.ledger.account.trading_state is TradingState.HALTED
    assert halted is not agrees
    assert runner.loop.desk.suspension == ""
    await die(runner)


async def test_a_session_that_stood_still_does_not_trust_its_stream_any_more(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    loop = runner.loop
    epoch = loop.ledger.account.stream_epoch

    look, loop.on_tick = loop.on_tick, lambda: None
    await pass_time(loop, 15_000)
    loop.on_tick = look
    await pass_time(loop, 1_500)
    noticed = (loop.stream_lost, "stood still" in loop.desk.suspension)
    await runner.reconcile()
    await pass_time(loop, 1_500)

    assert noticed == (True, True)
    assert loop.ledger.account.stream_epoch > epoch
    assert (loop.stream_lost, loop.desk.suspension) == (False, "")
    await die(runner)


async def test_what_is_open_is_compared_every_sixty_ticks_and_what_has_ended_every_nine_hundred(
    tmp_path: Path,
):
    parts = parts_of(config := calm(tmp_path))
    parts.tick_ms = 20
    runner = SessionRunner(parts)
    await runner.start()

    for _ in range(19):
        await pass_time(runner.loop, 1_000)
        if runner.loop.reconcile_wanted:
            await runner.reconcile()

    assert causes(config).count("timer") == 14
    assert len(broker_of(parts, LateBooks).asked) == len(parts.options.symbols)
    await die(runner)


async def test_a_session_whose_exchange_cannot_be_read_is_shown_as_out_of_step_until_it_can(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    loop, picture = runner.loop, SessionPicture(runner)
    broker_of(runner.parts, LateBooks).away = 1
    in_step = picture.take().synced

    loop.reconcile_wanted = "a test"
    await runner.reconcile()
    failed = picture.take().synced
    while not loop.reconcile_wanted:
        await pass_time(loop, 50)
    await runner.reconcile()

    assert (in_step, failed, picture.take().synced) == (True, False, True)
    await die(runner)


async def test_what_fills_while_no_stream_opens_is_asked_for_and_protected(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, broker_of(runner.parts, LateBooks)
    entry = order(runner)
    await loop.flush()
    broker.is_mute = True
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "a test")

    reads = 0
    for _ in range(20):
        await pass_time(loop, 500)
        if loop.reconcile_wanted:
            reads += 1
            await runner.reconcile()
    stops = [o for o in await broker.open_algo_orders() if o.reduce_only]
    held = loop.ledger.position(entry.symbol, entry.ticket.position_side)
    out_of_step = loop.stream_lost and loop.desk.suspension

    broker.is_mute = False
    await runner.reconcile()

    assert held.quantity == entry.quantity
    assert [o for o in loop.ledger.orders.values() if o.ticket.purpose is Purpose.PROTECTIVE_STOP]
    assert stops
    assert reads <= 10
    assert out_of_step
    assert (loop.stream_lost, loop.desk.suspension) == (False, "")
    await die(runner)


async def test_a_market_entry_of_which_a_stream_that_stands_says_nothing_is_protected_within_seconds(
    tmp_path: Path,
):
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, broker_of(runner.parts, LateBooks)
    broker.is_mute = True
    entry = order(runner)

    for _ in range(4):
        await pass_time(loop, 1_000)
        if loop.reconcile_wanted:
            await runner.reconcile()

    assert loop.ledger.position(entry.symbol, entry.ticket.position_side).quantity == entry.quantity
    assert [o for o in await broker.open_algo_orders() if o.reduce_only]
    assert not loop.stream_lost
    await die(runner)


async def test_who_is_asked_because_no_stream_opens_is_asked_again_after_a_pause_whatever_was_left_open(
    tmp_path: Path,
):
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, broker_of(runner.parts, LateBooks)
    entry = order(runner)
    await loop.flush()
    broker.is_mute = broker.hides_trades = True
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "a test")
    await pass_time(loop, 100)

    await runner.reconcile()

    assert entry.claimed_quantity > entry.filled_quantity
    assert loop.reconcile_wanted == ""
    await pass_time(loop, 250)
    assert loop.reconcile_wanted == "a test"
    await die(runner)


async def test_a_network_that_was_away_for_a_moment_leaves_nothing_naked_for_long(tmp_path: Path):
    parts = parts_of(calm(tmp_path))
    runner, away = SessionRunner(parts), broker_of(parts, LateBooks)
    breaker = CircuitBreaker(
        recovery_timeout=RECOVERY_S, failures=BrokerUnavailable, clock=lambda: parts.inputs.now_ms() / 1_000
    )
    parts.broker = guarded(away, 3, breaker, sleep=lambda _: asyncio.sleep(0))
    await runner.start()
    loop = runner.loop
    await pass_time(loop, 2_000)
    order(runner)
    await loop.flush()
    away.is_mute = away.is_unreachable = True
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "a test")

    was_open = False
    for second in range(15):
        if loop.reconcile_wanted:
            await runner.reconcile()
        was_open = was_open or breaker.state is CircuitState.OPEN
        if second == 2:
            away.is_mute = away.is_unreachable = False
        await pass_time(loop, 1_000)

    assert was_open
    assert [o for o in await away.open_algo_orders() if o.reduce_only]
    await die(runner)


async def test_what_nobody_foresaw_while_trades_are_asked_for_is_not_lost(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    loop = runner.loop
    broker_of(runner.parts, LateBooks).error = LookupError("nobody foresaw it")
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "a test")

    with pytest.raises(LookupError, match="nobody foresaw it"):
        await runner.reconcile()

    await die(runner)


async def test_a_stream_that_is_lost_while_it_opens_testifies_for_nothing_and_is_opened_again(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, broker_of(runner.parts, LateBooks)
    placed = resting(runner)
    await pass_time(loop, 500)
    broker.breaks_at_once = True
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "a test")

    await runner.reconcile()
    later = replace(placed, intent=loop.ledger.account.next_intent)
    testifies, asks_again = loop.witness.listens_since(later), loop.stream_lost and loop.reconcile_wanted
    broker.breaks_at_once = False
    await runner.reconcile()

    assert not testifies and asks_again
    assert loop.witness.listens_since(later) and not loop.stream_lost
    await die(runner)


async def test_no_sign_of_life_is_given_for_resting_entries_while_nobody_hears_of_their_trades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told = []

    async def tell(broker: LateBooks, symbol: str, countdown_ms: int) -> None:
        told.append((symbol, countdown_ms))

    monkeypatch.setattr(LateBooks, "countdown_cancel_all", tell)
    parts = parts_of(calm(tmp_path))
    parts.dead_man_ms = 120_000
    runner = SessionRunner(parts)
    await runner.start()
    loop = runner.loop
    await pass_time(loop, 2_000)
    resting(runner)
    await loop.flush()
    await pass_time(loop, 2_000)
    heard = len(told)

    broker_of(parts, LateBooks).is_mute = True
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "a test")
    await pass_time(loop, 35_000)
    await asyncio.sleep(0)
    deaf = len(told)
    broker_of(parts, LateBooks).is_mute = False
    await runner.reconcile()
    await pass_time(loop, 2_000)
    await asyncio.sleep(0)

    assert (heard, deaf, len(told)) == (1, 1, 2)
    await die(runner)


async def test_a_start_needs_no_stream_to_protect_what_is_held_and_opens_nothing_until_there_is_one(
    tmp_path: Path,
):
    config = calm(tmp_path)
    first = await begin(config)
    entry = order(first)
    with killed_at("session.before_submit", passage=2):
        # The entry is sent; the stop of its first fill is not.
        await pass_time(first.loop, 2_000)
    await die(first)
    parts = parts_of(config)
    broker, runner = broker_of(parts, LateBooks), SessionRunner(parts)
    broker.is_mute = True

    await runner.start()
    asks_for_one = bool(runner.loop.reconcile_wanted)
    picture = SessionPicture(runner)
    await pass_time(runner.loop, 200)
    algo_orders = await broker.open_algo_orders()
    held, out_of_step = runner.loop.ledger.position(SYMBOL).quantity, not picture.take().synced
    objection = runner.loop.desk.opening_objection(SYMBOL, runner.loop.inputs.now_ms())
    broker.is_mute = False
    while not picture.take().synced:
        await pass_time(runner.loop, 50)
        if runner.loop.reconcile_wanted:
            await runner.reconcile()

    assert held == entry.quantity
    assert [o.quantity for o in algo_orders if o.order_type is OrderType.STOP_MARKET] == [held]
    assert runner.is_running and out_of_step and asks_for_one and "no stream opens" in str(objection)
    assert (runner.loop.stream_lost, runner.loop.desk.suspension) == (False, "")
    alarms = [each.text for each in events_of(config, e.AlarmRaised) if isinstance(each, e.AlarmRaised)]
    assert ["without a user stream" in text for text in alarms].count(True) == 1
    await die(runner)


async def test_a_stop_needs_no_stream_and_protects_what_none_has_told_of(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, broker_of(runner.parts, LateBooks)
    waits, fills = resting(runner), order(runner)
    await loop.flush()
    await pass_time(loop, 30)
    broker.is_mute = True
    loop.on_stream_lost(loop.ledger.account.stream_epoch, "a test")

    runner.request_stop(EndCause.STOP)
    await runner.run()

    assert runner.finished
    assert (waits.status, fills.status) == (OrderStatus.CANCELED, OrderStatus.FILLED)
    assert [o for o in await broker.open_algo_orders() if o.reduce_only]
    await die(runner)
