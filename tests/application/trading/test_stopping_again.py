"""A session that was killed while it stopped: the next start finishes what was begun, and trades no more."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.broker import BrokerUnavailable, Consistency, RateLimitError, VenueTime
from src.application.trading.market_desk import MarketDesk
from src.application.trading.session_runner import EndCause, SessionRunner
from src.application.trading.winding_up import StillOpen
from src.bootstrap import paper
from src.domain.decisions.news import MoveSession
from src.domain.ledger import events as e
from src.domain.market.quality import QualityLimits
from src.domain.market.sides import OrderSide
from src.domain.orders.news import OutcomeUnknown
from src.domain.orders.order import Order
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import UNRESOLVED, AttemptState
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.sessions.session import SessionTrigger, TradingSessionStatus
from src.infrastructure.brokers.paper_broker import PaperBroker
from src.infrastructure.simulated_exchange.symbol_market import HALTED, TRADING
from tests.application.trading.faults import DeafBroker, DeafDesk, WeakBroker, killed_at
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
from tests.simulation.market import BTC, SYMBOL


async def killed_while_stopping(folder: Path, reason: str) -> None:
    runner = await begin(calm(folder))
    order(runner, "0.020")
    await runner.loop.flush()
    await pass_time(runner.loop, 500)
    runner.loop.decide(MoveSession(SessionTrigger.STOP, reason))
    await runner.loop.flush()
    await die(runner)


@pytest.mark.parametrize(("reason", "flat"), [("asked for", False), ("asked for, closing positions", True)])
async def test_the_next_start_stops_it_and_closes_positions_if_that_was_asked_for(
    tmp_path: Path, reason: str, flat: bool
):
    await killed_while_stopping(tmp_path, reason)

    runner = SessionRunner(parts_of(calm(tmp_path)))
    await runner.start()
    resumed, status = runner.resumed, runner.session.status
    await runner.run()

    assert resumed and status is TradingSessionStatus.STOPPING
    assert runner.session.status is TradingSessionStatus.STOPPED
    assert runner.ended is EndCause.STOP
    assert runner.loop.ledger.position(SYMBOL).is_flat is flat


async def test_a_stop_waits_for_the_end_of_an_entry_beside_a_position_that_keeps_its_stop(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    order(runner, "0.020")
    await pass_time(runner.loop, 500)
    entry = resting(runner)
    await pass_time(runner.loop, 500)

    runner.request_stop(EndCause.STOP)
    await runner.run()

    assert entry.status is OrderStatus.CANCELED and not entry.filled_quantity
    assert runner.session.status is TradingSessionStatus.STOPPED
    assert not runner.loop.ledger.position(SYMBOL).is_flat


@pytest.mark.parametrize("point", ["store.after_commit", "session.before_submit"])
async def test_it_waits_until_it_is_known_whether_an_exit_was_sent_and_closes_the_position(
    tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", WeakBroker)
    first = await begin(calm(tmp_path))
    order(first, "0.020")
    await first.loop.flush()
    await pass_time(first.loop, 500)
    first.loop.decide(MoveSession(SessionTrigger.STOP, "asked for, closing positions"))
    await first.loop.flush()
    first.request_stop(EndCause.STOP, flatten=True)
    with killed_at(point):
        await first.run()
    await die(first)

    runner = SessionRunner(parts_of(calm(tmp_path)))
    await runner.start()
    in_doubt = [o for o in runner.loop.ledger.orders.values() if o.attempt_state is AttemptState.UNKNOWN]
    await runner.run()

    assert in_doubt
    assert runner.session.status is TradingSessionStatus.STOPPED
    assert runner.loop.ledger.position(SYMBOL).is_flat
    assert not [o for o in runner.loop.ledger.orders.values() if o.attempt_state in UNRESOLVED]


async def test_it_closes_positions_when_the_market_is_heard_of(tmp_path: Path):
    await killed_while_stopping(tmp_path, "asked for, closing positions")
    parts = parts_of(calm(tmp_path))
    # At an exchange quotes come by a stream, which has said nothing yet when the stop goes on.
    parts.desk = MarketDesk({SYMBOL: BTC}, "1s", QualityLimits())

    runner = SessionRunner(parts)
    await runner.start()
    await runner.run()

    assert runner.session.status is TradingSessionStatus.STOPPED
    assert runner.loop.ledger.position(SYMBOL).is_flat


async def test_it_closes_positions_though_the_market_is_never_heard_of(tmp_path: Path):
    await killed_while_stopping(tmp_path, "asked for, closing positions")
    parts = parts_of(calm(tmp_path))
    parts.desk = DeafDesk({SYMBOL: BTC}, "1s", QualityLimits())

    runner = SessionRunner(parts)
    await runner.start()
    await runner.run()

    assert runner.session.status is TradingSessionStatus.STOPPED
    assert runner.loop.ledger.position(SYMBOL).is_flat


class SpentBroker(PaperBroker):
    """Has no request weight left for so many reads; notes when each was tried (session time, ms)."""

    refusals = 0
    retry_after_s = 20.0

    async def server_time(self) -> VenueTime:
        if self.refusals > 0:
            self.refusals -= 1
            raise RateLimitError("2000 of 2000 request weight is used in this minute", self.retry_after_s)
        return await super().server_time()


@pytest.mark.parametrize("refusals", [1, 3])
async def test_a_stop_waits_for_the_minute_in_which_the_exchange_may_be_asked_again(
    tmp_path: Path, refusals: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", SpentBroker)
    runner = await begin(calm(tmp_path))
    begun_ms = runner.loop.inputs.now_ms()
    broker_of(runner.parts, SpentBroker).refusals = refusals
    runner.request_stop(EndCause.STOP)

    await runner.run()

    assert runner.session.status is TradingSessionStatus.STOPPED
    assert runner.loop.inputs.now_ms() - begun_ms >= refusals * 20_000


async def test_a_stop_does_not_wait_for_ever_and_is_gone_on_with_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", SpentBroker)
    runner = await begin(calm(tmp_path))
    broker_of(runner.parts, SpentBroker).refusals = 100
    runner.request_stop(EndCause.STOP)

    with pytest.raises(RateLimitError):
        await runner.run()

    assert runner.session.status is TradingSessionStatus.STOPPING
    await die(runner)


class AwayBroker(PaperBroker):
    """Does not answer so many reads."""

    silences = 0

    async def server_time(self) -> VenueTime:
        if self.silences > 0:
            self.silences -= 1
            raise BrokerUnavailable("no answer")
        return await super().server_time()


@pytest.mark.parametrize(("silences", "ends"), [(4, True), (100, False)])
async def test_a_stop_waits_for_some_seconds_for_an_exchange_that_does_not_answer(
    tmp_path: Path, silences: int, ends: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", AwayBroker)
    runner = await begin(calm(tmp_path))
    begun_ms = runner.loop.inputs.now_ms()
    broker_of(runner.parts, AwayBroker).silences = silences
    runner.request_stop(EndCause.STOP)

    if ends:
        await runner.run()
    else:
        with pytest.raises(BrokerUnavailable):
            await runner.run()

    assert (runner.session.status is TradingSessionStatus.STOPPED) is ends
    assert 3_000 < runner.loop.inputs.now_ms() - begun_ms <= 5_500
    await die(runner)


class MuteBroker(WeakBroker):
    """Sends no order and tells of no outcome; what it does not show may be there for an hour."""

    promises = Consistency(read_your_writes=False, arrival_margin_ms=1_000, quiescence_ms=3_600_000)

    def submit(self, ticket: OrderTicket, attempt: Attempt) -> None:
        """It is lost."""


async def with_a_hanging_entry(runner: SessionRunner) -> Order:
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    broker_of(runner.parts, PaperBroker)._engine.hang_triggers(SYMBOL, True)
    placed = order(
        runner,
        "0.004",
        order_type=OrderType.STOP_MARKET,
        stop_price=prices[0] - Decimal(5),
        side=OrderSide.SELL,
    )
    await runner.loop.flush()
    while placed.status is not OrderStatus.TRIGGERED:
        await pass_time(runner.loop, 100)
    return placed


async def with_an_entry_that_hears_no_cancel(runner: SessionRunner) -> Order:
    placed = resting(runner)
    await runner.loop.flush()
    await pass_time(runner.loop, 500)
    broker_of(runner.parts, DeafBroker).deaf = True
    return placed


async def with_an_entry_of_unknown_outcome(runner: SessionRunner) -> Order:
    placed = resting(runner)
    await runner.loop.flush()
    runner.loop.on_submit_outcome(OutcomeUnknown(placed.client_order_id, "no answer in time"))
    return placed


@pytest.mark.parametrize(
    ("broker", "with_an_entry"),
    [
        (PaperBroker, with_a_hanging_entry),
        (DeafBroker, with_an_entry_that_hears_no_cancel),
        (MuteBroker, with_an_entry_of_unknown_outcome),
    ],
)
async def test_it_is_not_stopped_beside_an_order_that_may_still_open_a_position_and_names_it(
    tmp_path: Path,
    broker: type[PaperBroker],
    with_an_entry: Callable[[SessionRunner], Awaitable[Order]],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(paper, "PaperBroker", broker)
    runner = await begin(config := calm(tmp_path))
    left = await with_an_entry(runner)
    runner.request_stop(EndCause.STOP)

    with pytest.raises(StillOpen, match=left.client_order_id) as refused:
        await runner.run()

    await die(runner)
    told = [each.text for each in events_of(config, e.AlarmRaised) if isinstance(each, e.AlarmRaised)]
    is_unknown = left.attempt_state is AttemptState.UNKNOWN
    assert ("recover --release" in str(refused.value)) is is_unknown
    assert f"{left.client_order_id} could not be ended" in told[-1]
    assert runner.session.status is TradingSessionStatus.STOPPING and not runner.finished


async def test_the_next_start_protects_what_an_order_that_could_not_be_ended_has_opened(tmp_path: Path):
    config = calm(tmp_path)
    first = await begin(config)
    await with_a_hanging_entry(first)
    first.request_stop(EndCause.STOP)
    with pytest.raises(StillOpen):
        await first.run()
    await die(first)

    runner = SessionRunner(parts_of(config))
    engine = broker_of(runner.parts, PaperBroker)._engine
    engine.hang_triggers(SYMBOL, False)
    engine.advance_time(engine._state.now_ms + 1_000)
    await runner.start()
    await runner.run()

    assert runner.session.status is TradingSessionStatus.STOPPED
    assert runner.session.reason == "asked for"
    assert runner.loop.ledger.position(SYMBOL).quantity < 0
    (stop,) = [o for o in runner.loop.ledger.orders.values() if o.ticket.purpose is Purpose.PROTECTIVE_STOP]
    assert stop.is_live and stop.side is OrderSide.BUY
    await die(runner)


async def without_a_stop(runner: SessionRunner) -> None:
    """Enter, and halt the market between the fill and the stop."""
    entry = order(runner, "0.020")
    await runner.loop.flush()
    while not entry.filled_quantity:
        await pass_time(runner.loop, 1)
    set_market(runner, HALTED)
    await pass_time(runner.loop, 200)
    assert not protective_stops(runner, AttemptState.ACKED)


def set_market(runner: SessionRunner, status: str) -> None:
    broker_of(runner.parts, PaperBroker)._engine.set_symbol_status(SYMBOL, status)


def protective_stops(runner: SessionRunner, state: AttemptState) -> list[Order]:
    orders = runner.loop.ledger.orders.values()
    return [o for o in orders if o.ticket.purpose is Purpose.PROTECTIVE_STOP and o.attempt_state is state]


async def test_a_stop_waits_for_the_stop_of_a_position_whose_market_was_halted_for_a_moment(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    await without_a_stop(runner)
    runner.loop.inputs.after(4_000, lambda: set_market(runner, TRADING))
    runner.request_stop(EndCause.STOP)

    await runner.run()

    (stop,) = protective_stops(runner, AttemptState.ACKED)
    assert stop.is_live and stop.quantity == runner.loop.ledger.position(SYMBOL).quantity > 0
    assert runner.session.status is TradingSessionStatus.STOPPED
    await die(runner)


async def test_who_wants_positions_closed_while_it_stops_is_heard(tmp_path: Path):
    runner = await begin(calm(tmp_path))
    await without_a_stop(runner)
    runner.loop.inputs.after(2_000, lambda: runner.request_stop(EndCause.STOP, flatten=True))
    runner.loop.inputs.after(4_000, lambda: set_market(runner, TRADING))
    runner.request_stop(EndCause.STOP)

    await runner.run()

    assert runner.loop.ledger.position(SYMBOL).is_flat
    assert runner.session.status is TradingSessionStatus.STOPPED
    await die(runner)


async def test_a_session_that_stops_beside_a_position_without_a_stop_says_so(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    await without_a_stop(runner)
    runner.request_stop(EndCause.STOP)

    await runner.run()

    await die(runner)
    told = [each.text for each in events_of(config, e.AlarmRaised) if isinstance(each, e.AlarmRaised)]
    assert told[-1] == f"the session stops, and 0.02 {SYMBOL} is held without a stop: nobody protects it"
    assert runner.session.status is TradingSessionStatus.STOPPED
