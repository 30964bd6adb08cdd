"""Orders whose price or quantity somebody else has changed, by hand for instance: the exchange's word holds."""

from dataclasses import replace
from decimal import Decimal

import pytest

from src.domain.decisions.news import MoveTrading, RequestModify
from src.domain.ledger import events as e
from src.domain.ledger.evolve import fold
from src.domain.orders.news import ModifyAccepted, OrderNews
from src.domain.orders.order import Order
from src.domain.orders.types import OrderStatus, OrderType
from src.domain.sessions.trading_states import SymbolState, TradingTrigger
from tests.support.domain_builders import BTC, a_fill, a_read, a_report
from tests.support.domain_scene import Scene, alarms, cancels, kinds, reconciles
from tests.support.ledger_builders import ledger_snapshot


@pytest.fixture
def scene() -> Scene:
    return Scene(stop_loss_pct=Decimal(0), take_profit_pct=Decimal(0))


def resting(scene: Scene) -> Order:
    """A resting order for two at 99, of which the exchange has said so."""
    order = scene.place(limit_price=99, quantity=2)
    scene.accept(order)
    scene.hear(order)
    return order


def changed(scene: Scene, order: Order, price=99, quantity=3, status=OrderStatus.NEW, filled=0, late_ms=0):
    """The order as somebody else has made it, a while later."""
    scene.now_ms += 1_000
    terms = {"limit_price": Decimal(price), "quantity": Decimal(quantity)}
    return a_report(order, status, filled, updated_ms=scene.now_ms + late_ms, **terms)


def pending(scene: Scene):
    return scene.ledger.symbol(BTC).pending_buy, scene.ledger.symbol(BTC).pending_price


@pytest.mark.parametrize("how", ["the stream", "a read"])
@pytest.mark.parametrize(("price", "quantity"), [(99, 3), (99, 1), (101, 2), (98, 5)])
def test_an_order_that_somebody_amended_is_as_the_exchange_says_and_somebody_is_told(
    scene, how, price, quantity
):
    order = resting(scene)
    report = changed(scene, order, price, quantity)

    step = scene.stream(OrderNews(report)) if how == "the stream" else scene.decide(a_read(orders=[report]))
    again = scene.stream(OrderNews(report))

    assert (order.ticket.limit_price, order.ticket.quantity) == (price, quantity)
    assert pending(scene) == (quantity, max(100, price))
    assert len(alarms(step)) == 1
    assert kinds(again) == [e.RawReceived]
    assert ledger_snapshot(fold(scene.journal)) == ledger_snapshot(scene.ledger)


def test_a_stop_with_a_limit_that_has_triggered_is_amended_like_any_resting_order(scene):
    order = scene.place(order_type=OrderType.STOP, stop_price=101, limit_price=99, quantity=2)
    scene.accept(order)
    scene.hear(order, OrderStatus.TRIGGERED)
    report = replace(changed(scene, order), order_type=OrderType.LIMIT, exchange_order_id=7, algo_id=None)

    step = scene.stream(OrderNews(report))
    as_ordered = scene.hear(order, OrderStatus.TRIGGERED)

    assert (order.ticket.quantity, pending(scene)[0], len(alarms(step))) == (3, 3, 1)
    assert alarms(as_ordered) == []


def test_what_is_reserved_follows_the_price_down_again(scene):
    order = resting(scene)
    scene.stream(OrderNews(changed(scene, order, 101, 2)))

    scene.stream(OrderNews(changed(scene, order, 98, 2)))

    assert pending(scene) == (2, 100)


def test_an_order_that_has_grown_is_not_over_with_its_old_quantity_and_a_halt_ends_it(scene):
    order = resting(scene)
    report = changed(scene, order, status=OrderStatus.PARTIALLY_FILLED, filled=2)

    scene.stream(OrderNews(report, a_fill(order, 1, 2)))
    step = scene.decide(MoveTrading(TradingTrigger.HALT, "a person", "operator"))

    assert (order.status, pending(scene)[0]) == (OrderStatus.PARTIALLY_FILLED, 1)
    assert cancels(step) == [order.client_order_id]


def test_trades_beyond_the_old_quantity_that_come_with_the_news_of_the_new_one_close_no_symbol(scene):
    order = resting(scene)
    report = changed(scene, order, status=OrderStatus.FILLED, filled=3)

    scene.decide(a_read(fills=[a_fill(order, 1, 3)], orders=[report]))

    assert order.status is OrderStatus.FILLED
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


@pytest.mark.parametrize("late_ms", [0, -60_000])
@pytest.mark.parametrize("how", ["the stream", "a read"])
def test_an_order_that_counted_as_filled_and_is_open_is_ended_and_closes_its_symbol(scene, how, late_ms):
    order = resting(scene)
    scene.decide(a_read(fills=[a_fill(order, 1, 2)]))
    assert order.status is OrderStatus.FILLED
    scene.ledger.release_settled()
    report = changed(scene, order, status=OrderStatus.PARTIALLY_FILLED, filled=2, late_ms=late_ms)

    for _ in range(2):
        if how == "the stream":
            step = scene.stream(OrderNews(report), known=(order,))
        else:
            step = scene.decide(replace(a_read(orders=[report]), known=(order,)))

        assert cancels(step) == [order.client_order_id]
        assert len(alarms(step)) == 1
    assert scene.ledger.symbol(BTC).state is SymbolState.CLOSED


