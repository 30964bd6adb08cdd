"""A signal is a record that cannot be wrong once it exists."""

from decimal import Decimal
from typing import Any

import pytest

from src.domain.shared.errors import InvariantViolated
from src.domain.signals import Signal, SignalGenerated, SignalType


def a_signal(**changes) -> Signal:
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "signal_type": SignalType.BUY,
        "strategy_id": "sma_cross",
        "confidence": Decimal("0.5"),
        "reason": "The fast average crossed above the slow one.",
        "numbers": (("fast", Decimal("61800.1")),),
        "reference_price": Decimal("61800"),
        "at_ms": 1_723_161_255_000,
    }
    return Signal(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"confidence": Decimal("1.01")}, "confidence"),
        ({"confidence": Decimal("-0.01")}, "confidence"),
        ({"confidence": Decimal("NaN")}, "confidence"),
        ({"reference_price": Decimal(0)}, "reference price"),
        ({"reference_price": Decimal("Infinity")}, "reference price"),
        ({"reason": ""}, "sentence"),
        ({"reason": "one\ntwo"}, "sentence"),
        ({"numbers": (("fast", Decimal("1.2345678901")),)}, "fast"),
        ({"numbers": (("fast", Decimal("NaN")),)}, "fast"),
    ],
    ids=str,
)
def test_a_signal_that_breaks_its_rules_does_not_come_into_being(changes, complaint):
    with pytest.raises(InvariantViolated, match=complaint):
        a_signal(**changes)


@pytest.mark.parametrize("confidence", ["0", "1", "0.4321"])
def test_a_confidence_may_take_both_ends_of_its_range(confidence):
    assert a_signal(confidence=Decimal(confidence)).confidence == Decimal(confidence)


def test_the_event_name_of_the_documents_is_the_signal_itself():
    assert SignalGenerated is Signal
