"""What the exchange would refuse of a ticket is said before anything is sent."""

from decimal import Decimal

import pytest

from src.domain.orders.soundness import unsoundness
from src.domain.orders.types import OrderType
from tests.support.domain_builders import START_MS, an_exit, an_instrument


@pytest.mark.parametrize(
    ("callback", "is_sound"),
    [("0.001", True), ("0.2", True), ("0.201", False), ("0.0005", False), ("0.0015", False)],
)
def test_a_trailing_stop_follows_at_a_tenth_to_twenty_percent(callback: str, is_sound: bool):
    ticket = an_exit(order_type=OrderType.TRAILING_STOP_MARKET, callback_pct=Decimal(callback))

    trouble = unsoundness(ticket, an_instrument(), START_MS)

    assert (trouble is None) is is_sound
    assert is_sound or "write 0.001 to 0.2 (a tenth to twenty percent) in steps of 0.001" in str(trouble)
