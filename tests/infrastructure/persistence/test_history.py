"""What the statistics read, from a file and from a server."""

from contextlib import closing
from decimal import Decimal as D

import pytest

from src.application.ports.store import StoreError
from src.application.reporting.history import history_of, trades_of
from src.domain.ledger import events as e
from src.domain.market.sides import OrderSide
from src.domain.performance.attribution import By
from src.domain.performance.executions import Execution
from src.domain.performance.report import report
from src.infrastructure.persistence.databases import Database
from tests.support.ledger_builders import ACCOUNT, START_MS, a_fill, a_ticket, an_intent, some_options
from tests.support.store_writer import Writer

NAME = ACCOUNT.account_id


async def traded(database: Database) -> None:
    """Bought 0.1 at 60,000, sold 0.04 of it at 60,100; a trade of somebody else's order; funding, a deposit, marks."""
    writer = await Writer.open(database)
    entry = an_intent(1, a_ticket(quantity=D("0.1"), reference_price=D(59_990), strategy_id="rsi"))
    leave = an_intent(
        2,
        a_ticket(side=OrderSide.SELL, quantity=D("0.04"), reference_price=D(60_110), strategy_id="sma_cross"),
    )
    stray = a_fill(entry, 3, client_order_id="", symbol="ETHUSDT", strategy_id="", traded_ms=START_MS + 1)
    await writer.write(
        e.SessionOpened("session-1", some_options()),
        e.IncomeBooked(1, "TRANSFER", "USDT", D(10_000), "", START_MS),
        e.EquityMarked(D(10_000), D(0), D(0)),
    )
    await writer.write(entry, a_fill(entry, 1, traded_ms=START_MS), stray)
    await writer.write(
        leave,
        a_fill(leave, 2, traded_ms=START_MS + 2, price=D(60_100), realized_pnl=D(4), commission=D("0.96")),
        e.IncomeBooked(2, "FUNDING_FEE", "USDT", D("-0.5"), "BTCUSDT", START_MS + 1),
        e.IncomeBooked(3, "FUNDING_FEE", "BNB", D(1), "BTCUSDT", START_MS + 1),
        e.EquityMarked(D("9999.5"), D("1.25"), D(3_600)),
    )
    await writer.end()


async def test_fills_come_oldest_first_with_the_price_their_order_was_decided_at(database: Database):
    await traded(database)

    with closing(database.reads()) as reads:
        bought, stray, sold = reads.executions(NAME)

    assert bought == Execution(
        START_MS,
        "BTCUSDT",
        "rsi",
        OrderSide.BUY,
        D(60_000),
        D("0.1"),
        D(0),
        D("2.4"),
        "USDT",
        False,
        D(59_990),
    )
    assert (stray.symbol, stray.reference_price, stray.slippage) == ("ETHUSDT", None, None)
    assert (sold.reference_price, sold.slippage) == (D(60_110), D("0.4"))


async def test_what_was_earned_in_another_asset_is_kept_and_in_no_statistics(database: Database):
    writer = await Writer.open(database)
    order = an_intent()
    other = a_fill(order, 9, client_order_id="", symbol="BTCUSDC", margin_asset="USDC", realized_pnl=D(5))
    await writer.write(e.SessionOpened("session-1", some_options()), order, a_fill(order), other)
    await writer.end()

    with closing(database.reads()) as reads:
        kept, counted = reads.fills(NAME), reads.executions(NAME)

    assert {fill.symbol: fill.margin_asset for fill in kept} == {"BTCUSDC": "USDC", "BTCUSDT": ""}
    assert [each.symbol for each in counted] == ["BTCUSDT"]


async def test_the_history_is_everything_the_report_needs(database: Database):
    await traded(database)

    with closing(database.reads()) as reads:
        history = history_of(reads, NAME)
        trades = trades_of(reads, NAME)

    found = report(history, by=By.STRATEGY)
    # 0.04 of the lot's commission of 2.4 for 0.1, and that of the exit; 0.04 of 0.1 of the funding.
    assert (found.trades.pnl, found.trades.commission, found.trades.funding) == (D(4), D("1.92"), D("-0.2"))
    assert (found.open_commission, found.open_funding) == (D("1.44") + D("2.4"), D("-0.3"))
    assert found.executions.commission == found.trades.commission + found.open_commission
    assert found.curve is not None
    assert (found.curve.last_equity, found.curve.earned) == (D("10000.75"), D("0.75"))
    assert [(group.name, group.trades.trades) for group in found.groups] == [
        ("", 0),
        ("rsi", 1),
        ("sma_cross", 0),
    ]
    assert (trades.trips, trades.open_lots, trades.funding) == (
        history.trips,
        history.open_lots,
        history.funding,
    )


async def test_special_funding_is_funding_and_was_not_paid_in(database: Database):
    writer = await Writer.open(database)
    paid = e.IncomeBooked(2, "SPECIAL_FUNDING_FEE", "USDT", D("-0.5"), "BTCUSDT", START_MS)
    await writer.write(e.SessionOpened("session-1", some_options()), paid)
    await writer.end()

    with closing(database.reads()) as reads:
        history = history_of(reads, NAME)

    assert ([each.amount for each in history.funding], history.transfers) == ([D("-0.5")], [])


async def test_what_an_insurance_fund_takes_was_not_paid_out(database: Database):
    writer = await Writer.open(database)
    rows = [
        e.IncomeBooked(number, kind, "USDT", D(amount), "", START_MS)
        for number, (kind, amount) in enumerate(
            (("OPENING_BALANCE", "900"), ("TRANSFER", "100"), ("INSURANCE_CLEAR", "-30"), ("FEE_RETURN", "2"))
        )
    ]
    await writer.write(e.SessionOpened("session-1", some_options()), *rows)
    await writer.end()

    with closing(database.reads()) as reads:
        history = history_of(reads, NAME)

    assert sorted(each.amount for each in history.transfers) == [D(100), D(900)]
    assert sorted(each.amount for each in history.other_income) == [D(-30), D(2)]


async def test_an_account_that_is_not_there_is_an_error(database: Database):
    await traded(database)

    with closing(database.reads()) as reads, pytest.raises(StoreError, match="nobody is not in the database"):
        history_of(reads, "nobody")


async def test_what_a_session_commits_meanwhile_is_not_seen_in_the_same_block(database: Database):
    await traded(database)

    with closing(database.reads()) as reads:
        with reads.same_commit():
            before = reads.head(NAME)
            writer = await Writer.open(database)
            await writer.write(e.EquityMarked(D(1), D(0), D(0)))
            await writer.end()
            with reads.same_commit():
                inside = (reads.head(NAME), len(reads.equity_curve(NAME)))
            assert reads.ledger(NAME) is not None
            assert (reads.head(NAME), 2) == inside == (before, 2)
        after = len(reads.equity_curve(NAME))

    assert after == 3
