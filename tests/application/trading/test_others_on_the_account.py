"""What the exchange and the account's owner do beside a session: afterwards the books are equal to the last digit."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import BrokerRefused
from src.application.trading.picture import SessionPicture
from src.application.trading.session_runner import SessionRunner
from src.bootstrap import paper
from src.bootstrap.paper_config import PaperConfig
from src.domain.ledger.events import AlarmRaised, FillBooked, IncomeBooked
from src.domain.orders.news import FillReport
from src.domain.orders.order import Order
from src.domain.portfolio.margin import ISOLATED
from src.infrastructure.audit.auditor import run_audit
from src.infrastructure.audit.request import AuditRequest
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT, PaperBroker
from tests.application.trading.sessions import (
    begin,
    broker_of,
    calm,
    die,
    events_of,
    order,
    parts_of,
    pass_time,
)
from tests.simulation.market import SYMBOL
from tests.simulation.world import read_accounts

Hand = Callable[[Any], object]

HANDS: dict[str, tuple[Hand, str]] = {
    "the owner adds": (lambda e: e.trade_by_owner(PAPER_ACCOUNT, SYMBOL, "BUY", Decimal("0.003")), "ACTIVE"),
    "the owner closes": (
        lambda e: e.trade_by_owner(PAPER_ACCOUNT, SYMBOL, "SELL", Decimal("0.004")),
        "ACTIVE",
    ),
    "the owner turns it": (
        lambda e: e.trade_by_owner(PAPER_ACCOUNT, SYMBOL, "SELL", Decimal("0.006")),
        "ACTIVE",
    ),
    "funding": (lambda e: e.force_funding(SYMBOL, Decimal("0.001")), "ACTIVE"),
    "a deposit": (lambda e: e.deposit(PAPER_ACCOUNT, "USDT", Decimal("123.45")), "ACTIVE"),
    "a liquidation": (lambda e: e.force_liquidation(PAPER_ACCOUNT, SYMBOL), "HALTED"),
    "a deleveraging": (lambda e: e.force_adl(PAPER_ACCOUNT, SYMBOL), "HALTED"),
}


async def holding(folder: Path) -> SessionRunner:
    runner = await begin(calm(folder))
    order(runner, "0.004")
    await runner.loop.flush()
    await pass_time(runner.loop, 1_000)
    return runner


async def assert_equal_books(runner: SessionRunner) -> None:
    report = await runner.recovery.recover("a test", new_stream=False)
    ledger, broker = runner.loop.ledger, runner.parts.broker
    theirs = {p.symbol: p.quantity for p in await broker.positions()}
    wallets = {b.asset: b.wallet_balance for b in await broker.balances()}
    assert report.agrees
    assert ledger.position(SYMBOL).quantity == theirs.get(SYMBOL, Decimal(0))
    assert ledger.wallet_balance == wallets["USDT"]


@pytest.mark.parametrize("name", HANDS)
async def test_a_running_session_hears_of_it(tmp_path: Path, name: str):
    act, after = HANDS[name]
    runner = await holding(tmp_path)

    act(broker_of(runner.parts, PaperBroker)._engine)
    broker_of(runner.parts, PaperBroker)._send_events()
    await pass_time(runner.loop, 3_000)

    assert runner.loop.ledger.account.trading_state.value == after
    await assert_equal_books(runner)
    await die(runner)


@pytest.mark.parametrize("name", HANDS)
async def test_a_session_that_was_dead_then_finds_it_at_its_next_start(tmp_path: Path, name: str):
    act, after = HANDS[name]
    runner = await holding(tmp_path)
    act(broker_of(runner.parts, PaperBroker)._engine)
    await die(runner)

    runner = await begin(config := calm(tmp_path))

    await assert_equal_books(runner)
    assert runner.loop.ledger.account.trading_state.value == after
    booked = [event for event in events_of(config, FillBooked) if isinstance(event, FillBooked)]
    assert {event.strategy_id for event in booked if not event.client_order_id} <= {"external"}
    await die(runner)


async def test_the_fee_of_a_liquidation_is_lost_and_was_not_paid_out(tmp_path: Path):
    runner = await holding(tmp_path)
    picture = SessionPicture(runner)
    capital = picture.take().capital
    broker_of(runner.parts, PaperBroker)._engine.force_liquidation(PAPER_ACCOUNT, SYMBOL)
    broker_of(runner.parts, PaperBroker)._send_events()
    await pass_time(runner.loop, 3_000)

    told = picture.take()
    await die(runner)
    fees = [row for row in events_of(calm(tmp_path), IncomeBooked) if isinstance(row, IncomeBooked)]
    fee = sum(row.amount for row in fees if row.income_type == "INSURANCE_CLEAR")
    assert fee < 0
    assert told.capital == capital == Decimal(10_000)
    assert told.other_income == fee
    assert told.equity - capital == told.realized_pnl - told.commission + told.funding + fee


class PagedTrades(PaperBroker):
    """Shows three trades at a time, as Binance shows a thousand."""

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        return (await super().trades(symbol, from_id))[:3]


async def meet_by_hand(runner: SessionRunner) -> Order:
    """The owner sells by hand into our own resting order: one trade, with us on both of its sides."""
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    ours = order(runner, "0.010", limit_price=prices[0])
    await runner.loop.flush()
    await pass_time(runner.loop, 60)
    engine = broker_of(runner.parts, PaperBroker)._engine
    engine.trade_by_owner(PAPER_ACCOUNT, SYMBOL, "SELL", Decimal("0.5"), self_trade_prevention="NONE")
    return ours


def assert_booked_on_both_sides(config: PaperConfig) -> None:
    """One trade id of the exchange has two fills in the books, and the auditor finds nothing."""
    booked = [event for event in events_of(config, FillBooked) if isinstance(event, FillBooked)]
    by_id: dict[int, list[FillBooked]] = {}
    for fill in booked:
        by_id.setdefault(fill.trade_id, []).append(fill)
    (both,) = [fills for fills in by_id.values() if len(fills) > 1]
    assert [(fill.side.value, fill.quantity, fill.is_maker) for fill in both] == [
        ("BUY", Decimal("0.010"), True),
        ("SELL", Decimal("0.010"), False),
    ]
    (account,) = read_accounts(config.database)
    file = next(config.database.parent.rglob("paper/*.db"))
    assert run_audit(AuditRequest(account.account_id, str(config.database), file=file)).differences == ()


async def test_a_trade_of_the_account_with_itself_is_booked_on_both_sides(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))

    ours = await meet_by_hand(runner)
    broker_of(runner.parts, PaperBroker)._send_events()
    await pass_time(runner.loop, 3_000)

    assert ours.filled_quantity == Decimal("0.010")
    assert runner.loop.ledger.account.trading_state.value == "ACTIVE"
    await assert_equal_books(runner)
    await die(runner)
    assert_booked_on_both_sides(config)


@pytest.mark.parametrize("before", range(3), ids=str)
async def test_a_page_of_trades_that_ends_between_both_sides_of_one_loses_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
):
    monkeypatch.setattr(paper, "PaperBroker", PagedTrades)
    runner = await begin(config := calm(tmp_path))
    monkeypatch.setattr(runner.loop, "on_user_event", lambda event: None)
    for _ in range(before):
        order(runner, "0.001")
        await runner.loop.flush()
        await pass_time(runner.loop, 1_100)

    await meet_by_hand(runner)
    await assert_equal_books(runner)

    assert (await runner.recovery.recover("a test", new_stream=False)).fills_added == 0
    await die(runner)
    assert_booked_on_both_sides(config)


async def raised_by_the_owner(folder: Path) -> PaperConfig:
    """A session is killed with an isolated position, whose leverage is raised by hand: it cannot be lowered again."""
    runner = await begin(config := calm(folder, margin_type=ISOLATED, leverage=10))
    order(runner, "0.004")
    await runner.loop.flush()
    await pass_time(runner.loop, 1_000)
    broker_of(runner.parts, PaperBroker)._engine.set_leverage(PAPER_ACCOUNT, SYMBOL, 20)
    await die(runner)
    return config


async def test_a_session_whose_leverage_was_raised_by_hand_is_resumed_and_says_so(tmp_path: Path):
    config = await raised_by_the_owner(tmp_path)

    runner = SessionRunner(parts_of(config))
    await runner.start()
    await pass_time(runner.loop, 1_000)

    assert runner.resumed and runner.is_running
    await die(runner)
    (told,) = [a.text for a in events_of(config, AlarmRaised) if isinstance(a, AlarmRaised)]
    assert told.startswith(
        f"{SYMBOL} cannot have leverage 10: give it another one with --leverages {SYMBOL}=N; the exchange says: "
        "Leverage reduction is not supported"
    )


async def test_a_new_session_is_refused_a_leverage_that_the_exchange_does_not_set_and_the_symbol_is_named(
    tmp_path: Path,
):
    runner = SessionRunner(parts_of(calm(tmp_path, leverage=1_000)))

    with pytest.raises(BrokerRefused, match=rf"{SYMBOL} cannot have leverage 1000: .*not valid"):
        await runner.start()

    await die(runner)
