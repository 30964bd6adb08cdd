"""What recovery read is merged like any other news: idempotent, in any order, and absence proves nothing by itself."""

from decimal import Decimal

import pytest

from src.domain.ledger import events as e
from src.domain.orders.news import OrderNews, OutcomeUnknown, WalletMoved
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.sessions.trading_states import SymbolState
from tests.support.domain_builders import BTC, WALLET, a_fill, a_read, a_report, some_income
from tests.support.domain_scene import Scene, alarms, cancels, kinds, purposes, reconciles, submits
from tests.support.ledger_builders import ledger_snapshot


def a_scene_with_one_of_everything():
    """An order in flight, one that rests, one of unknown outcome, and a protected position."""
    scene = Scene()
    scene.hold(2)
    in_flight = scene.place(limit_price=99)
    resting = scene.place(quantity=2, limit_price=98)
    scene.accept(resting)
    unknown = scene.place(limit_price=97)
    scene.decide(OutcomeUnknown(unknown.client_order_id, "timeout"))
    return scene, in_flight, resting, unknown


# --- merging ------------------------------------------------------------------------------------------------


def test_a_read_settles_attempts_books_trades_moves_statuses_and_books_income():
    scene, in_flight, resting, unknown = a_scene_with_one_of_everything()

    scene.decide(
        a_read(
            fills=[a_fill(resting, 5, 1)],
            orders=[a_report(resting, OrderStatus.PARTIALLY_FILLED, 1), a_report(unknown)],
            income=[some_income(2)],
            dead=[in_flight.client_order_id],
            confirmed=[(BTC, 5)],
        )
    )

    assert resting.filled_quantity == 1
    assert unknown.attempt_state is AttemptState.ACKED
    assert in_flight.attempt_state is AttemptState.DEAD
    assert scene.position.quantity == 3
    assert scene.ledger.wallet_balance == WALLET - Decimal("0.5")
    assert scene.ledger.symbol(BTC).confirmed_trade_id == 5
    assert scene.ledger.symbol(BTC).trade_halves == set()
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_merging_the_same_read_twice_emits_nothing_the_second_time():
    scene, in_flight, resting, unknown = a_scene_with_one_of_everything()
    read = a_read(
        fills=[a_fill(resting, 5, 1), a_fill(None, 6, 1)],
        orders=[a_report(resting, OrderStatus.PARTIALLY_FILLED, 1), a_report(in_flight)],
        income=[some_income(2)],
        dead=[],
        lost=[unknown.client_order_id],
        confirmed=[(BTC, 6)],
    )
    scene.decide(read)
    for order in scene.open(Purpose.PROTECTIVE_STOP) + scene.open(Purpose.PROTECTIVE_TARGET):
        scene.accept(order)
    scene.decide(read)
    before = ledger_snapshot(scene.ledger)

    step = scene.decide(read)

    assert step.events == []
    assert submits(step) == []
    assert ledger_snapshot(scene.ledger) == before


def test_a_read_and_the_stream_may_tell_the_same_in_either_order():
    told_first, read_first = Scene(), Scene()
    ledgers = []
    for scene in (told_first, read_first):
        order = scene.place(quantity=2)
        told = OrderNews(a_report(order, OrderStatus.PARTIALLY_FILLED, 1), a_fill(order))
        read = a_read(fills=[a_fill(order)], orders=[a_report(order, OrderStatus.NEW)])
        if scene is told_first:
            scene.stream(told)
            scene.decide(read)
        else:
            scene.decide(read)
            scene.stream(told)
        ledgers.append(ledger_snapshot(scene.ledger))

    assert ledgers[0] == ledgers[1]


def test_an_end_that_is_only_read_after_the_stream_was_gone_is_believed():
    scene = Scene()
    order = scene.place(quantity=2, limit_price=99)
    scene.accept(order)

    scene.decide(
        a_read(
            fills=[a_fill(order, 1, 1)],
            orders=[a_report(order, OrderStatus.CANCELED, 1)],
            confirmed=[(BTC, 1)],
        )
    )

    assert order.status is OrderStatus.CANCELED
    assert order.is_settled
    assert scene.ledger.symbol(BTC).pending_buy == 0


