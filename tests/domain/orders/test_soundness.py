"""What the exchange would refuse of a ticket is said before anything is sent."""

from decimal import Decimal

import pytest

from src.domain.market.sides import OrderSide
from src.domain.orders.soundness import nearest_share, too_near, unsoundness
from src.domain.orders.types import OrderType
from tests.support.domain_builders import BUY, SELL, START_MS, an_exit, an_instrument


@pytest.mark.parametrize(
    ("callback", "is_sound"),
    [("0.001", True), ("0.2", True), ("0.201", False), ("0.0005", False), ("0.0015", False)],
)
def test_a_trailing_stop_follows_at_a_tenth_to_twenty_percent(callback: str, is_sound: bool):
    ticket = an_exit(order_type=OrderType.TRAILING_STOP_MARKET, callback_pct=Decimal(callback))

    trouble = unsoundness(ticket, an_instrument(), START_MS)

    assert (trouble is None) is is_sound
    assert is_sound or "write 0.001 to 0.2 (a tenth to twenty percent) in steps of 0.001" in str(trouble)


@pytest.mark.parametrize(("side", "sound", "unsound"), [(BUY, "99.9", "100"), (SELL, "100.1", "100")])
def test_a_trailing_stop_is_activated_before_the_market_not_at_it_or_behind(
    side: OrderSide, sound: str, unsound: str
):
    def trouble(activation: str) -> str | None:
        ticket = an_exit(
            side=side,
            order_type=OrderType.TRAILING_STOP_MARKET,
            callback_pct=Decimal("0.01"),
            activation_price=Decimal(activation),
        )
        return unsoundness(ticket, an_instrument(), START_MS)

    where = "below" if side is BUY else "above"
    assert trouble(sound) is None
    assert f"is activated {where} the market at 100, not at {unsound}" in str(trouble(unsound))


@pytest.mark.parametrize(("target", "is_near"), [("0.001", False), ("0.0009", True), ("0", False)])
def test_a_target_may_lie_a_tick_from_its_entry_and_no_nearer(target: str, is_near: bool):
    trouble = too_near(Decimal(100), Decimal("0.1"), nearest_share(Decimal("0.02"), Decimal(target)))

    assert (trouble is not None) is is_near
