"""The gate as the session uses it: changes nothing, lets exits through; what it refused is counted as an event."""

import copy
from collections import Counter
from decimal import Decimal

from src.application.trading.services.pretrade_risk_validator import PretradeRiskValidator
from src.domain.decisions.news import RefuseOrder, RequestModify
from src.domain.ledger.events import OrderDenied
from src.domain.ledger.state import Ledger
from src.domain.positions.position import Position
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Approved, Denied
from tests.domain.decisions.parent_scenes import open_parent
from tests.support.domain_builders import BTC, START_MS, a_ledger, a_ticket, a_view, an_exit
from tests.support.domain_scene import Scene
from tests.support.ledger_builders import ledger_snapshot


def a_validator(ledger: Ledger, **view: object) -> PretradeRiskValidator:
    return PretradeRiskValidator(ledger, a_view(**view), RiskLimits())


def test_a_ticket_within_every_limit_is_approved():
    validator = a_validator(a_ledger())

    assert isinstance(validator.review(a_ticket(), START_MS), Approved)


def test_a_refusal_is_counted_when_it_becomes_one_and_not_by_whoever_only_asks():
    scene = Scene()
    too_large = a_ticket(quantity=5_000)

    verdicts = [a_validator(scene.ledger).review(too_large, START_MS) for _ in range(3)]
    assert not scene.ledger.denied

    denied = [verdict for verdict in verdicts if isinstance(verdict, Denied)]
    scene.decide(RefuseOrder(denied[0]))
    scene.decide(RefuseOrder(denied[1]))

    assert scene.ledger.denied == {denied[0].objection.rule: 2}


def test_a_refusal_inside_a_decision_is_counted_like_any_other():
    scene = Scene(limits=RiskLimits(order_value_max=Decimal(1)))
    order = scene.place(limit_price=99)
    scene.accept(order)

    steps = [
        scene.decide(RequestModify(order.client_order_id, Decimal(99), Decimal(2), "a test")),
        open_parent(scene)[0],
    ]

    told = [event.rule for step in steps for event in step.events if isinstance(event, OrderDenied)]
    assert len(told) == 2
    assert scene.ledger.denied == Counter(told)


def test_a_review_leaves_the_ledger_as_it_was():
    ledger = a_ledger()
    before = copy.deepcopy(ledger_snapshot(ledger))

    a_validator(ledger).review(a_ticket(), START_MS)
    a_validator(ledger).review(a_ticket(quantity=5_000), START_MS)

    assert ledger_snapshot(ledger) == before


def test_bad_data_stops_an_entry_and_no_exit():
    ledger = a_ledger()
    position = Position(BTC, quantity=Decimal(1), cost=Decimal(100), strategy_id="sma")
    ledger.positions[BTC, position.position_side] = position
    validator = a_validator(ledger, objection="the quotes are stale")

    assert isinstance(validator.review(a_ticket(), START_MS), Denied)
    assert isinstance(validator.review(an_exit(), START_MS), Approved)
