"""A parent order cannot be wrong once it exists, and knows how far it has come."""

from dataclasses import replace
from decimal import Decimal

import pytest

from src.domain.orders.parents import ParentKind, ParentOrder
from src.domain.shared.errors import InvariantViolated
from tests.support.ledger_builders import START_MS, a_parent_ticket, a_ticket

LEG = a_ticket(limit_price=None)


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal(0)},
        {"slices": 0},
        {"end_ms": START_MS + 3},
        {"kind": ParentKind.VWAP},
        {"kind": ParentKind.VWAP, "weights": (Decimal(1),)},
        {"weights": (Decimal(0),) * 4},
        {"weights": (Decimal(-1), Decimal(1), Decimal(1), Decimal(1))},
        {"kind": ParentKind.ICEBERG, "limit_price": Decimal(100)},
        {"kind": ParentKind.ICEBERG, "limit_price": Decimal(100), "visible_quantity": Decimal(1)},
        {"kind": ParentKind.ICEBERG, "visible_quantity": Decimal("0.1")},
        {"kind": ParentKind.TRIM, "reduce_only": True},
        {"kind": ParentKind.TRIM, "reduce_only": True, "keeps": Decimal(-1)},
        {"kind": ParentKind.TRIM, "keeps": Decimal(1)},
        {"kind": ParentKind.OCO, "legs": (LEG,)},
        {"kind": ParentKind.OCO, "quantity": LEG.quantity, "legs": (LEG, replace(LEG, quantity=Decimal(2)))},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_no_parent(changes):
    with pytest.raises(InvariantViolated):
        a_parent_ticket(**changes)


@pytest.mark.parametrize(
    ("after_ms", "number"), [(-1, -1), (0, 0), (59_999, 0), (60_000, 1), (239_999, 3), (10**9, 3)]
)
def test_every_moment_lies_in_a_slice(after_ms, number):
    parent = ParentOrder("p", a_parent_ticket(), "session-1", 1, START_MS)

    assert parent.slice_at(START_MS + after_ms) == number
