"""A session to play scenes in: what it is told, what it decides, and the exchange's usual answers."""

from decimal import Decimal
from typing import Any

from src.domain.decisions.decide import decide
from src.domain.decisions.effects import CancelOrder, Reconcile, SubmitOrder
from src.domain.decisions.news import News, PlaceOrder, StreamNews, Tick
from src.domain.decisions.step import Now, Policy, Step
from src.domain.ledger import events as e
from src.domain.market.sides import OrderSide
from src.domain.orders.news import Accepted, FillReport, IncomeReport, OrderNews, WalletMoved
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.positions.position import Position
from src.domain.risk.review import Approved
from tests.support.domain_builders import (
    BTC,
    BUY,
    MARK,
    OPENING,
    START_MS,
    AView,
    Number,
    a_fill,
    a_ledger,
    a_report,
    a_ticket,
    a_view,
    algo_id_of,
    exchange_id,
)

# Session time and venue time are different clocks; a test that mixes them up shall fail.
VENUE_AHEAD_MS = 250


class Scene:
    """A session to play scenes in: it decides, keeps the journal, and knows the exchange's usual answers."""

    def __init__(self, view: AView | None = None, **policy: Any) -> None:
        self.ledger = a_ledger()
        self.view = view or a_view()
        self.policy = Policy(**policy)
        self.now_ms = START_MS + 1_000
        self.venue_ahead_ms = VENUE_AHEAD_MS
        self.journal: list[tuple[int, e.Event]] = [(START_MS, event) for event in OPENING]

    def decide(self, news: News) -> Step:
        step = decide(
            self.ledger, self.view, self.policy, news, Now(self.now_ms, self.now_ms + self.venue_ahead_ms)
        )
        self.journal += [(self.now_ms, event) for event in step.events]
        return step

    def place(self, ticket: OrderTicket | None = None, **changes: Any) -> Order:
        """An order on its way, by default :func:`a_ticket`; its outcome is not known yet."""
        step = self.decide(PlaceOrder(Approved(ticket or a_ticket(**changes))))
        return self.ledger.orders[submits(step)[0].attempt.client_order_id]

    def accept(self, order: Order) -> Step:
        """The exchange answers that it took the order."""
        algo = order.ticket.order_type.is_conditional
        order_id, algo_id = (None, algo_id_of(order)) if algo else (exchange_id(order), None)
        return self.decide(Accepted(order.client_order_id, order_id, algo_id))

    def hear(
        self,
        order: Order,
        status: OrderStatus = OrderStatus.NEW,
        filled: Number = 0,
        fill: FillReport | None = None,
    ) -> Step:
        """The stream tells how an order stands."""
        return self.stream(OrderNews(a_report(order, status, filled), fill))

    def stream(self, *meaning: OrderNews | IncomeReport | WalletMoved, **changes: Any) -> Step:
        return self.decide(StreamNews(1, "raw", meaning, **changes))

    def wait_for(self, purpose: Purpose) -> int:
        """Look every tenth of a second until such an order is open; how long that took, ms."""
        before_ms = self.now_ms
        while not self.open(purpose):
            self.now_ms += 100
            self.decide(Tick())
        return self.now_ms - before_ms

    def fill(
        self, order: Order, trade_id: int = 1, quantity: Number | None = None, price: Number = MARK
    ) -> Step:
        """The stream tells of a trade of an order, and of how it then stands."""
        quantity = order.quantity - order.filled_quantity if quantity is None else Decimal(quantity)
        filled = order.filled_quantity + quantity
        status = OrderStatus.FILLED if filled >= order.quantity else OrderStatus.PARTIALLY_FILLED
        return self.hear(order, status, filled, a_fill(order, trade_id, quantity, price))

    def hold(
        self, quantity: Number = 1, side: OrderSide = BUY, *, protected: bool = True, trade_id: int = 1
    ) -> Position:
        """A position of BTC, by default with its stop and target standing at the exchange."""
        order = self.place(quantity=quantity, side=side)
        self.accept(order)
        self.fill(order, trade_id)
        if protected:
            for standing in self.open(Purpose.PROTECTIVE_STOP) + self.open(Purpose.PROTECTIVE_TARGET):
                self.accept(standing)
        return self.position

    def open(self, purpose: Purpose) -> list[Order]:
        """Open orders of one purpose, oldest first."""
        return [o for o in self.ledger.orders.values() if o.is_open and o.ticket.purpose is purpose]

    @property
    def stop(self) -> Order:
        """The one open protective stop."""
        (order,) = self.open(Purpose.PROTECTIVE_STOP)
        return order

    @property
    def position(self) -> Position:
        return self.ledger.position(BTC)


def submits(step: Step) -> list[SubmitOrder]:
    return [effect for effect in step.effects if isinstance(effect, SubmitOrder)]


def purposes(step: Step) -> list[Purpose]:
    """What a step sends, by purpose."""
    return [effect.ticket.purpose for effect in submits(step)]


def cancels(step: Step) -> list[str]:
    """Whose end a step asks for."""
    return [effect.client_order_id for effect in step.effects if isinstance(effect, CancelOrder)]


def reconciles(step: Step) -> list[Reconcile]:
    return [effect for effect in step.effects if isinstance(effect, Reconcile)]


def kinds(step: Step) -> list[type]:
    """The kinds of event that a step emitted, in order."""
    return [type(event) for event in step.events]


def alarms(step: Step) -> list[str]:
    return [event.text for event in step.events if isinstance(event, e.AlarmRaised)]
