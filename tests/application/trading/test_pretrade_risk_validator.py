"""The gate as the session uses it: counts what it refused, changes nothing, and lets exits through."""

import copy
from decimal import Decimal

from src.application.trading.services.pretrade_risk_validator import PretradeRiskValidator
from src.domain.ledger.state import Ledger
from src.domain.positions.position import Position
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Approved, Denied
from tests.support.domain_builders import BTC, START_MS, a_ledger, a_ticket, a_view, an_exit
from tests.support.ledger_builders import ledger_snapshot


def a_validator(ledger: Ledger, **view: object) -> PretradeRiskValidator:
    return PretradeRiskValidator(ledger, a_view(**view), RiskLimits())


def test_a_ticket_within_every_limit_is_approved():
    validator = a_validator(a_ledger())

    assert isinstance(validator.review(a_ticket(), START_MS), Approved)
    assert not validator.refusals


def test_refusals_are_counted_by_rule():
    validator = a_validator(a_ledger())
    too_large = a_ticket(quantity=5_000)

    verdicts = [validator.review(too_large, START_MS) for _ in range(3)]

    (rule,) = {verdict.objection.rule for verdict in verdicts if isinstance(verdict, Denied)}
    assert validator.refusals == {rule: 3}


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
