"""Fills are real money: each is booked once, whenever and in whatever order it comes, whatever the order's status."""

from decimal import Decimal
from itertools import permutations

import pytest

from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.domain.orders.news import OrderNews
from src.domain.orders.order import Order
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.positions.external import EXTERNAL
from src.domain.sessions.trading_states import SymbolState
from tests.support.domain_builders import (
    BTC,
    SELL,
    WALLET,
    a_fill,
    a_read,
    a_report,
    an_exit,
    some_income,
)
from tests.support.domain_scene import Scene, alarms, kinds, purposes, reconciles
from tests.support.ledger_builders import ledger_snapshot


def test_a_fill_before_the_answer_makes_the_order_and_proves_that_the_attempt_happened():
    scene = Scene()
    order = scene.place(quantity=2)

    scene.fill(order, quantity=1)

    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert order.attempt_state == "ACKED"
    assert scene.position.quantity == 1


def test_an_order_that_closes_the_position_may_fill_more_than_was_held_when_it_was_worded():
    scene = Scene()
    scene.hold()
    stop = scene.place(
        an_exit(
            order_type=OrderType.STOP_MARKET, stop_price=Decimal(98), quantity=Decimal(1), close_position=True
        )
    )
    scene.fill(scene.place(quantity=2), 2, 2)

    scene.fill(stop, 3, 3)

    assert scene.position.is_flat
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_partial_fills_add_up_to_a_filled_order():
    scene = Scene()
    order = scene.place(quantity=3)

    for trade_id in (1, 2, 3):
        scene.fill(order, trade_id, quantity=1, price=100 + trade_id)

    assert order.status is OrderStatus.FILLED
    assert order.filled_quantity == 3
    assert order.average_price == 102
    assert scene.position.quantity == 3
    assert scene.position.cost == 306


def test_an_order_carries_what_its_trades_cost_and_earned():
    scene = Scene()
    order = scene.place(quantity=2)

    for trade_id, commission, profit in ((1, "0.04", "1.5"), (2, "0.03", "-0.5")):
        fill = a_fill(order, trade_id, 1, commission=Decimal(commission), realized_pnl=Decimal(profit))
        scene.hear(order, OrderStatus.PARTIALLY_FILLED, trade_id, fill)

    assert (order.commission, order.realized_pnl) == (Decimal("0.07"), Decimal(1))


def test_the_same_trade_is_booked_once_however_often_it_is_told():
    scene = Scene()
    order = scene.place()
    news = OrderNews(a_report(order, OrderStatus.FILLED, 1), a_fill(order))
    scene.stream(news)

    step = scene.stream(news)

    assert kinds(step) == [e.RawReceived]
    assert scene.position.quantity == order.filled_quantity == 1


def both_halves(scene: Scene) -> tuple[Order, list[OrderNews]]:
    """A resting order of ours meets one that somebody placed by hand: one trade, one id, and each order hears of it."""
    ours = scene.place(quantity=2, limit_price=99)
    scene.accept(ours)
    by_hand = a_report(
        ours,
        OrderStatus.FILLED,
        1,
        client_order_id="web_1",
        exchange_order_id=777,
        side=SELL,
        quantity=Decimal(1),
    )
    paid = {"commission": Decimal("0.2"), "realized_pnl": Decimal(0)}
    bought = a_fill(ours, 5, 1, 99, **paid)
    sold = a_fill(ours, 5, 1, 99, side=SELL, exchange_order_id=777, client_order_id="web_1", **paid)
    return ours, [
        OrderNews(a_report(ours, OrderStatus.PARTIALLY_FILLED, 1), bought),
        OrderNews(by_hand, sold),
    ]


@pytest.mark.parametrize("told", [(0, 1, 0, 1), (1, 0, 1, 0), (0, 0, 1, 1), (1, 1, 0, 0)], ids=str)
def test_a_trade_of_the_account_with_itself_is_booked_for_the_buyer_and_for_the_seller_once_each(told):
    scene = Scene()
    ours, halves = both_halves(scene)

    for index in told:
        scene.stream(halves[index])

    booked = [event for _, event in scene.journal if isinstance(event, e.FillBooked)]
    assert sorted((fill.trade_id, fill.side.value, fill.client_order_id) for fill in booked) == [
        (5, "BUY", ours.client_order_id),
        (5, "SELL", ""),
    ]
    assert scene.position.is_flat
    assert scene.ledger.wallet_balance == WALLET - Decimal("0.4")
    assert ledger_snapshot(fold(scene.journal)) == ledger_snapshot(scene.ledger)