def test_a_filled_order_whose_last_word_claims_more_waits_for_its_trades(scene):
    order = resting(scene)
    scene.fill(order)
    report = changed(scene, order, status=OrderStatus.FILLED, filled=3)

    step = scene.stream(OrderNews(report))
    waits = not order.is_settled
    scene.decide(a_read(fills=[a_fill(order, 2, 1)], orders=[report]))

    assert not cancels(step)
    assert waits
    assert order.filled_quantity == 3


def test_an_older_word_changes_nothing(scene):
    order = resting(scene)
    as_it_was = a_report(order, updated_ms=scene.now_ms)
    scene.now_ms += 1_000
    scene.decide(RequestModify(order.client_order_id, None, Decimal(3), "wanted"))
    scene.decide(ModifyAccepted(order.client_order_id, Decimal(99), Decimal(3), scene.now_ms))

    step = scene.decide(a_read(orders=[as_it_was]))

    assert order.ticket.quantity == 3
    assert not alarms(step)


@pytest.mark.parametrize("read_shows", ["as it is known", "otherwise"])
def test_an_event_of_the_millisecond_that_is_known_is_asked_about_and_a_read_says(scene, read_shows):
    order = resting(scene)
    scene.decide(RequestModify(order.client_order_id, Decimal(98), None, "wanted"))
    scene.now_ms += 1_000
    scene.decide(ModifyAccepted(order.client_order_id, Decimal(98), Decimal(2), scene.now_ms))
    before = a_report(order, updated_ms=scene.now_ms, limit_price=Decimal(99))

    step = scene.stream(OrderNews(before))
    known = replace(before, limit_price=Decimal(98)) if read_shows == "as it is known" else before
    read = scene.decide(a_read(orders=[known]))

    assert (alarms(step), len(reconciles(step))) == ([], 1)
    assert order.ticket.limit_price == known.limit_price
    assert len(alarms(read)) == (read_shows == "otherwise")


@pytest.mark.parametrize("how", ["the stream", "a read"])
def test_while_an_amendment_of_ours_is_under_way_somebody_elses_counts_as_well(scene, how):
    order = resting(scene)
    scene.decide(RequestModify(order.client_order_id, None, Decimal(4), "wanted"))
    report = changed(scene, order, 101, 9)

    step = scene.stream(OrderNews(report)) if how == "the stream" else scene.decide(a_read(orders=[report]))

    assert (pending(scene), len(alarms(step))) == ((9, 101), 1)
    assert order.wanted_quantity == 4
    scene.stream(OrderNews(changed(scene, order, 99, 4)))
    assert pending(scene) == (4, 100)
    assert order.ticket.quantity == 4
    assert order.wanted_quantity is None
    assert ledger_snapshot(fold(scene.journal)) == ledger_snapshot(scene.ledger)


def test_an_answer_that_is_older_than_somebody_elses_change_is_asked_about_and_a_read_says(scene):
    order = resting(scene)
    scene.decide(RequestModify(order.client_order_id, None, Decimal(4), "wanted"))
    done_ms = scene.now_ms
    report = changed(scene, order, 99, 9)
    scene.stream(OrderNews(report))

    step = scene.decide(ModifyAccepted(order.client_order_id, Decimal(99), Decimal(4), done_ms))
    held = pending(scene)
    scene.decide(replace(a_read(orders=[report]), unamended=(unsettled(order),)))

    assert (len(reconciles(step)), held[0]) == (1, 9)
    assert order.ticket.quantity == pending(scene)[0] == 9
    assert order.wanted_quantity is None


def test_a_word_of_what_we_ask_for_from_before_we_asked_is_neither_proof_nor_somebody_elses_change(scene):
    order = resting(scene)
    report = changed(scene, order, 99, 4)
    scene.now_ms += 60_000
    scene.decide(RequestModify(order.client_order_id, None, Decimal(4), "wanted"))

    step = scene.stream(OrderNews(report))

    assert kinds(step) == [e.RawReceived]
    assert order.ticket.quantity == 2
    assert order.wanted_quantity == pending(scene)[0] == 4


def unsettled(order: Order) -> tuple[str, int]:
    assert order.modify_deadline_ms is not None
    return order.client_order_id, order.modify_deadline_ms


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED])
def test_the_end_of_an_order_says_nothing_about_its_price_and_quantity(scene, status):
    order = resting(scene)

    step = scene.stream(OrderNews(changed(scene, order, 98, 3, status)))
    late = scene.stream(OrderNews(changed(scene, order, 98, 3)))

    assert not alarms(step) and not alarms(late)
    assert order.ticket.quantity == 2


@pytest.mark.parametrize(
    "ticket",
    [
        {"order_type": OrderType.STOP, "stop_price": 101, "limit_price": 102},
        {"order_type": OrderType.STOP_MARKET, "stop_price": 101},
        {"order_type": OrderType.TRAILING_STOP_MARKET, "callback_pct": Decimal("0.01")},
        {},
    ],
)
def test_orders_that_cannot_be_amended_have_quantities_and_prices_of_their_own_kind(scene, ticket):
    order = scene.place(quantity=2, **ticket)
    scene.accept(order)

    step = scene.stream(OrderNews(changed(scene, order, 97, 3)))

    assert not alarms(step)
    assert order.ticket.quantity == 2
