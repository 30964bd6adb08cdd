"""What takes an excess back survives crashes and refusals, and never takes more than that."""

from decimal import Decimal

import pytest

from src.domain.decisions.news import (
    RecoveryConcluded,
    TakeOver,
)
from src.domain.ledger.evolve import fold
from src.domain.market.instrument import Instrument
from src.domain.orders.news import NotSent, OutcomeUnknown, Refused
from src.domain.orders.types import OrderStatus, Purpose
from tests.domain.decisions.trim_scenes import (
    PAUSE_MS,
    STOP_TRADE,
    TURN_TRADE,
    a_race,
    a_turn,
    is_at_work,
    later,
    taken_back,
    the_trim,
    trims,
)
from tests.support.domain_builders import BTC, BUY, a_fill, a_read, a_report, an_instrument
from tests.support.domain_scene import Scene, alarms
from tests.support.ledger_builders import ledger_snapshot


def crash(scene: Scene) -> None:
    """The process dies after its commit; the next has the journal, and has read the exchange."""
    scene.ledger = fold(scene.journal)
    scene.ledger.changes.orders |= scene.ledger.orders
    scene.ledger.release_settled()
    scene.ledger.changes.clear()
    scene.decide(TakeOver(scene.ledger.account.epoch + 1))


def recovered(scene: Scene, **read):
    """What a read of the exchange and the end of recovery lead to."""
    steps = [scene.decide(a_read(**read)), scene.decide(RecoveryConcluded("start", 0, 0, 0, ()))]
    return [each for step in steps for each in trims(step)]


# --- crashes ---


def test_a_crash_between_the_two_trades_loses_nothing():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE)

    crash(scene)
    turn = scene.ledger.orders[turn.client_order_id]
    report = a_report(turn, OrderStatus.FILLED, 2)

    read = scene.decide(a_read(fills=[a_fill(turn, TURN_TRADE, 2)], orders=[report]))

    assert trims(read) == []
    assert recovered(scene) == taken_back(1)


def test_a_race_that_only_recovery_finds_is_taken_back():
    scene = Scene()
    stop, turn = a_turn(scene)

    crash(scene)
    stop, turn = (scene.ledger.orders[order.client_order_id] for order in (stop, turn))
    read = {
        "fills": [a_fill(stop, STOP_TRADE, 1), a_fill(turn, TURN_TRADE, 2)],
        "orders": [a_report(stop, OrderStatus.FILLED, 1), a_report(turn, OrderStatus.FILLED, 2)],
    }

    assert recovered(scene, **read) == taken_back(1)
    assert trims(scene.decide(a_read(**read))) == []


def test_a_stop_whose_trade_only_recovery_finds_is_taken_back_when_the_turn_is_long_over():
    scene = Scene()
    stop, turn = a_turn(scene)
    scene.fill(turn, TURN_TRADE)

    crash(scene)
    stop = scene.ledger.orders[stop.client_order_id]

    read = {"fills": [a_fill(stop, STOP_TRADE, 1)], "orders": [a_report(stop, OrderStatus.FILLED, 1)]}
    assert recovered(scene, **read) == taken_back(1)


def test_what_was_decided_and_never_sent_is_sent_anew_after_a_crash_and_once():
    scene = Scene()
    trim, _ = a_race(scene)

    crash(scene)
    unresolved = recovered(scene)
    dead = trims(scene.decide(a_read(dead=[trim.client_order_id])))
    step = later(scene)

    assert (unresolved, dead) == ([], [])
    assert trims(step) == taken_back(1)
    scene.fill(the_trim(scene), 12)
    assert scene.position.quantity == -1
    assert trims(later(scene)) == []


def test_what_arrived_before_a_crash_is_not_sent_twice():
    scene = Scene()
    trim, _ = a_race(scene)

    crash(scene)
    trim = scene.ledger.orders[trim.client_order_id]
    read = {"fills": [a_fill(trim, 12, 1)], "orders": [a_report(trim, OrderStatus.FILLED, 1)]}

    assert recovered(scene, **read) == []
    assert trims(later(scene)) == []
    assert not is_at_work(scene)


def test_the_journal_and_the_ledger_say_the_same_of_it_at_every_moment():
    scene = Scene()
    stop, turn = a_turn(scene)
    for happens in (
        lambda: scene.fill(stop, STOP_TRADE, "0.5"),
        lambda: scene.fill(turn, TURN_TRADE, 1),
        lambda: scene.fill(stop, STOP_TRADE + 5, "0.5"),
        lambda: scene.fill(turn, TURN_TRADE + 5),
        lambda: later(scene),
    ):
        happens()
        assert ledger_snapshot(fold(scene.journal)) == ledger_snapshot(scene.ledger)


# --- what becomes of the order that takes it back ---


@pytest.mark.parametrize(
    "outcome",
    [
        lambda order: NotSent(order.client_order_id, "no route"),
        lambda order: Refused(order.client_order_id, -1008, "busy"),
        lambda order: Refused(order.client_order_id, -4140, "halted"),
    ],
)
def test_what_comes_to_nothing_is_tried_again_a_little_later(outcome):
    scene = Scene()
    trim, _ = a_race(scene)

    refused = scene.decide(outcome(trim))
    early, due = later(scene, PAUSE_MS - 1), later(scene, 1)

    assert (trims(refused), trims(early)) == ([], [])
    assert trims(due) == taken_back(1)
    assert alarms(due) == []


def test_what_fills_in_part_is_completed():
    scene = Scene()
    trim, _ = a_race(scene)

    scene.fill(trim, 12, "0.7")
    scene.hear(trim, OrderStatus.EXPIRED, Decimal("0.7"))

    assert trims(later(scene)) == taken_back("0.3")


def test_an_unknown_outcome_is_waited_for():
    scene = Scene()
    trim, _ = a_race(scene)

    lost = scene.decide(OutcomeUnknown(trim.client_order_id, "timeout"))
    waits = later(scene)
    dead = scene.decide(a_read(dead=[trim.client_order_id]))

    assert [*trims(lost), *trims(waits), *trims(dead)] == []
    assert trims(later(scene)) == taken_back(1)


def test_what_the_exchange_takes_in_one_order_is_what_is_sent():
    scene = Scene()
    scene.view.instruments[BTC] = an_instrument(market_quantity_max=Decimal("0.6"))
    trim, step = a_race(scene)

    rest = scene.fill(trim, 12)

    assert (trims(step), trims(rest)) == (taken_back("0.6"), taken_back("0.4"))


@pytest.mark.parametrize(
    "instrument", [an_instrument(step_size=Decimal(2)), an_instrument(quantity_min=Decimal(2))]
)
def test_what_is_too_little_to_order_is_left_with_its_stop(instrument: Instrument):
    scene = Scene()
    scene.view.instruments[BTC] = instrument

    stop, turn = a_turn(scene)
    scene.fill(stop, STOP_TRADE, 1)
    step = scene.fill(turn, TURN_TRADE)

    assert trims(step) == []
    assert not is_at_work(scene)
    assert any(o.side is BUY and o.quantity == 2 for o in scene.open(Purpose.PROTECTIVE_STOP))


def test_an_excess_below_the_smallest_notional_is_taken_back_as_reducing_orders_may_be():
    scene = Scene()
    scene.view.instruments[BTC] = an_instrument(notional_min=Decimal(1_000_000))

    _, step = a_race(scene)

    assert trims(step) == taken_back(1)