def test_the_half_of_a_trade_that_only_a_read_tells_of_is_booked_by_it():
    scene = Scene()
    _, (ours, by_hand) = both_halves(scene)
    scene.stream(ours)
    read = a_read(fills=[ours.fill, by_hand.fill], confirmed=[(BTC, 5)])

    steps = [scene.decide(read) for _ in range(2)]

    assert [kinds(step).count(e.FillBooked) for step in steps] == [1, 0]
    assert scene.position.is_flat
    assert scene.ledger.symbol(BTC).trade_halves == set()


@pytest.mark.parametrize("order_of_news", list(permutations(range(4))), ids=str)
def test_news_in_any_order_leads_to_the_same_ledger(order_of_news):
    scene = Scene()
    order = scene.place(quantity=2)
    news = [
        OrderNews(a_report(order, OrderStatus.NEW)),
        OrderNews(a_report(order, OrderStatus.PARTIALLY_FILLED, 1), a_fill(order, 1)),
        OrderNews(a_report(order, OrderStatus.FILLED, 2), a_fill(order, 2)),
        some_income(2),
    ]

    for index in order_of_news:
        scene.stream(news[index])

    assert order.status is OrderStatus.FILLED
    assert order.filled_quantity == 2
    assert order.claimed_quantity == 2
    assert scene.position.quantity == 2
    assert scene.position.funding == Decimal("-0.5")
    assert scene.ledger.wallet_balance == WALLET - Decimal("0.5")
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_a_late_fill_of_a_canceled_order_is_booked_and_the_order_stays_canceled():
    scene = Scene()
    order = scene.place(quantity=2, limit_price=100)
    scene.accept(order)
    scene.hear(order, OrderStatus.CANCELED)

    step = scene.fill(order, quantity=1)

    assert order.status is OrderStatus.CANCELED
    assert scene.position.quantity == order.filled_quantity == 1
    assert purposes(step) == [Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET]


def test_a_late_fill_that_completes_a_canceled_order_makes_it_filled():
    scene = Scene()
    order = scene.place(limit_price=100)
    scene.accept(order)
    scene.hear(order, OrderStatus.CANCELED)

    scene.fill(order)

    assert order.status is OrderStatus.FILLED
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED])
@pytest.mark.parametrize(("claimed", "alarmed"), [(0, 1), (1, 1), (2, 0)])
def test_a_trade_that_the_end_of_its_order_did_not_count_raises_an_alarm(status, claimed, alarmed):
    scene = Scene()
    order = scene.place(limit_price=99, quantity=3)
    scene.accept(order)
    scene.hear(order, status, claimed)

    step = scene.stream(OrderNews(a_report(order, status, claimed), a_fill(order, 7, 2, 99)))

    assert scene.position.quantity == 2
    assert [text for text in alarms(step) if "trade 7" in text and "ended" in text] == alarms(step)
    assert len(alarms(step)) == alarmed


def test_a_canceled_order_whose_last_fill_is_missing_is_not_settled_and_is_asked_about():
    scene = Scene()
    order = scene.place(quantity=2, limit_price=100)
    scene.accept(order)

    step = scene.hear(order, OrderStatus.CANCELED, filled=1)

    assert not order.is_settled
    assert reconciles(step)

    scene.stream(OrderNews(a_report(order, OrderStatus.CANCELED, 1), a_fill(order)))

    assert order.is_settled


def test_a_status_that_claims_fills_does_not_invent_them():
    scene = Scene()
    order = scene.place(quantity=2)
    scene.accept(order)

    step = scene.hear(order, OrderStatus.FILLED, filled=2)

    assert order.status is OrderStatus.NEW
    assert order.filled_quantity == 0
    assert order.claimed_quantity == 2
    assert scene.position.is_flat
    assert reconciles(step)


def test_what_an_order_claims_to_be_filled_never_decreases():
    scene = Scene()
    order = scene.place(quantity=3)
    scene.fill(order, quantity=2)

    scene.hear(order, OrderStatus.PARTIALLY_FILLED, filled=1)

    assert order.claimed_quantity == order.filled_quantity == 2


def test_an_overfill_is_booked_closes_the_symbol_and_raises_an_alarm():
    scene = Scene()
    order = scene.place()
    scene.fill(order)

    step = scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 2), a_fill(order, 2)))

    assert order.filled_quantity == 2
    assert scene.position.quantity == 2
    assert scene.ledger.symbol(BTC).state is SymbolState.CLOSED
    assert alarms(step)
    assert scene.ledger.symbol(BTC).pending_buy == 0


