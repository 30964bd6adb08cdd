"""In any history of turns that race exits, no more is held in the end than was approved, and nothing else is traded.

A strategy turns its position with single orders, each of which is to open one BTC; stops and targets fire, somebody
leaves by hand, requests are lost, news comes in any order or never, processes die. Nobody else trades: then the
exchange's own trades say whether there was an excess.
"""

from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from src.domain.decisions.news import PlaceOrder
from src.domain.ledger.events import OrderIntended, ParentOpened
from src.domain.ledger.evolve import fold
from src.domain.market.sides import OrderSide
from src.domain.risk.review import Approved
from tests.domain.decisions.history_machine import AnyHistory
from tests.support.domain_builders import BTC, BUY, SELL, a_ticket, an_instrument
from tests.support.ledger_builders import ledger_snapshot

OPENS = Decimal(1)
EXAMPLES = 4 * (settings.default.max_examples if settings.default else 100)


def _left_out(self: AnyHistory, *_: Any) -> None:
    """No rule of these histories: it trades without being asked for."""


class AnyTurn(AnyHistory):
    """One strategy that is long, short or flat with one BTC, as far as its ledger knows."""

    begin = enter = somebody_else_trades = cause_an_event = want_an_order_to_end = _left_out

    @initialize(side=st.sampled_from([BUY, SELL]))
    def hold_one(self, side: OrderSide):
        self.turn(side)
        self.all_goes_well()

    @rule(side=st.sampled_from([BUY, SELL]))
    def turn(self, side: OrderSide):
        """As a session does: against what is held, with nothing on its way, and with no comparison due."""
        ledger, held = self.session.ledger, self.position.quantity
        book = ledger.symbol(BTC)
        misses_a_trade = any(o.claimed_quantity > o.filled_quantity for o in ledger.orders.values())
        on_its_way = book.pending_buy or book.pending_sell or misses_a_trade
        if on_its_way or (held and (held > 0) is (side is BUY)):
            return
        ticket = a_ticket(side=side, quantity=OPENS + abs(held))
        self.session.decide(PlaceOrder(Approved(ticket)))

    @invariant()
    def the_journal_says_what_the_ledger_holds(self):
        assert ledger_snapshot(fold(self.session.scene.journal)) == ledger_snapshot(self.session.ledger)

    def teardown(self):
        for _ in range(4):
            self.deliver_everything()
            self.pass_time(8_000)
        ledger = self.session.ledger

        assert self.position.quantity == self.exchange.position
        assert not ledger.parents
        # Halves of halves lie between two steps: of each trim less than one stays.
        trims = sum(isinstance(event, ParentOpened) for _, event in self.session.scene.journal)
        assert abs(self.exchange.position) <= OPENS + trims * an_instrument().step_size
        self.nothing_was_taken_back_without_an_excess()

    def nothing_was_taken_back_without_an_excess(self):
        journal = [event for _, event in self.session.scene.journal]
        parts = {
            event.attempt.client_order_id
            for event in journal
            if isinstance(event, OrderIntended) and event.ticket.parent_id is not None
        }
        held = largest = Decimal(0)
        for trade in self.exchange.trades:
            held += trade.quantity * trade.side.sign
            largest = max(largest, abs(held))
        traded = [
            name for name in parts if name in self.exchange.orders and self.exchange.orders[name].filled
        ]

        assert largest > OPENS or not traded


TestAnyTurn = AnyTurn.TestCase
TestAnyTurn.settings = settings(max_examples=EXAMPLES, stateful_step_count=40)