def test_a_stop_that_triggered_while_nobody_listened_is_joined_to_its_trades():
    scene = Scene()
    scene.hold()
    stop, (target,) = scene.stop, scene.open(Purpose.PROTECTIVE_TARGET)

    step = scene.decide(
        a_read(
            fills=[a_fill(stop, 2, 1, 98)],
            orders=[a_report(stop, OrderStatus.FILLED, 1)],
            confirmed=[(BTC, 2)],
        )
    )

    assert stop.status is OrderStatus.FILLED
    assert scene.position.is_flat
    assert set(cancels(step)) == {target.client_order_id}


def test_a_naked_position_gets_its_stop_with_the_merge():
    scene = Scene()
    order = scene.place()

    step = scene.decide(a_read(fills=[a_fill(order)], orders=[a_report(order, OrderStatus.FILLED, 1)]))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET]


def test_trades_up_to_the_confirmed_one_are_never_booked_again():
    scene = Scene()
    order = scene.place(quantity=2)
    scene.decide(a_read(fills=[a_fill(order)], orders=[a_report(order, filled=1)], confirmed=[(BTC, 1)]))

    step = scene.stream(OrderNews(a_report(order, filled=1), a_fill(order)))

    assert kinds(step) == [e.RawReceived]
    assert scene.position.quantity == 1


# --- what was not found -------------------------------------------------------------------------------------


def test_a_dead_attempt_releases_its_reservation_and_its_symbol():
    scene = Scene()
    order = scene.place()
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))

    scene.decide(a_read(dead=[order.client_order_id]))

    assert order.status is OrderStatus.REJECTED
    assert scene.ledger.symbol(BTC).pending_buy == 0
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_a_lost_attempt_keeps_its_reservation_and_restricts_its_symbol():
    scene = Scene()
    order = scene.place()

    scene.decide(a_read(lost=[order.client_order_id]))

    assert order.attempt_state is AttemptState.UNKNOWN
    assert scene.ledger.symbol(BTC).pending_buy == 1
    assert scene.ledger.symbol(BTC).state is SymbolState.REDUCE_ONLY


def test_an_accepted_order_that_vanished_closes_its_symbol():
    scene = Scene()
    order = scene.place(limit_price=99)
    scene.accept(order)

    step = scene.decide(a_read(vanished=[order.client_order_id]))

    assert scene.ledger.symbol(BTC).state is SymbolState.CLOSED
    assert alarms(step)
    assert order.is_open


def test_an_order_that_vanished_is_told_of_once_however_often_it_is_looked_for():
    scene = Scene()
    order = scene.place(limit_price=90)
    scene.accept(order)

    steps = [scene.decide(a_read(vanished=[order.client_order_id])) for _ in range(2)]

    assert [len(alarms(step)) for step in steps] == [1, 0]
    assert [cancels(step) for step in steps] == [[order.client_order_id], []]


def test_an_accepted_stop_that_vanished_gets_a_successor_in_a_closed_symbol():
    scene = Scene()
    scene.hold()
    old = scene.stop

    step = scene.decide(a_read(vanished=[old.client_order_id]))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]
    assert (old.status, scene.ledger.symbol(BTC).state) == (OrderStatus.EXPIRED, SymbolState.CLOSED)


def test_a_forgotten_entry_reserves_nothing_and_its_symbol_goes_on():
    scene = Scene()
    order = scene.place(limit_price=99)
    scene.accept(order)

    step = scene.decide(a_read(forgotten=[order.client_order_id]))

    assert order.status is OrderStatus.EXPIRED
    assert scene.ledger.symbol(BTC).pending_buy == 0
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING
    assert alarms(step)


