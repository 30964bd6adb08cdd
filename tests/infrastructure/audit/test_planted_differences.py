"""Differences are planted into the books of a sound session; each is found, with the row where the sides part."""

from decimal import Decimal

import pytest

from src.infrastructure.audit.records import Difference
from tests.infrastructure.audit.conftest import Files
from tests.infrastructure.audit.files import change, query

UNIT = Decimal("0.00000001")


def found(files: Files) -> tuple[Difference, ...]:
    return files.audit().differences


def test_sound_books_are_equal(files: Files):
    report = files.audit()

    assert report.differences == ()
    assert report.trades > 10
    assert report.in_flight == 0
    assert report.checks > 3 * report.trades


@pytest.mark.parametrize("place", [0, 3, -1])
def test_a_fill_that_was_removed_is_named(files: Files, place: int):
    trade_id, _ = files.fills()[place]
    change(files.database, "DELETE FROM fills WHERE trade_id = ?", trade_id)

    (difference,) = found(files)

    assert difference.subject == difference.where == f"trade {trade_id} of BTCUSDT"
    assert difference.ours == "missing"


def test_a_fill_that_nobody_traded_is_named(files: Files):
    change(
        files.database,
        "INSERT INTO fills SELECT account_no, client_order_id, symbol, 999999, exchange_order_id, side, position_side,"
        " price, quantity, realized_pnl, commission, commission_asset, is_maker, traded_ms + 86400000,"
        " strategy_id, margin_asset FROM fills"
        " ORDER BY trade_id LIMIT 1",
    )

    (difference,) = found(files)

    assert difference.where == "trade 999999 of BTCUSDT"
    assert difference.theirs == "missing"


@pytest.mark.parametrize("column", ["price", "quantity", "realized_pnl", "commission"])
def test_a_figure_of_a_fill_that_is_off_by_the_last_digit_is_named(files: Files, column: str):
    trade_id, _ = files.fills()[4]
    ((before,),) = query(files.database, f"SELECT {column} FROM fills WHERE trade_id = {trade_id}")
    change(
        files.database,
        f"UPDATE fills SET {column} = ? WHERE trade_id = ?",
        f"{Decimal(before) + UNIT:f}",
        trade_id,
    )

    (difference,) = found(files)

    assert difference.subject == f"trade {trade_id} of BTCUSDT {column}"
    assert Decimal(difference.ours) - Decimal(difference.theirs) == UNIT


@pytest.mark.parametrize(
    ("column", "value"), [("side", "BUY"), ("side", "SELL"), ("position_side", "LONG"), ("is_maker", 2)]
)
def test_a_wrong_word_in_a_fill_is_named(files: Files, column: str, value: object):
    trade_id, _ = files.fills()[5]
    change(
        files.database,
        f"UPDATE fills SET {column} = CASE WHEN {column} = 'BUY' THEN 'SELL' WHEN {column} = 'SELL' THEN 'BUY'"
        f" WHEN {column} = 'BOTH' THEN ? ELSE 1 - {column} END WHERE trade_id = ?",
        value,
        trade_id,
    )

    (difference,) = found(files)

    assert difference.subject == f"trade {trade_id} of BTCUSDT {column}"
    assert difference.ours != difference.theirs


def test_a_trade_that_is_booked_to_another_symbol_is_one_line(files: Files):
    trade_id, _ = files.fills()[2]
    change(files.database, "UPDATE fills SET symbol = 'ETHUSDT' WHERE trade_id = ?", trade_id)

    (difference,) = found(files)

    assert difference == Difference(
        f"trade {trade_id} of BTCUSDT symbol", "ETHUSDT", "BTCUSDT", f"trade {trade_id} of BTCUSDT"
    )


def test_income_that_was_booked_twice_is_named(files: Files):
    change(
        files.database,
        "INSERT INTO income SELECT account_no, 999999, income_type, asset, amount, symbol, at_ms FROM income"
        " WHERE income_type = 'FUNDING_FEE' LIMIT 1",
    )

    (difference,) = found(files)

    assert difference.where == "income 999999 FUNDING_FEE"
    assert difference.theirs == "missing"


