"""Reads that show rows behind later ones, and orders, or trades of orders, that were declared dead."""

from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.session_runner import EndCause
from src.application.trading.winding_up import StillOpen
from src.bootstrap import paper
from src.domain.ledger import events as e
from src.domain.orders.news import BalanceReport, FillReport, IncomeReport, OutcomeUnknown
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import AttemptState
from src.domain.sessions.trading_states import TradingState
from src.infrastructure.brokers.paper_broker import PaperBroker
from tests.application.trading.faults import WeakBroker
from tests.application.trading.sessions import begin, calm, die, events_of, order, pass_time, resting
from tests.simulation.market import SYMBOL


class LateIncome(PaperBroker):
    """Shows ``rows`` besides its own, and the wallet that they make together."""

    rows: tuple[IncomeReport, ...] = ()
    paid = Decimal(0)

    async def income(self, since_ms: int) -> list[IncomeReport]:
        return [*await super().income(since_ms), *(row for row in self.rows if row.at_ms >= since_ms)]

    async def balances(self) -> list[BalanceReport]:
        return [replace(b, wallet_balance=b.wallet_balance + self.paid) for b in await super().balances()]


async def test_income_that_shows_up_behind_a_later_row_is_booked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", LateIncome)
    runner = await begin(config := calm(tmp_path))
    now_ms, broker = runner.loop.inputs.now_ms(), runner.parts.broker
    assert isinstance(broker, LateIncome)
    funding = IncomeReport(9001, "FUNDING_FEE", "USDT", Decimal(1), SYMBOL, now_ms - 500)
    transfer = IncomeReport(9002, "TRANSFER", "USDT", Decimal(2), "", now_ms - 100)

    broker.rows, broker.paid = (transfer,), Decimal(2)
    first = await runner.recovery.recover("a test", new_stream=False)
    broker.rows, broker.paid = (funding, transfer), Decimal(3)
    second = await runner.recovery.recover("a test", new_stream=False)

    await die(runner)
    booked = [row for row in events_of(config, e.IncomeBooked) if isinstance(row, e.IncomeBooked)]
    assert (first.agrees, second.agrees) == (True, True)
    assert [row.transaction_id for row in booked if row.transaction_id > 9000] == [9002, 9001]


class LateTrades(WeakBroker):
    """Does not show one trade yet."""

    late: int | None = None

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        return [fill for fill in await super().trades(symbol, from_id) if fill.trade_id != self.late]


async def test_a_trade_that_shows_up_behind_a_later_one_is_booked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", LateTrades)
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, runner.parts.broker
    assert isinstance(broker, LateTrades)
    monkeypatch.setattr(loop, "on_user_event", lambda event: None)
    for _ in range(2):
        order(runner)
        await pass_time(loop, 1_000)
    first, *_ = await broker.trades(SYMBOL, 1)

    broker.late = first.trade_id
    before = await runner.recovery.recover("a test", new_stream=False)
    broker.late = None
    after = await runner.recovery.recover("a test", new_stream=False)

    held = loop.ledger.position(SYMBOL).quantity
    await die(runner)
    assert (before.agrees, after.agrees) == (False, True)
    assert held == Decimal("0.020")


async def test_a_trade_of_a_dead_attempt_is_a_breach_though_only_reads_tell_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", WeakBroker)
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, runner.parts.broker
    kept: list[tuple[OrderTicket, Attempt]] = []
    submit = broker.submit
    monkeypatch.setattr(broker, "submit", lambda ticket, attempt: kept.append((ticket, attempt)))
    placed = order(runner)
    await loop.flush()
    loop.on_submit_outcome(OutcomeUnknown(placed.client_order_id, "no answer"))
    while placed.attempt_state is not AttemptState.DEAD:
        await pass_time(loop, 2_000)
        await runner.recovery.recover("a test", new_stream=False)

    # It lives after all, and its events are lost.
    monkeypatch.setattr(loop, "on_user_event", lambda event: None)
    ticket, attempt = kept[0]
    submit(ticket, replace(attempt, timestamp_ms=broker.venue_time().now_ms))
    await pass_time(loop, 2_000)
    await runner.recovery.recover("a test", new_stream=False)

    account = loop.ledger.account
    await die(runner)
    assert (account.breaches, account.trading_state) == (1, TradingState.HALTED)


class DelayedBroker(WeakBroker):
    """Keeps the first order for later, and says nothing of it; loses so many cancels."""

    kept: tuple[OrderTicket, Attempt] | None = None
    losses = 0

    def submit(self, ticket: OrderTicket, attempt: Attempt) -> None:
        if self.kept is None:
            self.kept = ticket, attempt
        else:
            super().submit(ticket, attempt)

    def deliver(self) -> None:
        """It arrives after all, as if it had just been made."""
        assert self.kept is not None, "something was submitted"
        ticket, attempt = self.kept
        super().submit(ticket, replace(attempt, timestamp_ms=self.venue_time().now_ms))

    def cancel(self, symbol: str, client_order_id: str, conditional: bool) -> None:
        self.losses -= 1
        if self.losses < 0:
            super().cancel(symbol, client_order_id, conditional)


@pytest.mark.parametrize(("losses", "ends"), [(0, True), (1, True), (100, False)])
async def test_it_is_not_stopped_before_an_entry_has_ended_that_was_believed_dead_and_lives(
    tmp_path: Path, losses: int, ends: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paper, "PaperBroker", DelayedBroker)
    runner = await begin(calm(tmp_path))
    loop, broker = runner.loop, runner.parts.broker
    assert isinstance(broker, DelayedBroker)
    dead = resting(runner)
    await loop.flush()
    loop.on_submit_outcome(OutcomeUnknown(dead.client_order_id, "no answer in time"))
    while dead.attempt_state is not AttemptState.DEAD:
        await pass_time(loop, 2_000)
        await runner.recovery.recover("a test", new_stream=False)
    # It lives after all, and its events are lost.
    monkeypatch.setattr(loop, "on_user_event", lambda event: None)
    broker.deliver()
    await pass_time(loop, 100)
    broker.losses, begun_ms = losses, loop.inputs.now_ms()
    runner.request_stop(EndCause.STOP)

    with nullcontext() if ends else pytest.raises(StillOpen, match=dead.client_order_id):
        await runner.run()

    assert runner.finished is ends
    assert [o.client_order_id for o in await broker.open_orders()] == [dead.client_order_id] * (not ends)
    assert loop.inputs.now_ms() - begun_ms < 5_000
    await die(runner)
