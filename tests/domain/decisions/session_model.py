"""The session's side of the property tests: the loop around ``decide``, its archive, and its recovery.

It does what the application does and nothing cleverer: settled orders leave the working set and come back from the
archive, recovery reads trades first and orders later, and a crash forgets everything but the journal.
"""

from copy import deepcopy
from dataclasses import dataclass

from src.domain.decisions.effects import CancelOrder, ModifyOrder, SubmitOrder
from src.domain.decisions.news import ExchangeRead, News, RecoveryConcluded, StreamNews, TakeOver
from src.domain.decisions.step import Step
from src.domain.ledger.evolve import fold
from src.domain.ledger.state import Ledger
from src.domain.money import round_up_to_step
from src.domain.orders.news import FillReport, IncomeReport, OrderNews, OrderReport
from src.domain.orders.order import Order
from src.domain.orders.transitions import UNRESOLVED, AttemptState, CancelState
from src.domain.orders.types import Purpose
from tests.domain.decisions.exchange_model import Exchange
from tests.support.domain_builders import BTC, an_instrument
from tests.support.domain_scene import Scene, purposes


@dataclass
class Reading:
    """A read under way: what was seen so far. Trades come first, so that the order of each is seen after it."""

    fills: tuple[FillReport, ...]
    income: tuple[IncomeReport, ...]
    reports: dict[str, OrderReport] | None = None
    absent: tuple[str, ...] = ()
    known: tuple[Order, ...] = ()


class Session:
    """Decides, sends, and forgets nothing. ``submits`` and ``cancels`` are requests that may still arrive."""

    def __init__(self, exchange: Exchange) -> None:
        self.scene = Scene()
        self.exchange = exchange
        self.archive: dict[str, Order] = {}
        self.submits: list[SubmitOrder] = []
        self.cancels: list[CancelOrder] = []
        self.modifies: list[ModifyOrder] = []

    @property
    def ledger(self) -> Ledger:
        return self.scene.ledger

    def decide(self, news: News) -> Step:
        step = self.scene.decide(news)
        self.submits += [effect for effect in step.effects if isinstance(effect, SubmitOrder)]
        self.cancels += [effect for effect in step.effects if isinstance(effect, CancelOrder)]
        self.modifies += [effect for effect in step.effects if isinstance(effect, ModifyOrder)]
        if Purpose.EMERGENCY in purposes(step):
            self._check_that_no_more_is_closed_than_is_held()
        self.store()
        return step

    def store(self) -> None:
        """What a commit does: the archive has what changed, and settled orders leave the working set."""
        for name, order in self.ledger.changes.orders.items():
            self.archive[name] = deepcopy(order)
        self.ledger.release_settled()
        self.ledger.changes.clear()

    def hear(self, told: OrderNews | IncomeReport) -> Step:
        """The stream delivers something; a settled order that it speaks of comes back."""
        known: tuple[Order, ...] = ()
        if isinstance(told, OrderNews) and told.order.client_order_id not in self.ledger.orders:
            known = self._stored(told.order.client_order_id)
        return self.decide(StreamNews(1, "raw", (told,), known=known))

    # --- recovery -------------------------------------------------------------------------------------------

    def read_trades(self) -> Reading:
        """Read every trade after the last confirmed one."""
        confirmed = self.ledger.symbol(BTC).confirmed_trade_id
        fills = tuple(trade for trade in self.exchange.trades if trade.trade_id > confirmed)
        return Reading(fills, tuple(self.exchange.income))

    def read_orders(self, reading: Reading) -> None:
        """Look for every order that may be alive, and bring back the settled ones that the read speaks of."""
        held = self.exchange.orders
        wanted = [name for name, order in self.ledger.orders.items() if not order.is_settled]
        alive = [name for name, order in held.items() if order.is_open]
        reports = {n: self.exchange.report(held[n]) for n in dict.fromkeys((*alive, *wanted)) if n in held}
        owners = {order.number: name for name, order in held.items()}
        named = dict.fromkeys((*reports, *(owners.get(f.exchange_order_id, "") for f in reading.fills)))
        reading.reports = reports
        reading.absent = tuple(name for name in wanted if name not in held)
        reading.known = tuple(o for n in named if n not in self.ledger.orders for o in self._stored(n))

    def merge(self, reading: Reading, dead: tuple[str, ...], lost: tuple[str, ...]) -> Step:
        """Work a read into the ledger."""
        assert reading.reports is not None, "orders are read before a read is merged"
        last = max((fill.trade_id for fill in reading.fills), default=0)
        return self.decide(
            ExchangeRead(
                fills=reading.fills,
                orders=tuple(reading.reports.values()),
                income=reading.income,
                dead=dead,
                lost=lost,
                vanished=(),
                confirmed=((BTC, last),) if last else (),
                known=reading.known,
            )
        )

    def recover(self) -> Step:
        """A whole read at one moment; what cannot arrive any more is dead."""
        reading = self.read_trades()
        self.read_orders(reading)
        under_way = {request.attempt.client_order_id for request in self.submits}
        return self.merge(reading, tuple(name for name in reading.absent if name not in under_way), ())

    def crash(self) -> None:
        """The process dies; a new one has the journal and takes over."""
        self.scene.ledger = fold(self.scene.journal)
        self.ledger.changes.orders |= self.ledger.orders
        Session.store(self)
        self.decide(TakeOver(self.ledger.account.epoch + 1))
        self.decide(RecoveryConcluded("start", 0, 0, 0, ()))

    def unresolved(self) -> list[str]:
        """Attempts whose outcome is not known."""
        return [name for name, order in self.ledger.orders.items() if order.attempt_state in UNRESOLVED]

    def _check_that_no_more_is_closed_than_is_held(self) -> None:
        """A second emergency close never asks again for what a first one is still about to take.

        Halves of halves lie between two steps, and are closed with the next larger quantity.
        """
        position = self.ledger.position(BTC)
        closing = sum(
            order.remaining_quantity
            for order in self.ledger.orders.values()
            if order.ticket.purpose is Purpose.EMERGENCY
            and order.side is not position.side
            and order.attempt_state is not AttemptState.UNKNOWN
            and order.cancel_state is CancelState.NONE
        )
        assert closing <= round_up_to_step(abs(position.quantity), an_instrument().step_size)

    def _stored(self, name: str) -> tuple[Order, ...]:
        return (deepcopy(self.archive[name]),) if name in self.archive else ()
