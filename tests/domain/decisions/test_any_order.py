"""Whatever the order in which requests arrive, answers come and news is told, the end is what the exchange says.

At the end of every history everything is delivered, and the books must agree.
"""

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from src.domain.decisions.reducing import STORM_PER_MINUTE
from src.domain.ledger.events import FillBooked, IncomeBooked
from src.domain.ledger.evolve import fold
from src.domain.ledger.evolve_orders import rebuild_reservations
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState, CancelState
from src.domain.orders.types import Purpose
from src.domain.positions.position import Position
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.domain.decisions.history_machine import AnyHistory
from tests.support.domain_builders import BTC, BUY, SELL, WALLET
from tests.support.ledger_builders import ledger_snapshot

# More histories than the profile's examples of other tests: this is where the surprises are.
EXAMPLES = 4 * (settings.default.max_examples if settings.default else 100)


class AnyOrder(AnyHistory):
    """Every history, with what must hold at every moment and at the end."""

    # --- at every moment ---------------------------------------------------------------------

    @invariant()
    def the_books_are_the_sum_of_what_was_booked(self):
        journal = [event for _, event in self.session.scene.journal]
        fills = [event for event in journal if isinstance(event, FillBooked)]
        income = [event for event in journal if isinstance(event, IncomeBooked)]
        keys = [(fill.trade_id, fill.side) for fill in fills]

        assert len(set(keys)) == len(keys)
        assert self.position.quantity == sum(fill.quantity * fill.side.sign for fill in fills)
        assert self.session.ledger.wallet_balance == sum(
            [fill.realized_pnl - fill.commission for fill in fills] + [each.amount for each in income]
        )
        assert sum(lot.quantity for lot in self.position.lots) == abs(self.position.quantity)
        in_turn = Position(BTC)
        for fill in sorted(fills, key=lambda fill: fill.trade_id):
            in_turn.apply_fill(fill.side, fill.price, fill.quantity, Decimal(0), "", 0, fill.trade_id)
        assert self.position.cost == in_turn.cost

    @invariant()
    def every_open_entry_is_reserved_and_nothing_else(self):
        book = self.session.ledger.symbol(BTC)
        kept = book.pending_buy, book.pending_sell, book.pending_price
        rebuild_reservations(self.session.ledger)

        assert (book.pending_buy, book.pending_sell, book.pending_price) == kept

    @invariant()
    def a_position_has_a_stop_that_can_be_counted_on_or_is_being_closed(self):
        waived = self.position.stop_waived
        if self.position.is_flat or waived or self.naked_until_tick or self.in_a_storm() or self.pausing():
            return
        held = abs(self.position.quantity)
        guards = [order for order in self.session.ledger.orders.values() if self.guards(order)]
        stops = [o for o in guards if o.ticket.purpose is Purpose.PROTECTIVE_STOP]
        closes = [o for o in guards if o.ticket.purpose in (Purpose.EXIT, Purpose.EMERGENCY)]

        covered = any(o.remaining_quantity >= held for o in stops)
        assert covered or sum(o.remaining_quantity for o in closes) >= held

    def guards(self, order: Order) -> bool:
        return (
            order.is_open
            and order.side is not self.position.side
            and order.attempt_state is not AttemptState.UNKNOWN
            and order.cancel_state is CancelState.NONE
        )

    def in_a_storm(self) -> bool:
        recent = [order.purpose for order in self.session.ledger.recent_orders]
        return any(
            recent.count(purpose) >= STORM_PER_MINUTE
            for purpose in (Purpose.PROTECTIVE_STOP, Purpose.EMERGENCY)
        )

    # --- and when everything is delivered -------------------------------------------------------------------

    def teardown(self):
        self.deliver_everything()
        session, ledger = self.session, self.session.ledger
        open_there = {name: held for name, held in self.exchange.orders.items() if held.is_open}
        open_here = {name: order for name, order in ledger.orders.items() if order.is_open}

        assert self.position.quantity == self.exchange.position
        assert ledger.wallet_balance == WALLET + self.exchange.earned
        assert open_here.keys() == open_there.keys()
        assert not session.unresolved()
        for name, held in self.exchange.orders.items():
            order = ledger.orders.get(name) or session.archive[name]
            assert (order.status, order.filled_quantity) == (held.status, held.filled)
        entries = [held for held in open_there.values() if not held.reduce_only]
        book = ledger.symbol(BTC)
        assert book.pending_buy == sum(h.quantity - h.filled for h in entries if h.side is BUY)
        assert book.pending_sell == sum(h.quantity - h.filled for h in entries if h.side is SELL)
        self.the_position_is_protected_at_the_exchange(open_there)
        assert book.state is SymbolState.TRADING or self.in_a_storm()
        assert ledger.account.breaches == 0
        assert ledger.account.trading_state in (TradingState.ACTIVE, TradingState.HALTED)
        assert ledger_snapshot(fold(session.scene.journal)) == ledger_snapshot(ledger)

    def the_position_is_protected_at_the_exchange(self, open_there):
        ledger = self.session.ledger
        stops = [
            held
            for name, held in open_there.items()
            if ledger.orders[name].ticket.purpose is Purpose.PROTECTIVE_STOP
        ]
        if self.position.is_flat:
            assert not stops
        elif not self.position.stop_waived:
            assert any(
                held.side is not self.position.side
                and held.quantity - held.filled >= abs(self.position.quantity)
                for held in stops
            )


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=EXAMPLES, stateful_step_count=60)


@pytest.mark.slow
def test_many_more_histories_in_any_order():
    run_state_machine_as_test(AnyOrder, settings=settings(TestAnyOrder.settings, max_examples=10 * EXAMPLES))
