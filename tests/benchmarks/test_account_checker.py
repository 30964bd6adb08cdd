"""The second bookkeeping: its fold loses no unit of money, and every planted difference is named."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.account_checker import Books, differences, exchange_books, fold, unrealized
from tests.benchmarks.markets import SYMBOL, UNITS
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine

Trades = dict[tuple[str, int, str], tuple[Any, ...]]


def trades_of(*wanted: tuple[str, int, int]) -> Trades:
    """Trades of one symbol from (side, price, quantity in thousandths)."""
    return {
        (SYMBOL, number, side): (side, price * UNITS, quantity * UNITS // 1_000, 0, 0, "ours", number)
        for number, (side, price, quantity) in enumerate(wanted, 1)
    }


def test_a_partial_close_takes_its_share_of_the_cost():
    holdings = fold(trades_of(("BUY", 100, 3_000), ("SELL", 110, 1_000)))

    held = holdings[SYMBOL]
    assert (held.quantity, held.cost, held.realized) == (2 * UNITS, 200 * UNITS, 10 * UNITS)


def test_a_turn_closes_the_old_side_and_opens_the_new_one():
    holdings = fold(trades_of(("SELL", 100, 1_000), ("BUY", 90, 3_000)))

    held = holdings[SYMBOL]
    assert (held.quantity, held.cost, held.realized) == (2 * UNITS, 180 * UNITS, 10 * UNITS)


@given(
    st.lists(
        st.tuples(st.sampled_from(("BUY", "SELL")), st.integers(1, 10**6), st.integers(1, 10**6)), max_size=20
    )
)
def test_what_was_paid_and_received_is_cost_and_profit(wanted: list[tuple[str, int, int]]):
    trades = trades_of(*wanted)

    holdings = fold(trades)

    paid = sum(
        (1 if side == "BUY" else -1) * price * quantity // UNITS
        for side, price, quantity, *_ in trades.values()
    )
    assert sum(held.cost - held.realized for held in holdings.values()) == paid


def test_what_is_unrealized_is_valued_at_the_exact_middle():
    holdings = fold(trades_of(("SELL", 100, 1_000)))

    assert unrealized(holdings, {SYMBOL: 201 * UNITS}) == Decimal("-0.5")


def test_a_trade_of_the_account_with_itself_counts_on_both_of_its_sides(tmp_path: Path):
    path = tmp_path / "exchange.db"
    engine = an_engine(path)
    engine.on_frame(Frames().ticker("76000.00", "76000.20", "9", "9"))
    engine.new_order(ACCOUNT, a_request(engine, side="SELL", quantity="0.3"))
    engine.new_order(ACCOUNT, a_request(engine, price="76000.10", quantity="0.5"))
    engine.trade_by_owner(ACCOUNT, BTC, "SELL", Decimal("0.5"), self_trade_prevention="NONE")

    books = exchange_books(path, "paper-1")

    assert len(books.trades) == 3
    assert differences(books, books, fold(books.trades)) == []


def test_equal_books_have_no_differences():
    trades = trades_of(("BUY", 100, 1_000))
    books = Books(positions={SYMBOL: (UNITS, 100 * UNITS)}, trades=trades, orders=1, wallet=5, transfers=5)

    assert differences(books, replace(books), fold(trades)) == []


def test_every_planted_difference_is_named():
    trades = trades_of(("BUY", 100, 1_000))
    theirs = Books(positions={SYMBOL: (UNITS, 100 * UNITS)}, trades=trades, orders=1, wallet=5, transfers=5)
    ours = replace(theirs, positions={}, trades={}, orders=2, wallet=6, commission=1)

    found = differences(ours, theirs, fold(trades))

    named = " ".join(found)
    for name in (
        "the wallet 6",
        "commission 1",
        "the count of orders 2",
        "positions {}",
        f"trade {(SYMBOL, 1, 'BUY')}",
    ):
        assert name in named


def test_a_wallet_that_its_parts_do_not_explain_is_found():
    books = Books(wallet=6, transfers=5)

    assert differences(books, replace(books), {}) == ["the wallet and its parts: 6 against 5"]
