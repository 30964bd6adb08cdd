"""News that must not be: strangers in our namespace, the dead alive, statuses that contradict ours."""

from src.domain.ledger import events as e
from src.domain.orders.news import NotSent, OrderNews, Refused
from src.domain.orders.types import OrderStatus
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.support.domain_builders import BTC, ETH, a_report
from tests.support.domain_scene import Scene, alarms, cancels, kinds


def test_an_order_of_our_namespace_that_the_journal_does_not_know_halts_trading():
    scene = Scene()
    order = scene.place()
    scene.accept(order)
    del scene.ledger.orders[order.client_order_id]

    step = scene.hear(order)

    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert any(text.startswith("I1") for text in alarms(step))


def test_a_foreign_order_alone_is_nobodys_business():
    scene = Scene()
    foreign = a_report(scene.place(), client_order_id="web_1")

    step = scene.stream(OrderNews(foreign))

    assert kinds(step) == [e.RawReceived]


def test_an_order_proven_dead_that_lives_halts_trading_and_is_counted_as_a_breach():
    scene = Scene()
    order = scene.place()
    scene.decide(NotSent(order.client_order_id, "no"))

    step = scene.fill(order)

    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert scene.ledger.account.breaches == 1
    assert any(text.startswith("I9") for text in alarms(step))
    assert scene.position.quantity == 1


def test_an_answer_that_takes_an_order_proven_dead_is_a_breach():
    scene = Scene()
    order = scene.place()
    scene.decide(NotSent(order.client_order_id, "no"))

    scene.accept(order)

    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert scene.ledger.account.breaches == 1


def test_a_refused_order_that_is_shown_as_rejected_is_no_breach():
    scene = Scene()
    order = scene.place()
    scene.decide(Refused(order.client_order_id, -2010, "no"))

    step = scene.hear(order, OrderStatus.REJECTED)

    assert alarms(step) == []
    assert scene.ledger.account.breaches == 0


def test_a_second_sighting_of_a_breach_is_alarmed_again_but_halts_only_once():
    scene = Scene()
    order = scene.place()
    scene.decide(NotSent(order.client_order_id, "no"))
    scene.hear(order)

    step = scene.hear(order)

    assert kinds(step) == [e.RawReceived, e.AlarmRaised, e.BreachFound]


def test_a_status_that_contradicts_ours_closes_the_symbol_and_keeps_the_session():
    scene = Scene()
    order = scene.place()
    scene.fill(order)

    step = scene.hear(order, OrderStatus.CANCELED, 1)

    assert scene.ledger.symbol(BTC).state is SymbolState.CLOSED
    assert scene.ledger.session is not None and scene.ledger.session.status == "RUNNING"
    assert alarms(step)


def test_an_old_acknowledgement_of_a_rejected_conditional_order_is_old_news():
    scene = Scene()
    order = scene.place(limit_price=100)
    scene.accept(order)
    scene.hear(order, OrderStatus.REJECTED)

    step = scene.hear(order, OrderStatus.NEW)

    assert kinds(step) == [e.RawReceived]
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING


def test_a_symbol_that_is_closed_for_a_contradiction_opens_nothing_by_what_rests_in_it():
    scene = Scene()
    scene.hold(2)
    entry, elsewhere = scene.place(limit_price=90), scene.place(limit_price=90, symbol=ETH)
    for order in (entry, elsewhere):
        scene.accept(order)

    steps = [scene.decide(Refused(elsewhere.client_order_id, -2010, "no")) for _ in range(2)]
    other = scene.decide(Refused(entry.client_order_id, -2010, "no"))

    assert [cancels(step) for step in steps] == [[elsewhere.client_order_id], []]
    assert cancels(other) == [entry.client_order_id]
    assert all(scene.ledger.symbol(symbol).state is SymbolState.CLOSED for symbol in (BTC, ETH))
