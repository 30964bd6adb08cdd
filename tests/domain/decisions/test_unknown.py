"""Orders of unknown outcome: the alarm, fences, a person's release, and what happens when a tombstone lives."""

from decimal import Decimal

import pytest

from src.domain.decisions import news as n
from src.domain.decisions.fence import FENCE
from src.domain.ledger import events as e
from src.domain.market.sides import OrderSide
from src.domain.orders.news import OrderNews, OutcomeUnknown
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, OrderType, Purpose, TimeInForce
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import SymbolState, TradingState, TradingTrigger
from tests.support.domain_builders import BTC, ETH, MARK, a_fill, a_read, a_report, an_instrument, exchange_id
from tests.support.domain_scene import Scene, alarms, cancels, kinds, reconciles, submits


def a_scene_in_doubt(**ticket):
    scene = Scene()
    order = scene.place(**ticket)
    step = scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))
    return scene, order, step


def release(scene, order, *, late_ms: int = 1, reason: str = "seen in the app"):
    until_ms = scene.now_ms + 250 - late_ms
    return scene.decide(n.ReleaseAttempt(order.client_order_id, "operator", reason, until_ms))


def move_trading(scene, trigger):
    scene.decide(n.MoveTrading(trigger, "a test", "operator"))


def test_an_unknown_outcome_holds_its_reservation_restricts_its_symbol_and_tells_somebody():
    scene, order, step = a_scene_in_doubt()

    book = scene.ledger.symbol(BTC)
    assert (book.pending_buy, book.state) == (1, SymbolState.REDUCE_ONLY)
    assert any(order.client_order_id in text for text in alarms(step))
    assert reconciles(step)


def test_a_symbol_is_free_again_though_an_outcome_in_another_is_unknown():
    scene, order, _ = a_scene_in_doubt()
    other = scene.place(symbol=ETH)
    scene.decide(OutcomeUnknown(other.client_order_id, "timeout"))

    scene.decide(a_read(dead=[order.client_order_id]))

    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING
    assert scene.ledger.symbol(ETH).state is SymbolState.REDUCE_ONLY


def test_a_proof_of_death_says_what_it_rests_on():
    scene, order, _ = a_scene_in_doubt()

    scene.decide(a_read(dead=[order.client_order_id], proofs=[(order.client_order_id, "a fence")]))

    assert order.attempt_state is AttemptState.DEAD
    assert order.reason == "a fence"


# --- fences -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notional_min", ["5", "4.8", "0.01"])
def test_a_fence_is_small_post_only_far_from_the_market_recorded_and_reserved(notional_min):
    scene, order, _ = a_scene_in_doubt()
    scene.view.instruments[BTC] = an_instrument(notional_min=Decimal(notional_min))

    (sent,) = submits(scene.decide(n.PlaceFence(BTC)))

    ticket = sent.ticket
    instrument = scene.view.instruments[BTC]
    assert (ticket.purpose, ticket.strategy_id, ticket.time_in_force) == (
        Purpose.FENCE,
        FENCE,
        TimeInForce.GTX,
    )
    assert (ticket.order_type, ticket.side, ticket.reduce_only) == (OrderType.LIMIT, OrderSide.BUY, False)
    assert ticket.limit_price == Decimal(96)
    assert instrument.objection_to(ticket.quantity, ticket.limit_price, MARK, False) is None
    assert instrument.objection_to(ticket.quantity - instrument.step_size, ticket.limit_price, MARK, False)
    assert scene.ledger.symbol(BTC).pending_buy == order.quantity + ticket.quantity


def test_beside_a_position_the_fence_can_only_reduce_it():
    scene = Scene()
    scene.hold(2)
    order = scene.place()
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))

    (sent,) = submits(scene.decide(n.PlaceFence(BTC)))

    assert (sent.ticket.side, sent.ticket.reduce_only) == (OrderSide.SELL, True)
    assert sent.ticket.limit_price == Decimal(104)


@pytest.mark.parametrize("trigger", [TradingTrigger.HALT, TradingTrigger.REDUCE])
def test_a_halted_or_restricted_account_places_no_fence_that_could_open(trigger):
    scene, _, _ = a_scene_in_doubt()
    move_trading(scene, trigger)

    assert submits(scene.decide(n.PlaceFence(BTC))) == []


def test_a_closed_symbol_places_no_fence_that_could_open():
    scene, _, _ = a_scene_in_doubt()
    scene.ledger.symbol(BTC).state = SymbolState.CLOSED

    assert submits(scene.decide(n.PlaceFence(BTC))) == []


def test_a_halt_does_not_stand_in_the_way_of_a_fence_that_only_reduces():
    scene = Scene()
    scene.hold(2)
    order = scene.place()
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))
    move_trading(scene, TradingTrigger.HALT)

    assert len(submits(scene.decide(n.PlaceFence(BTC)))) == 1


def test_there_is_one_fence_at_a_time_and_none_without_a_price():
    scene, _, _ = a_scene_in_doubt()
    scene.view.marks[BTC] = None
    blind = scene.decide(n.PlaceFence(BTC))
    scene.view.marks[BTC] = MARK
    scene.decide(n.PlaceFence(BTC))

    second = scene.decide(n.PlaceFence(BTC))

    assert submits(blind) == submits(second) == []