def test_a_forgotten_stop_gets_a_successor():
    scene = Scene()
    scene.hold()

    step = scene.decide(a_read(forgotten=[scene.stop.client_order_id]))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_a_forgotten_entry_that_lives_is_canceled_and_closes_its_symbol():
    scene = Scene()
    order = scene.place(limit_price=99)
    scene.accept(order)
    scene.decide(a_read(forgotten=[order.client_order_id]))

    step = scene.decide(a_read(orders=[a_report(order)], known=[order]))

    assert cancels(step) == [order.client_order_id]
    assert scene.ledger.symbol(BTC).state is SymbolState.CLOSED


def test_late_news_of_how_a_forgotten_order_ended_changes_nothing():
    scene = Scene()
    order = scene.place(limit_price=99)
    scene.accept(order)
    scene.decide(a_read(forgotten=[order.client_order_id]))

    step = scene.decide(a_read(orders=[a_report(order, OrderStatus.CANCELED)], known=[order]))

    assert (cancels(step), scene.ledger.symbol(BTC).state) == ([], SymbolState.TRADING)


@pytest.mark.parametrize("verdict", ["dead", "lost", "vanished", "forgotten"])
def test_a_verdict_on_an_order_that_ended_while_we_read_is_no_news(verdict):
    scene = Scene()
    order = scene.place()
    scene.fill(order)

    ended = scene.decide(a_read(**{verdict: [order.client_order_id]}))
    scene.ledger.release_settled()
    gone = scene.decide(a_read(**{verdict: [order.client_order_id]}))

    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING
    assert [kinds(ended), kinds(gone)] == [[], []]


def test_a_lost_stop_gets_a_companion():
    scene = Scene()
    scene.hold(protected=False)

    step = scene.decide(a_read(lost=[scene.stop.client_order_id]))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]


# --- strangers and stale news -------------------------------------------------------------------------------


def test_a_stranger_in_our_namespace_halts_trading_once():
    scene = Scene()
    order = scene.place()
    report = a_report(order)
    del scene.ledger.orders[order.client_order_id]

    first, second = (scene.decide(a_read(orders=[report])) for _ in range(2))

    assert kinds(first) == [e.AlarmRaised, e.TradingMoved]
    assert kinds(second) == [e.AlarmRaised]


def test_a_read_that_is_older_than_the_stream_sets_nothing_back():
    scene = Scene()
    scene.hold()
    stop = scene.stop
    stale = a_report(stop, OrderStatus.NEW)
    scene.hear(stop, OrderStatus.REJECTED)

    step = scene.decide(a_read(orders=[stale]))

    assert stop.status is OrderStatus.REJECTED
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING
    assert alarms(step) == []


def test_settled_orders_that_a_read_speaks_of_come_back():
    scene = Scene()
    order = scene.place(quantity=2, limit_price=99)
    scene.accept(order)
    scene.hear(order, OrderStatus.CANCELED)
    scene.ledger.release_settled()

    scene.decide(a_read(fills=[a_fill(order, 9, 1)], known=[order]))

    assert order.filled_quantity == 1
    assert scene.position.strategy_id == "sma"


def test_an_order_is_asked_about_as_often_as_it_claims_trades_that_never_came():
    scene = Scene()
    order = scene.place(quantity=2)
    scene.accept(order)

    steps = [scene.hear(order, OrderStatus.PARTIALLY_FILLED, 1) for _ in range(2)]

    assert all(reconciles(step) for step in steps)


def test_news_of_the_wallet_is_asked_about_unless_the_books_say_the_same():
    scene = Scene()
    asset, held = scene.ledger.account.settle_asset, scene.ledger.wallet_balance

    def asks(*balances: tuple[str, Decimal]) -> bool:
        return bool(reconciles(scene.stream(WalletMoved("FUNDING_FEE", 1_000, balances))))

    assert asks((asset, held - 1))
    assert asks(("BNB", Decimal(1)), (asset, held))
    assert asks()
    assert not asks((asset, held))
