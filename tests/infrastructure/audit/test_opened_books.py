"""Books of an account that existed before them, and the summing up of rows made by hand."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from src.infrastructure.audit.auditor import audit
from src.infrastructure.audit.records import (
    OPENING,
    ExchangeBooks,
    Holding,
    Income,
    SessionBooks,
    Totals,
    Trade,
)

D = Decimal
OPENED_MS = 1_000


def a_trade(number: int, side: str, price: str, at_ms: int, realized: str = "0", paid: str = "0") -> Trade:
    figures = D(price), D(1), D(realized), D(paid)
    return Trade("BTCUSDT", number, 7 * max(0, number), side, "BOTH", *figures, "USDT", False, at_ms)


def incomes(trades: Sequence[Trade]) -> list[Income]:
    rows = []
    for trade in trades:
        for kind, amount in (("REALIZED_PNL", trade.realized_pnl), ("COMMISSION", -trade.commission)):
            if amount:
                number = trade.trade_id
                rows.append(Income(number, kind, "USDT", amount, trade.symbol, trade.at_ms, number))
    return rows


BEFORE = [a_trade(5, "BUY", "100", 500, paid="0.1")]
AFTER = [a_trade(6, "SELL", "110.5", 2_000, "10.5", "0.2")]
HELD = a_trade(0, "BUY", "100", OPENED_MS)
FUNDING = Income(40, "FUNDING_FEE", "USDT", D("-0.5"), "BTCUSDT", 1_500)
EXCHANGE = ExchangeBooks(
    {trade.key: trade for trade in (*BEFORE, *AFTER)},
    [Income(1, "TRANSFER", "USDT", D(77), "", 100), *incomes(BEFORE), FUNDING, *incomes(AFTER)],
    5_000,
)


def the_books(opening: Income) -> SessionBooks:
    return SessionBooks(
        account_id="a",
        exchange="live",
        settle_asset="USDT",
        head_seq=9,
        began_ms=OPENED_MS,
        compared_ms=100_000,
        totals=Totals(D("10.5"), D("0.2"), D("-0.5"), opening.amount),
        net_of_sessions=D("9.8"),
        fills={trade.key: trade for trade in (HELD, *AFTER)},
        income={entry.key: entry for entry in (opening, FUNDING)},
        holdings={("BTCUSDT", "BOTH"): Holding(D(0), D(0), D("10.5"), D("0.2"), D("-0.5"))},
        wallets={"USDT": opening.amount + D("9.8")},
        trips={"BTCUSDT": (1, D("10.5"), D("0.2"))},
        confirmed={"BTCUSDT": 6},
    )


OPENING_ENTRY = Income(OPENED_MS, OPENING, "USDT", D("76.9"), "", OPENED_MS)


def test_what_was_before_the_books_is_in_the_balance_that_they_begin_with():
    report = audit(the_books(OPENING_ENTRY), EXCHANGE)

    assert report.differences == ()
    assert report.in_flight == 0


def test_an_opened_account_is_still_compared_row_by_row():
    books = the_books(OPENING_ENTRY)
    del books.income[FUNDING.key]

    (difference,) = audit(books, EXCHANGE).differences

    assert difference.where == "income 40 FUNDING_FEE"


def test_an_audit_since_a_moment_takes_the_opening_from_the_session_too():
    later = ExchangeBooks({trade.key: trade for trade in AFTER}, incomes(AFTER), 5_000)

    assert audit(the_books(OPENING_ENTRY), later, since_ms=1_800).differences == ()


def test_a_rounded_entry_price_of_the_opening_is_no_difference():
    books = the_books(OPENING_ENTRY)
    key = HELD.key
    books.fills[key] = a_trade(0, "BUY", "100.00000001", OPENED_MS)
    books.trips["BTCUSDT"] = (1, D("10.49999999"), D("0.2"))

    assert audit(books, EXCHANGE).differences == ()


def test_what_the_exchanges_reads_do_not_show_yet_is_in_flight_while_it_is_fresh():
    lagging = ExchangeBooks({trade.key: trade for trade in BEFORE}, [], 5_000)
    halfway = ExchangeBooks({trade.key: trade for trade in (*BEFORE, *AFTER)}, [FUNDING], 5_000)

    for told in (lagging, halfway):
        fresh = audit(the_books(OPENING_ENTRY), told, lag_ms=10_000)
        old = audit(the_books(OPENING_ENTRY), told, lag_ms=1_000)

        assert fresh.differences == ()
        assert fresh.in_flight >= 2
        assert old.differences


def test_what_a_contract_earned_in_another_asset_is_in_that_assets_wallet_and_in_no_other_sum():
    figures = D("100"), D(1), D(0), D("0.1"), "USDC", False
    bought = Trade("BTCUSDC", 8, 56, "BUY", "BOTH", *figures, 3_000, "USDC")
    sold = replace(bought, trade_id=9, side="SELL", price=D(105), realized_pnl=D(5), at_ms=3_500)
    books = the_books(OPENING_ENTRY)
    books.fills.update({trade.key: trade for trade in (bought, sold)})
    books.holdings[("BTCUSDC", "BOTH")] = Holding(D(0), D(0), D(5), D(0))
    books.wallets["USDC"] = D("4.8")
    told = [replace(row, asset="USDC") for row in incomes([bought, sold])]
    exchange = replace(
        EXCHANGE,
        trades={**EXCHANGE.trades, bought.key: bought, sold.key: sold},
        income=[*EXCHANGE.income, *told],
    )

    whole, later = (
        audit(books, exchange),
        audit(books, replace(exchange, income=[], trades={}), since_ms=4_000),
    )

    assert whole.differences == () and later.differences == ()


def test_special_funding_is_funding():
    special = replace(FUNDING, income_type="SPECIAL_FUNDING_FEE")
    books = the_books(OPENING_ENTRY)
    books.income[special.key] = books.income.pop(FUNDING.key)
    told = [special if row is FUNDING else row for row in EXCHANGE.income]

    assert audit(books, replace(EXCHANGE, income=told)).differences == ()


def with_itself(first: str) -> tuple[SessionBooks, ExchangeBooks]:
    """One held at 100 is traded with oneself at 110; whoever was ``first`` has made 10, or made 105 of the average."""
    resting = replace(
        a_trade(9, "SELL", "110", 3_000, "10" if first == "SELL" else "5", "0.1"), is_maker=True
    )
    taking = a_trade(9, "BUY", "110", 3_000, paid="0.2")
    held = a_trade(8, "BUY", "100", 2_500)
    trades = (held, resting, taking)
    books = the_books(OPENING_ENTRY)
    books.fills.update({trade.key: trade for trade in trades})
    profit, cost = resting.realized_pnl, D("110" if first == "SELL" else "105")
    books.holdings[("BTCUSDT", "BOTH")] = Holding(D(1), cost, D("10.5") + profit, D("0.5"), D("-0.5"))
    books.wallets["USDT"] += profit - D("0.3")
    books.trips["BTCUSDT"] = (2, D("10.5") + profit, D("0.5"))
    told = replace(
        EXCHANGE,
        trades={**EXCHANGE.trades, **{trade.key: trade for trade in trades}},
        income=[*EXCHANGE.income, *incomes(trades)],
    )
    totals = Totals(D("10.5") + profit, D("0.5"), D("-0.5"), OPENING_ENTRY.amount)
    return replace(books, totals=totals, net_of_sessions=D("9.5") + profit), told


@pytest.mark.parametrize("first", ["SELL", "BUY"])
def test_of_a_trade_of_the_account_with_itself_either_side_may_have_been_counted_first(first: str):
    books, told = with_itself(first)

    assert audit(books, told).differences == ()


def test_a_missing_side_of_a_trade_of_the_account_with_itself_is_found():
    books, told = with_itself("SELL")
    del books.fills["BTCUSDT", 9, "BUY"]

    (missing,) = audit(books, told).differences

    assert (missing.subject, missing.ours, missing.theirs) == (
        "trade 9 of BTCUSDT",
        "missing",
        "BUY 1 at 110",
    )


def test_of_a_trade_of_the_account_with_itself_one_side_may_be_in_flight():
    books, told = with_itself("SELL")
    del books.fills["BTCUSDT", 9, "BUY"]
    books.holdings["BTCUSDT", "BOTH"] = Holding(D(0), D(0), D("20.5"), D("0.3"), D("-0.5"))
    books.wallets["USDT"] += D("0.2")
    books.trips["BTCUSDT"] = (2, D("20.5"), D("0.3"))
    totals = replace(books.totals, commission=D("0.3"))

    report = audit(
        replace(books, totals=totals, net_of_sessions=D("19.7"), compared_ms=0, confirmed={}), told
    )

    assert report.differences == ()
    assert report.in_flight == 2, "the trade and its commission"