def test_a_fill_of_somebody_elses_order_is_booked_as_external_with_an_alarm():
    scene = Scene()
    foreign = a_report(scene.place(), OrderStatus.FILLED, 1, client_order_id="web_1", exchange_order_id=777)

    step = scene.stream(OrderNews(foreign, a_fill()))

    (booked,) = [event for event in step.events if isinstance(event, e.FillBooked)]
    assert (booked.client_order_id, booked.strategy_id) == ("", EXTERNAL)
    assert scene.position.quantity == 1
    assert alarms(step)


def test_a_liquidation_is_booked_like_any_trade_of_the_exchange_and_takes_the_stops_with_it():
    scene = Scene()
    scene.hold(2)
    stop = scene.stop
    forced = a_report(stop, OrderStatus.FILLED, 2, client_order_id="autoclose-1", exchange_order_id=778)

    scene.stream(OrderNews(forced, a_fill(None, 2, 2, 80, side=SELL, realized_pnl=Decimal(-40))))

    assert scene.position.is_flat
    assert stop.cancel_state == "REQUESTED"
    assert scene.ledger.wallet_balance == WALLET - 40


def test_the_wallet_takes_the_exchanges_own_figures_per_asset():
    scene = Scene()
    order = scene.place()
    fill = a_fill(order, realized_pnl=Decimal("1.5"), commission=Decimal("0.001"), commission_asset="BNB")

    scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 1), fill))

    assert scene.ledger.account.wallet == {"USDT": WALLET + Decimal("1.5"), "BNB": Decimal("-0.001")}
    assert scene.ledger.account.commission == 0


@pytest.mark.parametrize(("margin_asset", "paid_in"), [("", "USDT"), ("USDC", "USDC")])
def test_a_trade_of_no_commission_names_no_asset_for_it_and_makes_no_wallet_without_a_name(
    margin_asset, paid_in
):
    scene = Scene()
    order = scene.place()
    fill = a_fill(order, commission=Decimal(0), commission_asset="", margin_asset=margin_asset)

    step = scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 1), fill))

    (booked,) = [event for event in step.events if isinstance(event, e.FillBooked)]
    assert booked.commission_asset == paid_in
    assert set(scene.ledger.account.wallet) == {"USDT", paid_in}


def test_income_is_booked_once_per_transaction_type_and_asset():
    scene = Scene()
    funding, same_number = some_income(7), some_income(7, "TRANSFER", 10)

    scene.stream(funding, same_number)
    scene.stream(funding, same_number)

    assert scene.ledger.account.funding == Decimal("-0.5")
    assert scene.ledger.account.transfers == WALLET + 10
    assert scene.ledger.wallet_balance == WALLET + Decimal("9.5")


@pytest.mark.parametrize("income_type", ["REALIZED_PNL", "COMMISSION"])
def test_income_that_came_with_a_fill_is_not_booked_again(income_type):
    scene = Scene()

    step = scene.stream(some_income(7, income_type, 5))

    assert kinds(step) == [e.RawReceived]
    assert scene.ledger.wallet_balance == WALLET


def test_an_event_that_cannot_be_read_is_kept_raw_alarmed_and_asked_about():
    scene = Scene()

    step = scene.stream(trouble="no field c")

    assert kinds(step) == [e.RawReceived, e.AlarmRaised]
    assert reconciles(step)


def test_a_raw_event_is_journalled_before_anything_it_means():
    scene = Scene()
    order = scene.place()

    step = scene.fill(order)

    assert kinds(step)[0] is e.RawReceived


def test_news_of_a_settled_order_brings_it_back():
    scene = Scene()
    order = scene.place()
    scene.fill(order)
    scene.ledger.release_settled()

    scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 2), a_fill(order, 2)), known=(order,))

    assert scene.ledger.orders[order.client_order_id] is order
    assert order.filled_quantity == 2


def test_a_settled_order_that_was_brought_back_for_old_news_is_let_go_again():
    scene = Scene()
    order = scene.place()
    scene.fill(order)
    scene.ledger.release_settled()
    scene.ledger.changes.clear()

    scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 1), a_fill(order)), known=(order,))

    assert order.client_order_id not in scene.ledger.orders


def test_a_copy_from_the_store_never_replaces_an_order_of_the_working_set():
    scene = Scene()
    order = scene.place(quantity=2)
    stale = scene.place(quantity=2)
    stale.attempt = order.attempt
    scene.fill(order, quantity=1)

    scene.stream(known=(stale,))

    assert scene.ledger.orders[order.client_order_id].filled_quantity == 1
