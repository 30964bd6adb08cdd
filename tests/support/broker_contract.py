"""What every adapter of the Broker port must do, whatever is behind it.

A subclass supplies the ``venue`` fixture: a broker that is open, what it has delivered so far, and a hand on the
market behind it. ``settle`` lets everything that is on its way arrive.
"""

from decimal import Decimal

import pytest

from src.application.ports.broker import UserEvent
from src.domain.market.sides import OrderSide
from src.domain.orders.news import (
    Accepted,
    CancelAccepted,
    CancelRefused,
    ModifyAccepted,
    ModifyRefused,
    ModifyUnknown,
    NotSent,
    OrderNews,
    OutcomeUnknown,
    Refused,
    WalletMoved,
)
from src.domain.orders.ticket import Attempt
from src.domain.orders.types import OrderStatus, OrderType, TimeInForce
from tests.support.broker_settings_contract import SettingsContract
from tests.support.broker_venue import SYMBOL, Heard, Venue, a_ticket, a_wish, fills_of, news_of, submit


class BrokerContract(SettingsContract):
    """Subclasses supply the ``venue`` fixture, with a quote of 76000.00 / 76000.10 and 10 000 USDT or more."""

    async def test_an_order_never_sent_is_not_found(self, venue: Venue):
        assert await venue.broker.find(SYMBOL, "nobody") is None

    async def test_an_order_that_is_rehearsed_never_arrives_and_nobody_is_told(self, venue: Venue):
        now = (await venue.broker.server_time()).now_ms
        for ticket in (
            a_ticket(),
            a_ticket(limit_price=Decimal("75000")),
            a_ticket(stop_price=Decimal("75000")),
        ):
            venue.broker.rehearse(ticket, Attempt("r-1", now, 5000))
        await venue.settle()

        assert await venue.broker.find(SYMBOL, "r-1") is None
        assert (venue.heard.submits, venue.heard.events) == ([], [])

    async def test_an_accepted_market_order_is_found_filled(self, venue: Venue):
        outcome = await submit(venue, "c-1")

        found = await venue.broker.find(SYMBOL, "c-1")
        assert isinstance(outcome, Accepted)
        assert found is not None
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, Decimal("0.01"))
        assert (found.exchange_order_id, found.algo_id) == (outcome.exchange_order_id, None)

    async def test_an_order_is_found_by_the_exchanges_id_too(self, venue: Venue):
        outcome = await submit(venue, "c-1")
        assert isinstance(outcome, Accepted) and outcome.exchange_order_id is not None

        found = await venue.broker.find_by_exchange_id(SYMBOL, outcome.exchange_order_id)

        assert found == await venue.broker.find(SYMBOL, "c-1")
        assert await venue.broker.find_by_exchange_id(SYMBOL, outcome.exchange_order_id + 1_000) is None

    async def test_an_accepted_conditional_order_is_found_in_the_algo_store(self, venue: Venue):
        outcome = await submit(venue, "s-1", stop_price=Decimal("75000"))

        found = await venue.broker.find(SYMBOL, "s-1")
        assert isinstance(outcome, Accepted)
        assert found is not None
        assert (found.status, found.algo_id) == (OrderStatus.NEW, outcome.algo_id)
        assert outcome.exchange_order_id is found.exchange_order_id is None
        assert await venue.broker.open_orders() == []
        assert [order.client_order_id for order in await venue.broker.open_algo_orders()] == ["s-1"]

    async def test_the_answer_to_a_submit_says_nothing_about_fills(self, venue: Venue):
        outcome = await submit(venue, "c-1")

        assert isinstance(outcome, Accepted)
        fills = fills_of(venue)
        assert sum(fill.quantity for fill in fills) == Decimal("0.01")
        assert {fill.client_order_id for fill in fills} == {"c-1"}

    async def test_fills_by_the_stream_equal_the_trades_by_asking(self, venue: Venue):
        await submit(venue, "c-1")
        await submit(venue, "c-2", side=OrderSide.SELL, reduce_only=True)

        asked = await venue.broker.trades(SYMBOL, 0)
        told = fills_of(venue)
        assert [(f.trade_id, f.price, f.quantity, f.realized_pnl, f.commission) for f in asked] == [
            (f.trade_id, f.price, f.quantity, f.realized_pnl, f.commission) for f in told
        ]
        assert not any(fill.is_maker for fill in asked)
        assert {fill.margin_asset for fill in asked} == {"USDT"}

    async def test_a_refused_order_never_happened(self, venue: Venue):
        outcome = await submit(venue, "c-1", reduce_only=True)

        assert isinstance(outcome, Refused)
        assert outcome.code == -2022
        assert await venue.broker.find(SYMBOL, "c-1") is None

    async def test_an_id_that_is_taken_is_no_proof_that_nothing_happened(self, venue: Venue):
        await submit(venue, "c-1", limit_price=Decimal("75000"))

        outcome = await submit(venue, "c-1", limit_price=Decimal("75000"))

        assert isinstance(outcome, OutcomeUnknown)
        assert len(await venue.broker.open_orders()) == 1

    async def test_an_attempt_past_its_deadline_is_not_sent(self, venue: Venue):
        now = (await venue.broker.server_time()).now_ms
        venue.broker.submit(a_ticket(), Attempt("c-1", now - 6000, 5000))
        await venue.settle()

        assert isinstance(venue.heard.submits[0], NotSent)
        assert await venue.broker.find(SYMBOL, "c-1") is None

    async def test_a_canceled_order_is_told_and_found_canceled(self, venue: Venue):
        await submit(venue, "c-1", limit_price=Decimal("75000"))
        venue.broker.cancel(SYMBOL, "c-1", conditional=False)
        await venue.settle()

        found = await venue.broker.find(SYMBOL, "c-1")
        assert isinstance(venue.heard.cancels[0], CancelAccepted)
        assert found is not None
        assert found.status is OrderStatus.CANCELED
        statuses = [one.order.status for one in news_of(venue) if isinstance(one, OrderNews)]
        assert OrderStatus.CANCELED in statuses

    async def test_a_conditional_order_is_canceled_in_its_own_store(self, venue: Venue):
        await submit(venue, "s-1", stop_price=Decimal("75000"))
        venue.broker.cancel(SYMBOL, "s-1", conditional=False)
        await venue.settle()
        venue.broker.cancel(SYMBOL, "s-1", conditional=True)
        await venue.settle()

        first, second = venue.heard.cancels
        assert isinstance(first, CancelRefused)
        assert isinstance(second, CancelAccepted)
        assert await venue.broker.open_algo_orders() == []

    async def test_canceling_twice_does_no_harm(self, venue: Venue):
        await submit(venue, "c-1", limit_price=Decimal("75000"))
        for _ in range(2):
            venue.broker.cancel(SYMBOL, "c-1", conditional=False)
            await venue.settle()

        assert isinstance(venue.heard.cancels[1], CancelRefused)
        assert venue.heard.cancels[1].code == -2011

    async def test_a_modified_order_keeps_its_id(self, venue: Venue):
        await submit(venue, "c-1", limit_price=Decimal("75000"))
        venue.broker.modify(a_wish(venue, "c-1", "75100"))
        await venue.settle()

        order = (await venue.broker.open_orders())[0]
        assert (order.client_order_id, order.limit_price, order.quantity) == (
            "c-1",
            Decimal("75100"),
            Decimal("0.02"),
        )
        (outcome,) = venue.heard.modifications
        assert isinstance(outcome, ModifyAccepted)
        assert (outcome.limit_price, outcome.quantity) == (Decimal("75100"), Decimal("0.02"))

    async def test_an_amendment_that_ended_the_order_is_not_told_as_one_that_was_made(self, venue: Venue):
        await submit(venue, "c-1", limit_price=Decimal("75000"), time_in_force=TimeInForce.GTX)
        venue.broker.modify(a_wish(venue, "c-1", "76500"))
        await venue.settle()

        found = await venue.broker.find(SYMBOL, "c-1")
        (outcome,) = venue.heard.modifications
        assert found is not None and found.status is OrderStatus.CANCELED
        assert isinstance(outcome, ModifyUnknown)

    async def test_the_modification_of_an_order_that_is_not_open_is_refused(self, venue: Venue):
        venue.broker.modify(a_wish(venue, "c-9", "75100"))
        await venue.settle()

        (outcome,) = venue.heard.modifications
        assert isinstance(outcome, ModifyRefused)
        assert outcome.code == -2013

    async def test_a_triggered_order_keeps_its_client_id_and_gets_an_order_id(self, venue: Venue):
        await submit(venue, "c-1")
        accepted = await submit(venue, "s-1", stop_price=Decimal("75500"))
        venue.trade("75400.00", "0.5")
        await venue.settle()

        found = await venue.broker.find(SYMBOL, "s-1")
        assert isinstance(accepted, Accepted)
        assert found is not None
        assert (found.status, found.algo_id) == (OrderStatus.FILLED, accepted.algo_id)
        assert found.exchange_order_id is not None
        assert await venue.broker.positions() == []
        triggered = [
            one.order
            for one in news_of(venue)
            if isinstance(one, OrderNews) and one.order.status is OrderStatus.TRIGGERED
        ]
        assert {order.exchange_order_id for order in triggered} == {found.exchange_order_id}

    async def test_positions_and_balances_follow_the_fills(self, venue: Venue):
        before = (await venue.broker.balances())[0].wallet_balance
        await submit(venue, "c-1")

        position = (await venue.broker.positions())[0]
        fills = fills_of(venue)
        assert (position.symbol, position.quantity) == (SYMBOL, Decimal("0.01"))
        assert position.entry_price == sum(f.price * f.quantity for f in fills) / position.quantity
        wallet = (await venue.broker.balances())[0].wallet_balance
        assert wallet == before - sum(fill.commission for fill in fills)

    async def test_trades_are_paged_from_an_id_on(self, venue: Venue):
        for number in range(3):
            await submit(venue, f"c-{number}")

        everything = await venue.broker.trades(SYMBOL, 0)
        last = everything[-1].trade_id
        assert await venue.broker.trades(SYMBOL, last) == everything[-1:]
        assert await venue.broker.trades(SYMBOL, last + 1) == []

    async def test_income_adds_up_to_the_wallet(self, venue: Venue):
        await submit(venue, "c-1")
        await submit(venue, "c-2", side=OrderSide.SELL)
        venue.pay_funding()
        await venue.settle()

        income = await venue.broker.income(0)
        assert sum(row.amount for row in income) == (await venue.broker.balances())[0].wallet_balance
        assert len({(row.income_type, row.transaction_id) for row in income}) == len(income)

    async def test_a_funding_event_brings_its_transaction_or_says_that_there_is_one(self, venue: Venue):
        await submit(venue, "c-1")
        venue.pay_funding()
        await venue.settle()

        told = news_of(venue)
        asked = [row for row in await venue.broker.income(0) if row.income_type == "FUNDING_FEE"]
        assert asked
        moved = [one for one in told if isinstance(one, WalletMoved)]
        assert set(asked) <= set(told) or [one.reason for one in moved] == ["FUNDING_FEE"]

    async def test_fill_or_kill_fills_whole_or_never_was(self, venue: Venue):
        force = TimeInForce.FOK
        filled = await submit(venue, "c-1", limit_price=Decimal("76000.10"), time_in_force=force)
        refused = await submit(venue, "c-2", limit_price=Decimal("76000"), time_in_force=force)

        assert isinstance(filled, Accepted)
        assert isinstance(refused, Refused)
        assert refused.code == -5021
        assert await venue.broker.find(SYMBOL, "c-2") is None

    async def test_an_order_with_a_date_rests(self, venue: Venue):
        till = (await venue.broker.server_time()).now_ms + 3_600_000
        changes = {"time_in_force": TimeInForce.GTD, "good_till_ms": till}
        outcome = await submit(venue, "c-1", limit_price=Decimal("75000"), **changes)

        assert isinstance(outcome, Accepted)
        assert [order.client_order_id for order in await venue.broker.open_orders()] == ["c-1"]

    async def test_a_stop_limit_order_becomes_a_limit_order(self, venue: Venue):
        changes = {"order_type": OrderType.STOP, "limit_price": Decimal("75000"), "time_in_force": None}
        await submit(venue, "c-1")
        await submit(venue, "s-1", stop_price=Decimal("75500"), **changes)
        waiting = (await venue.broker.open_algo_orders())[0]
        venue.trade("75400.00", "0.5")
        await venue.settle()

        found = await venue.broker.find(SYMBOL, "s-1")
        assert (waiting.order_type, waiting.limit_price) == (OrderType.STOP, Decimal("75000"))
        assert found is not None
        assert (found.order_type, found.status) == (OrderType.LIMIT, OrderStatus.FILLED)

    async def test_a_trailing_stop_follows_the_price_and_turns_with_it(self, venue: Venue):
        await submit(venue, "c-1")
        venue.trade("76000.00", "0.5")
        trailing = {"order_type": OrderType.TRAILING_STOP_MARKET, "callback_pct": Decimal("0.01")}
        sides = {"side": OrderSide.SELL, "reduce_only": True}
        outcome = await submit(venue, "s-1", **trailing, **sides)
        for price in ("77000.00", "76300.00"):
            venue.trade(price, "0.5")
        await venue.settle()
        still = await venue.broker.find(SYMBOL, "s-1")
        venue.trade("76200.00", "0.5")
        await venue.settle()

        found = await venue.broker.find(SYMBOL, "s-1")
        assert isinstance(outcome, Accepted)
        assert still is not None
        assert found is not None
        assert (still.status, found.status) == (OrderStatus.NEW, OrderStatus.FILLED)

    async def test_an_order_that_closes_the_position_closes_what_is_there_then(self, venue: Venue):
        await submit(venue, "c-1")
        await submit(venue, "s-1", stop_price=Decimal("75500"), close_position=True)
        second = await submit(venue, "s-2", stop_price=Decimal("75400"), close_position=True)
        await submit(venue, "c-2")
        venue.trade("75400.00", "0.5")
        await venue.settle()

        assert isinstance(second, Refused)
        assert second.code == -4130
        assert await venue.broker.positions() == []
        assert sum(fill.quantity for fill in fills_of(venue)) == Decimal("0.04")

    async def test_what_is_no_event_cannot_be_read(self, venue: Venue):
        with pytest.raises(ValueError, match="user event"):
            venue.broker.interpret(UserEvent(1, '{"e":"ORDER_TRADE_UPDATE"'))

    async def test_every_stream_has_its_own_epoch(self, venue: Venue):
        first = await venue.broker.open(Heard())

        assert await venue.broker.open(Heard()) > first

    async def test_a_closed_broker_delivers_nothing(self, venue: Venue):
        await venue.broker.close()
        venue.broker.submit(a_ticket(), Attempt("c-1", venue.broker.venue_time().now_ms, 5000))
        await venue.settle()

        assert venue.heard.order_of_arrival == []

    async def test_instruments_and_permissions_are_known(self, venue: Venue):
        assert SYMBOL in {instrument.symbol for instrument in await venue.broker.instruments()}
        assert (await venue.broker.key_permissions()).can_trade

    async def test_of_a_symbol_that_is_not_known_any_more_nothing_is_there(self, venue: Venue):
        broker, gone, since_ms = venue.broker, "GONEUSDT", venue.broker.venue_time().now_ms - 1_000

        assert await broker.trades(gone, 1) == await broker.first_trades(gone, 0) == []
        assert await broker.open_orders(gone) == await broker.open_algo_orders(gone) == []
        assert await broker.orders(gone, since_ms) == []
        assert await broker.find(gone, "c-1") is None
        assert await broker.find_by_exchange_id(gone, 1) is None

    async def test_orders_that_have_ended_are_still_told_of(self, venue: Venue):
        begun_ms = venue.broker.venue_time().now_ms - 1_000
        await submit(venue, "c-1")
        await submit(venue, "c-2", order_type=OrderType.LIMIT, limit_price=Decimal("75000.00"))
        venue.broker.cancel(SYMBOL, "c-2", conditional=False)
        await venue.settle()

        found = {r.client_order_id: r.status for r in await venue.broker.orders(SYMBOL, begun_ms)}
        later = await venue.broker.orders(SYMBOL, begun_ms + 3_600_000)

        assert found == {"c-1": OrderStatus.FILLED, "c-2": OrderStatus.CANCELED}
        assert later == []

    async def test_conditional_orders_are_among_those_since_a_moment(self, venue: Venue):
        begun_ms = venue.broker.venue_time().now_ms - 1_000
        await submit(venue, "stop-1", stop_price=Decimal("70000"))

        (found,) = await venue.broker.orders(SYMBOL, begun_ms)

        assert (found.client_order_id, found.status) == ("stop-1", OrderStatus.NEW)
        assert found.algo_id is not None

    async def test_the_first_trades_since_a_moment_are_no_older(self, venue: Venue):
        for number in range(2):
            await submit(venue, f"c-{number}")
        everything = await venue.broker.trades(SYMBOL, 0)
        last = everything[-1]

        assert await venue.broker.first_trades(SYMBOL, 0) == everything
        assert everything[-1] in await venue.broker.first_trades(SYMBOL, last.traded_ms)
        assert await venue.broker.first_trades(SYMBOL, last.traded_ms + 1) == []
