"""Only a code on the list is a refusal; everything else leaves the outcome open."""

import pytest

from src.domain.orders.news import OutcomeUnknown, Refused
from src.infrastructure.brokers.binance_codes import outcome_of_error


@pytest.mark.parametrize(
    "code",
    [-1021, -1111, -2019, -2021, -2022, -4105, -4106, -4107, -4131, -4164, -5022, -1008, -1015, -5028],
)
def test_a_definite_code_is_a_refusal(code: int):
    assert outcome_of_error("c-1", code, "no") == Refused("c-1", code, "no")


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -4116, -9999, 0])
def test_any_other_code_proves_nothing(code: int):
    assert isinstance(outcome_of_error("c-1", code, "perhaps"), OutcomeUnknown)
