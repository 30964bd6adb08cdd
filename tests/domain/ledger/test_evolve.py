"""What single events do to the ledger, where no decision shows it."""

from decimal import Decimal

import pytest

from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve
from src.domain.ledger.state import RECENT_WINDOW_MS
from src.domain.orders.news import OrderNews
from src.domain.orders.types import OrderStatus
from tests.support.domain_builders import (
    BTC,
    SELL,
    START_MS,
    a_fill,
    a_ledger,
    a_read,
    a_report,
    an_exit,
    some_income,
)
from tests.support.domain_scene import Scene


def test_cursors_never_go_back():
    ledger = a_ledger()
    for trade_id, at_ms in ((7, START_MS + 5), (3, START_MS + 2)):
        evolve(ledger, e.TradesConfirmed(BTC, trade_id), START_MS)
        evolve(ledger, e.IncomeBooked(trade_id, "FUNDING_FEE", "USDT", Decimal(1), BTC, at_ms), START_MS)

    assert ledger.symbol(BTC).confirmed_trade_id == 7
    assert ledger.account.income_ms == START_MS + 5


def test_the_newest_trade_of_a_symbol_is_the_one_with_the_largest_id():
    scene = Scene()
    order = scene.place(quantity=2)

    scene.fill(order, 9, quantity=1)
    scene.fill(order, 4, quantity=1)

    assert scene.ledger.symbol(BTC).last_trade_id == 9


@pytest.mark.parametrize(("commission", "wins", "loses"), [("4", 1, 0), ("5", 0, 0), ("6", 0, 1)])
def test_a_round_trip_wins_or_loses_net_of_the_commission_of_both_ends(commission, wins, loses):
    scene = Scene()
    entry = scene.place()
    scene.stream(OrderNews(a_report(entry), a_fill(entry, 1, commission=Decimal(commission))))
    exit_ = scene.place(an_exit())

    scene.stream(OrderNews(a_report(exit_), a_fill(exit_, 2, price=110, commission=Decimal(5))))

    session = scene.ledger.session
    assert session is not None
    assert (session.total_trades, session.winning_trades, session.losing_trades) == (1, wins, loses)
    assert session.total_commission == Decimal(commission) + 5


def test_the_session_counts_what_the_exchange_says_was_earned():
    scene = Scene()
    order = scene.place()
    fill = a_fill(order, realized_pnl=Decimal("1.25"), commission=Decimal("0.5"))

    scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 1), fill), some_income(2, amount="-0.25"))

    session = scene.ledger.session
    assert session is not None
    assert (session.total_pnl, session.total_commission, session.total_funding) == (
        Decimal("1.25"),
        Decimal("0.5"),
        Decimal("-0.25"),
    )


@pytest.mark.parametrize(
    ("kind", "is_funding"), [("FUNDING_FEE", 1), ("SPECIAL_FUNDING_FEE", 1), ("TRANSFER", 0)]
)
def test_funding_of_either_kind_is_funding_and_nothing_else_is(kind, is_funding):
    scene = Scene()
    before = scene.ledger.account.transfers

    scene.decide(a_read(income=[some_income(2, kind, "-0.5")]))

    account, session = scene.ledger.account, scene.ledger.session
    assert session is not None
    paid = Decimal("-0.5") * is_funding
    assert account.funding == session.total_funding == scene.ledger.position(BTC).funding == paid
    assert account.transfers - before == Decimal("-0.5") - paid


@pytest.mark.parametrize(
    ("kind", "amount", "is_paid_in"),
    [
        ("TRANSFER", 50, True),
        ("OPENING_BALANCE", 50, True),
        ("INSURANCE_CLEAR", -30, False),
        ("API_REBATE", 2, False),
    ],
)
def test_what_was_paid_in_is_transfers_alone_and_fees_of_liquidations_are_losses(kind, amount, is_paid_in):
    scene = Scene()
    account = scene.ledger.account
    paid_in, wallet = account.transfers, scene.ledger.wallet_balance

    scene.decide(a_read(income=[some_income(2, kind, amount)]))

    assert scene.ledger.wallet_balance - wallet == amount
    assert account.transfers - paid_in == amount * is_paid_in


def test_funding_that_comes_before_its_fill_is_kept_with_the_position():
    scene = Scene()

    scene.decide(a_read(income=[some_income(2)]))
    scene.hold()

    assert scene.position.funding == Decimal("-0.5")


def test_the_throttles_remember_the_orders_of_exactly_the_last_minute():
    scene = Scene()
    scene.place()
    scene.now_ms += RECENT_WINDOW_MS - 1
    scene.place(side=SELL)
    within = len(scene.ledger.recent_orders)
    scene.now_ms += 1
    scene.place()

    assert within == 2
    assert len(scene.ledger.recent_orders) == 2


def test_changes_are_forgotten_once_they_are_written():
    scene = Scene()
    scene.hold()
    changes = scene.ledger.changes

    changes.clear()

    assert not (
        changes.orders or changes.positions or changes.symbols or changes.fills or changes.round_trips
    )
    assert changes.session is None
    assert not changes.account and not changes.income