@pytest.mark.parametrize("trigger", [SessionTrigger.STOP, SessionTrigger.PAUSE])
def test_a_session_that_does_not_run_places_no_fence(trigger):
    scene, _, _ = a_scene_in_doubt()
    scene.decide(n.MoveSession(trigger, "a test"))

    assert submits(scene.decide(n.PlaceFence(BTC))) == []


def test_a_fence_that_was_seen_is_cancelled_once_and_the_exchange_is_asked_again():
    scene, _, _ = a_scene_in_doubt()
    scene.decide(n.PlaceFence(BTC))
    (fence,) = scene.open(Purpose.FENCE)

    accepted, seen, again = scene.accept(fence), scene.hear(fence), scene.hear(fence)

    assert cancels(accepted) == cancels(again) == []
    assert cancels(seen) == [fence.client_order_id]
    assert reconciles(seen)


def test_a_fence_that_a_read_shows_is_cancelled_too():
    scene, _, _ = a_scene_in_doubt()
    scene.decide(n.PlaceFence(BTC))
    (fence,) = scene.open(Purpose.FENCE)

    step = scene.decide(a_read(orders=[a_report(fence)]))

    assert cancels(step) == [fence.client_order_id]


def test_a_fence_that_is_filled_against_all_odds_is_booked_and_guarded():
    scene, _, _ = a_scene_in_doubt()
    scene.decide(n.PlaceFence(BTC))
    (fence,) = scene.open(Purpose.FENCE)

    scene.fill(fence)

    assert scene.position.quantity == fence.quantity
    assert scene.open(Purpose.PROTECTIVE_STOP)


# --- release ------------------------------------------------------------------------------------------------


def test_a_release_frees_reservation_and_symbol_and_says_who_and_why():
    scene, order, _ = a_scene_in_doubt()

    step = release(scene, order)

    assert order.attempt_state is AttemptState.DEAD
    assert scene.ledger.symbol(BTC).pending_buy == 0
    assert scene.ledger.symbol(BTC).state is SymbolState.TRADING
    assert kinds(step) == [e.OutcomeReleased, e.AttemptMoved, e.SymbolMoved]
    assert step.events[0] == e.OutcomeReleased(order.client_order_id, "operator", "seen in the app")
    assert order.reason == "released by operator: seen in the app"


@pytest.mark.parametrize("wrong", ["known", "nobody's", "too early", "no reason", "twice"])
def test_what_is_not_in_doubt_may_still_arrive_or_has_no_reason_is_not_released(wrong):
    scene, order, _ = a_scene_in_doubt()
    if wrong == "known":
        scene.accept(order)
    if wrong == "twice":
        release(scene, order)
    before = len(scene.journal)

    with pytest.raises(ValueError, match=r"order|reason"):
        if wrong == "nobody's":
            scene.decide(n.ReleaseAttempt("nobody", "operator", "a test", 0))
        else:
            release(
                scene,
                order,
                late_ms=0 if wrong == "too early" else 1,
                reason="" if wrong == "no reason" else "a test",
            )

    assert len(scene.journal) == before


# --- tombstones ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["proven", "released"])
def test_a_tombstone_that_lives_is_adopted_counted_and_halts_trading(how):
    scene, order, _ = a_scene_in_doubt(quantity=2, limit_price=99)
    if how == "proven":
        scene.decide(a_read(dead=[order.client_order_id]))
    else:
        release(scene, order)
    scene.ledger.release_settled()

    step = scene.stream(
        OrderNews(a_report(order, OrderStatus.PARTIALLY_FILLED, 1), a_fill(order, 1, 1)), known=(order,)
    )

    assert scene.ledger.account.breaches == 1
    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert scene.position.quantity == 1
    assert scene.open(Purpose.PROTECTIVE_STOP)
    assert order.attempt_state is AttemptState.DEAD
    assert cancels(step) == [order.client_order_id]


def test_each_event_of_a_tombstone_is_counted_and_a_rearm_does_not_forget_them():
    scene, order, _ = a_scene_in_doubt(limit_price=99)
    scene.decide(a_read(dead=[order.client_order_id]))
    scene.hear(order)
    move_trading(scene, TradingTrigger.REARM)

    scene.hear(order, OrderStatus.CANCELED)

    assert scene.ledger.account.breaches == 2
    assert scene.ledger.account.trading_state is TradingState.HALTED


def test_a_trade_read_for_a_tombstone_by_the_exchanges_id_is_booked_to_it():
    scene, order, _ = a_scene_in_doubt()
    scene.decide(a_read(dead=[order.client_order_id]))

    fill = a_fill(order, 3, 1, exchange_order_id=exchange_id(order))
    scene.decide(a_read(fills=[fill], orders=[a_report(order, OrderStatus.FILLED, 1)], known=[order]))

    assert scene.position.quantity == 1
    assert order.filled_quantity == 1
    assert scene.ledger.account.breaches
