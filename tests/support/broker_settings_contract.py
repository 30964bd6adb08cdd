"""What every adapter of the Broker port must do about an account's settings: mode, margin type, leverage, brackets."""

from decimal import Decimal
from itertools import pairwise

import pytest

from src.application.ports.broker import BrokerRefused
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.news import Refused
from tests.support.broker_venue import SYMBOL, Venue, submit


class SettingsContract:
    """The part of the contract that is about settings; subclasses supply the ``venue`` fixture."""

    async def test_settings_can_be_set_and_read(self, venue: Venue):
        await venue.broker.set_leverage(SYMBOL, 7)
        await venue.broker.set_margin_type(SYMBOL, "CROSSED")
        await venue.broker.set_hedge_mode(False)

        assert await venue.broker.leverage(SYMBOL) == 7
        assert await venue.broker.margin_type(SYMBOL) == "CROSSED"
        assert await venue.broker.hedge_mode() is False

    async def test_an_impossible_setting_is_refused(self, venue: Venue):
        with pytest.raises(BrokerRefused):
            await venue.broker.set_leverage(SYMBOL, 1000)

    async def test_hedge_mode_keeps_long_and_short_apart(self, venue: Venue):
        await venue.broker.set_hedge_mode(True)
        one_way = await submit(venue, "c-0")
        long, short = {"position_side": PositionSide.LONG}, {"position_side": PositionSide.SHORT}
        await submit(venue, "c-1", **long)
        await submit(venue, "c-2", side=OrderSide.SELL, quantity=Decimal("0.02"), **short)
        await submit(venue, "c-3", reduce_only=True, **short)
        with pytest.raises(BrokerRefused) as refused:
            await venue.broker.set_hedge_mode(False)

        held = {report.position_side: report.quantity for report in await venue.broker.positions()}
        assert isinstance(one_way, Refused)
        assert (one_way.code, refused.value.code) == (-4061, -4068)
        assert held == {PositionSide.LONG: Decimal("0.01"), PositionSide.SHORT: Decimal("-0.01")}
        closing = await venue.broker.find(SYMBOL, "c-3")
        assert closing is not None
        assert closing.reduce_only

    async def test_an_isolated_position_has_a_wallet_of_its_own(self, venue: Venue):
        await venue.broker.set_margin_type(SYMBOL, "ISOLATED")
        await venue.broker.set_leverage(SYMBOL, 10)
        await submit(venue, "c-1")
        with pytest.raises(BrokerRefused) as refused:
            await venue.broker.set_margin_type(SYMBOL, "CROSSED")

        position = (await venue.broker.positions())[0]
        assert (position.is_isolated, position.leverage) == (True, 10)
        assert position.isolated_wallet == position.entry_price * position.quantity / 10
        assert position.liquidation_price is not None
        assert position.liquidation_price < position.entry_price
        assert refused.value.code == -4048

    async def test_leverage_brackets_follow_each_other_without_a_gap(self, venue: Venue):
        brackets = await venue.broker.leverage_brackets(SYMBOL)

        assert brackets[0].notional_floor == 0
        for lower, higher in pairwise(brackets):
            assert lower.notional_cap == higher.notional_floor
            assert lower.leverage_max >= higher.leverage_max
            step = higher.maintenance_rate - lower.maintenance_rate
            assert higher.deduction == lower.deduction + higher.notional_floor * step
