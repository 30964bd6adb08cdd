"""Parent orders and amendments in any history: children never exceed their parent, and one leg of two fills.

On top of everything that may happen to ordinary orders: requests lost, refused or turned away, answers late, news in
any order and again, crashes, recoveries, positions changed by somebody else.
"""

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from src.domain.decisions.news import MoveParent, OpenParent, PlaceOrder, RequestModify
from src.domain.ledger.events import FillBooked, OrderIntended, ParentOpened
from src.domain.ledger.evolve import fold
from src.domain.ledger.evolve_orders import rebuild_reservations
from src.domain.orders.news import ModifyAccepted, ModifyRefused, ModifyUnknown
from src.domain.orders.parents import ParentKind, ParentTicket, ParentTrigger
from src.domain.orders.types import OrderType, Purpose
from src.domain.risk.review import Approved, review_reducing
from tests.domain.decisions.history_machine import QUANTITIES, SIDES, AnyHistory
from tests.support.domain_builders import BTC, MARK, a_ticket, an_exit
from tests.support.ledger_builders import ledger_snapshot

EXAMPLES = 3 * (settings.default.max_examples if settings.default else 60)
SCHEDULE_MS = 8_000


class AnyParent(AnyHistory):
    """Every history with parents and amendments in it."""

    def parents(self):
        return self.session.ledger.parents

    def at_work(self):
        return [name for name, parent in self.parents().items() if parent.is_working]

    # --- what the trader does -------------------------------------------------------------------------------

    def open(self, kind, side, quantity, reduce_only=False, **more):
        common = {
            "symbol": BTC,
            "side": side,
            "quantity": quantity,
            "purpose": Purpose.EXIT if reduce_only else Purpose.ENTRY,
            "strategy_id": "sma",
            "reference_price": MARK,
            "reduce_only": reduce_only,
        }
        self.session.decide(OpenParent(ParentTicket(kind=kind, **common, **more)))

    @precondition(lambda self: len(self.parents()) < 3)
    @rule(side=SIDES, slices=st.integers(1, 4), limited=st.booleans(), vwap=st.booleans())
    def begin_a_schedule(self, side, slices, limited, vwap):
        now_ms = self.session.scene.now_ms
        more = {"weights": tuple(Decimal(n) for n in range(slices))} if vwap and slices > 1 else {}
        self.open(
            ParentKind.VWAP if more else ParentKind.TWAP,
            side,
            Decimal("1.003"),
            limit_price=MARK if limited else None,
            start_ms=now_ms,
            end_ms=now_ms + SCHEDULE_MS,
            slices=slices,
            **more,
        )

    @precondition(lambda self: len(self.parents()) < 3)
    @rule(side=SIDES)
    def float_an_iceberg(self, side):
        self.open(ParentKind.ICEBERG, side, Decimal(2), limit_price=MARK, visible_quantity=Decimal("0.6"))

    @precondition(lambda self: len(self.parents()) < 3)
    @rule(side=SIDES, quantity=QUANTITIES, exits=st.booleans())
    def open_a_pair(self, side, quantity, exits):
        if exits and not self.position.is_flat:
            side, quantity = self.position.side.opposite, abs(self.position.quantity)
        else:
            exits = False
        leg = {"side": side, "quantity": quantity, "reduce_only": exits, "strategy_id": "sma"}
        leg |= {"purpose": Purpose.EXIT if exits else Purpose.ENTRY}
        legs = (
            a_ticket(limit_price=MARK, **leg),
            a_ticket(order_type=OrderType.STOP_MARKET, stop_price=MARK, **leg),
        )
        self.open(ParentKind.OCO, side, quantity, exits, legs=legs)

    @precondition(lambda self: self.at_work())
    @rule(
        data=st.data(),
        trigger=st.sampled_from([ParentTrigger.PAUSE, ParentTrigger.RESUME, ParentTrigger.CANCEL]),
    )
    def move_a_parent(self, data, trigger):
        self.session.decide(MoveParent(data.draw(st.sampled_from(self.at_work())), trigger, "by hand"))

    @initialize(side=SIDES, quantity=QUANTITIES, exits=st.booleans(), wish=st.none() | QUANTITIES)
    def begin_beside_an_order_that_rests(self, side, quantity, exits, wish):
        """Most histories begin with an amendment on its way, too: the rule alone seldom meets an order that rests."""
        self.let_an_order_rest(side, quantity, exits)
        if wish is not None:
            self.amend(list(self.session.ledger.orders), wish)

    @rule(side=SIDES, quantity=QUANTITIES, exits=st.booleans())
    def let_an_order_rest(self, side, quantity, exits):
        """An entry, or an exit where one is possible; it is taken, and all is told."""
        ticket = an_exit(side=self.position.side.opposite, quantity=quantity, limit_price=MARK)
        verdict = review_reducing(self.session.ledger, ticket)
        if exits and isinstance(verdict, Approved):
            self.session.decide(PlaceOrder(verdict))
        else:
            self.enter(side, quantity, resting=True)
        self.all_goes_well()

    @precondition(lambda self: self.session.ledger.orders)
    @rule(data=st.data(), quantity=QUANTITIES)
    def amend_an_order(self, data, quantity):
        self.amend([data.draw(st.sampled_from(sorted(self.session.ledger.orders)))], quantity)

    def amend(self, names, quantity):
        """Whichever of them can be amended; the others are refused, which changes nothing."""
        for name in names:
            before = len(self.session.scene.journal)
            try:
                self.session.decide(RequestModify(name, None, quantity, "by hand"))
            except (ValueError, LookupError):
                assert len(self.session.scene.journal) == before, "what is refused changes nothing"

    # --- what becomes of amendments -------------------------------------------------------------------------

    @precondition(lambda self: self.session.modifies)
    @rule(arrives=st.booleans(), answered=st.booleans())
    def an_amendment_is_settled(self, arrives, answered):
        wish = self.session.modifies.pop(0).amendment
        done = arrives and self.exchange.amend(wish)
        name = wish.client_order_id
        if not answered or not arrives:
            self.session.decide(ModifyUnknown(name, "timeout"))
        elif done:
            self.session.decide(ModifyAccepted(name, wish.limit_price, wish.quantity, self.exchange.now_ms))
        else:
            self.session.decide(ModifyRefused(name, -2013, "unknown order"))

    @precondition(lambda self: self.alive(waiting=False))
    @rule(data=st.data())
    def what_rests_trades_in_part_and_all_is_told(self, data):
        held = data.draw(st.sampled_from(self.alive(waiting=False)))
        self.exchange.fill(held, held.quantity / 4)
        self.all_goes_well()

    # --- what holds at every moment -------------------------------------------------------------------------

    @invariant()
    def children_never_exceed_their_parent(self):
        for parent in self.parents().values():
            if parent.ticket.kind is not ParentKind.OCO:
                sent = parent.filled_quantity + parent.outstanding_quantity
                assert sent <= parent.ticket.quantity, parent

    @invariant()
    def what_is_reserved_is_what_may_still_fill(self):
        book = self.session.ledger.symbol(BTC)
        kept = book.pending_buy, book.pending_sell, book.pending_price
        rebuild_reservations(self.session.ledger)

        assert (book.pending_buy, book.pending_sell, book.pending_price) == kept

    # --- and when everything is delivered -------------------------------------------------------------------

    def teardown(self):
        for _ in range(4):
            self.deliver_amendments()
            self.deliver_everything()
            self.pass_time(SCHEDULE_MS)
        for name in self.at_work():
            self.session.decide(MoveParent(name, ParentTrigger.CANCEL, "the end"))
        for _ in range(4):
            self.deliver_amendments()
            self.deliver_everything()
            self.pass_time(SCHEDULE_MS)
        ledger = self.session.ledger

        assert not self.parents(), "every parent comes to its end"
        assert self.position.quantity == self.exchange.position
        assert not any(order.wanted_quantity for order in ledger.orders.values())
        assert ledger_snapshot(fold(self.session.scene.journal)) == ledger_snapshot(ledger)
        self.every_parent_filled_no_more_than_it_was()

    def deliver_amendments(self):
        while self.session.modifies:
            self.an_amendment_is_settled(arrives=True, answered=True)

    def every_parent_filled_no_more_than_it_was(self):
        journal = [event for _, event in self.session.scene.journal]
        owner = {
            event.attempt.client_order_id: event.ticket.parent_id
            for event in journal
            if isinstance(event, OrderIntended)
        }
        for opened in (event for event in journal if isinstance(event, ParentOpened)):
            fills = [
                event
                for event in journal
                if isinstance(event, FillBooked) and owner.get(event.client_order_id) == opened.parent_id
            ]
            filled = sum((fill.quantity for fill in fills), Decimal(0))
            # Both legs of a pair may fill before either can be ended: then that is said, and no more than that.
            most = 2 if opened.ticket.kind is ParentKind.OCO else 1
            assert filled <= most * opened.ticket.quantity


TestAnyParent = AnyParent.TestCase
TestAnyParent.settings = settings(max_examples=EXAMPLES, stateful_step_count=40)
