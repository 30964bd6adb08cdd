"""A stop is refused for good, and the market has nobody to close with: tries are spaced out, and trading goes on."""

from src.domain.decisions.news import Tick
from src.domain.decisions.watch import UNPROTECTED
from src.domain.orders.news import OrderNews, Refused
from src.domain.orders.types import OrderStatus, Purpose
from tests.support.domain_builders import BTC, a_fill, a_report
from tests.support.domain_scene import Scene, purposes

SECOND_MS = 1_000


def refuse_the_stop(scene):
    """Turn the stop away for what it is; the emergency close that takes its place."""
    step = scene.decide(Refused(scene.stop.client_order_id, -2007, "Invalid callBack rate"))
    assert purposes(step) == [Purpose.EMERGENCY]
    (close,) = scene.open(Purpose.EMERGENCY)
    scene.accept(close)
    return close


def close_in_vain(scene):
    """One round of both; what is sent when the close has ended without a trade."""
    return purposes(scene.hear(refuse_the_stop(scene), OrderStatus.EXPIRED))


def a_scene_of_failed_closes():
    """Two closes in a row have found nobody to trade with."""
    scene = Scene()
    scene.hold(3, protected=False)
    assert close_in_vain(scene) == [Purpose.PROTECTIVE_STOP]
    assert close_in_vain(scene) == []
    return scene


def test_a_market_in_which_nothing_can_be_closed_is_tried_once_a_second():
    scene = a_scene_of_failed_closes()

    pauses = []
    for _ in range(10):
        pauses.append(scene.wait_for(Purpose.PROTECTIVE_STOP))
        assert close_in_vain(scene) == []

    assert pauses == [SECOND_MS] * 10
    assert scene.ledger.symbol(BTC).reason.startswith(UNPROTECTED)


def test_a_close_that_trades_a_part_is_followed_by_a_stop_at_once():
    scene = a_scene_of_failed_closes()
    scene.now_ms += SECOND_MS
    scene.decide(Tick())
    close = refuse_the_stop(scene)

    step = scene.hear(close, OrderStatus.EXPIRED, 1, a_fill(close, 7, 1))

    assert purposes(step) == [Purpose.PROTECTIVE_STOP]
    assert close_in_vain(scene) == [Purpose.PROTECTIVE_STOP]


def test_a_close_whose_trades_are_heard_of_late_has_not_failed():
    scene = a_scene_of_failed_closes()
    scene.now_ms += SECOND_MS
    scene.decide(Tick())
    close = refuse_the_stop(scene)
    count = scene.ledger.refusals[(BTC, close.ticket.position_side, Purpose.EMERGENCY)].count

    scene.hear(close, OrderStatus.EXPIRED, 1)

    assert scene.ledger.refusals[(BTC, close.ticket.position_side, Purpose.EMERGENCY)].count == count


def test_a_close_that_failed_is_counted_once_however_often_it_is_told():
    scene = Scene()
    scene.hold(3, protected=False)
    close = refuse_the_stop(scene)
    scene.hear(close, OrderStatus.EXPIRED)

    scene.stream(OrderNews(a_report(close, OrderStatus.EXPIRED, exchange_order_id=4_711)))

    assert scene.ledger.refusals[(BTC, close.ticket.position_side, Purpose.EMERGENCY)].count == 1