def test_income_that_the_exchange_tells_twice_is_named_with_every_total_it_moves(files: Files):
    change(
        files.exchange,
        "INSERT INTO postings SELECT * FROM postings WHERE income_type = 'FUNDING_FEE' AND book = 'WALLET' LIMIT 1",
    )

    differences = found(files)

    assert differences[0].subject.endswith("FUNDING_FEE amount")
    assert {each.subject for each in differences[1:]} == {
        "funding of BTCUSDT",
        "wallet USDT",
        "account funding",
        "statistics net P&L of all sessions",
    }
    assert {each.where for each in differences} == {differences[0].where}


@pytest.mark.parametrize(
    ("table", "column", "subject"),
    [
        ("positions", "quantity", "position BTCUSDT BOTH quantity"),
        ("positions", "cost", "position BTCUSDT BOTH cost"),
        ("positions", "realized_pnl", "position BTCUSDT BOTH realized_pnl"),
        ("positions", "commission", "position BTCUSDT BOTH commission"),
        ("positions", "funding", "funding of BTCUSDT"),
        ("wallets", "amount", "wallet USDT"),
        ("account", "realized_pnl", "account realized_pnl"),
        ("account", "commission", "account commission"),
        ("account", "funding", "account funding"),
        ("account", "transfers", "account transfers"),
        ("sessions", "total_pnl", "statistics net P&L of all sessions"),
        ("sessions", "total_commission", "statistics net P&L of all sessions"),
        ("sessions", "total_funding", "statistics net P&L of all sessions"),
    ],
)
def test_a_total_that_is_off_by_the_last_digit_is_named(files: Files, table: str, column: str, subject: str):
    ((before,),) = query(files.database, f"SELECT {column} FROM {table}")
    change(files.database, f"UPDATE {table} SET {column} = ?", f"{Decimal(before) + UNIT:f}")

    (difference,) = found(files)

    assert difference.subject == subject
    assert abs(Decimal(difference.ours) - Decimal(difference.theirs)) == UNIT
    assert difference.where == "every row agrees: the stored total differs"


def test_a_commission_that_the_exchange_charged_otherwise_than_it_told_is_named(files: Files):
    change(
        files.exchange,
        "UPDATE postings SET amount = amount - 1 WHERE rowid = (SELECT min(rowid) FROM postings"
        " WHERE income_type = 'COMMISSION' AND book = 'WALLET')",
    )

    subjects = [each.subject for each in found(files)]

    assert "the exchange's income COMMISSION, against its trade" in subjects[0]
    assert "wallet USDT" in subjects


def test_a_profit_that_prices_and_quantities_do_not_give_is_named_at_its_first_trade(files: Files):
    ((trade_id,),) = query(files.exchange, "SELECT min(trade_id) FROM trades WHERE realized <> 0")
    change(files.exchange, "UPDATE trades SET realized = realized + 1 WHERE trade_id = ?", trade_id)

    subjects = [each.subject for each in found(files)]

    assert f"trade {trade_id} of BTCUSDT: profit by average cost, against the exchange's" in subjects
    assert f"trade {trade_id} of BTCUSDT realized_pnl" in subjects


def test_what_the_session_may_still_hear_of_is_no_difference(files: Files):
    change(
        files.exchange,
        "INSERT INTO trades SELECT 999999, account, symbol, order_id, client_order_id, side, position_side, price,"
        " quantity, 0, 0, commission_asset, is_maker, time_ms + 86400000, reference_kind, reference_id,"
        " reference_source, reference_line FROM trades ORDER BY trade_id DESC LIMIT 1",
    )
    change(
        files.exchange,
        "INSERT INTO postings SELECT 999999, book, account, asset, amount, income_type, symbol, time_ms + 86400000,"
        " trade_id FROM postings WHERE income_type = 'FUNDING_FEE' AND book = 'WALLET' LIMIT 1",
    )

    report = files.audit()

    assert report.differences == ()
    assert report.in_flight == 2


def test_what_lies_before_since_is_taken_from_the_session(files: Files):
    fills = files.fills()
    early, (_, since_ms) = fills[1][0], fills[8]
    change(files.exchange, "DELETE FROM trades WHERE trade_id = ?", early)

    whole, later = files.audit(), files.audit(since_ms)

    assert f"trade {early} of BTCUSDT" in {each.where for each in whole.differences}
    assert later.differences == ()
    assert later.trades < whole.trades


def test_an_audit_writes_to_neither_file(files: Files):
    before = files.database.read_bytes(), files.exchange.read_bytes()

    files.audit()

    assert (files.database.read_bytes(), files.exchange.read_bytes()) == before
