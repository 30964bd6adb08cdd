"""The review of parent orders as a whole, before any of their parts is sent."""

from decimal import Decimal

import pytest

from src.domain.orders.parents import ParentKind
from src.domain.orders.types import OrderType
from src.domain.risk.limits import RiskLimits
from src.domain.risk.parents import review_parent
from src.domain.risk.review import Approved, Denied
from tests.support.domain_builders import BTC, MARK, a_ledger, a_ticket, a_view
from tests.support.domain_scene import Scene
from tests.support.ledger_builders import START_MS, a_parent_ticket

SLICES = 400


class Counted(Decimal):
    """A number that counts how often it is added or taken away."""

    times = 0

    def __add__(self, other):
        Counted.times += 1
        return Decimal(self) + Decimal(other)

    def __radd__(self, other):
        Counted.times += 1
        return Decimal(other) + Decimal(self)

    def __rsub__(self, other):
        Counted.times += 1
        return Decimal(other) - Decimal(self)


def test_a_schedule_of_many_slices_is_judged_in_one_pass_over_them():
    ticket = a_parent_ticket(
        kind=ParentKind.VWAP,
        quantity=Decimal(1),
        reference_price=MARK,
        slices=SLICES,
        end_ms=START_MS + SLICES * 1_000,
        weights=(Counted(1),) * SLICES,
    )
    Counted.times = 0

    verdict = review_parent(a_ledger(), a_view(), RiskLimits(), ticket, START_MS)

    assert isinstance(verdict, Denied)
    assert "a part of it could not be sent" in verdict.objection.text
    assert Counted.times <= 4 * SLICES


@pytest.mark.parametrize(("most", "verdict"), [(4, Approved), ("3.999", Denied)])
def test_both_legs_of_an_entry_may_fill_so_that_both_have_to_be_allowed(most: int | str, verdict: type):
    legs = (
        a_ticket(quantity=2, limit_price=MARK),
        a_ticket(quantity=2, order_type=OrderType.STOP_MARKET, stop_price=MARK),
    )
    ticket = a_parent_ticket(
        kind=ParentKind.OCO, symbol=BTC, quantity=Decimal(2), reference_price=MARK, legs=legs, slices=0
    )
    limits = RiskLimits(symbol_exposure_max=Decimal(most) * MARK)
    scene = Scene()

    assert type(review_parent(scene.ledger, scene.view, limits, ticket, START_MS)) is verdict
