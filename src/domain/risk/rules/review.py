"""What a rule is given and what it answers: the review of one ticket, the objection, and the shape of a rule."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol

from src.domain.ledger.state import Ledger, SymbolBook
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.market.view import MarketView
from src.domain.money import ZERO
from src.domain.orders.ticket import OrderTicket
from src.domain.portfolio.exposure import Exposure, equity, worst_exposure
from src.domain.positions.position import Position
from src.domain.risk.limits import RiskLimits


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a rule said no: the value it saw, the limit it holds, and one sentence for people."""

    rule: str
    value: str
    limit: str
    text: str


class Review:
    """What the rules look at: the order, the account as it is, and the worst case if the order is sent.

    Money in quote asset. ``worst_quantity`` (base asset) is of the order's position and ``worst_notional`` of its
    symbol, with this order included; one-way, the side that the order closes counts only if open orders may grow it.
    ``net_quantity`` is the signed worst case in the order's direction, ``others`` is that of all other symbols.
    ``confidence`` is that of the signal behind the order, None for one by hand. ``unenforced`` counts the rules that
    could not be held to for want of data. ``amends`` says that the order is open already, and is to be another.
    """

    __slots__ = (
        "amends",
        "book",
        "confidence",
        "equity",
        "instrument",
        "ledger",
        "limits",
        "mark_price",
        "net_quantity",
        "now_ms",
        "others",
        "position",
        "price",
        "ticket",
        "unenforced",
        "view",
        "worst_notional",
        "worst_price",
        "worst_quantity",
    )

    def __init__(
        self,
        ledger: Ledger,
        view: MarketView,
        limits: RiskLimits,
        ticket: OrderTicket,
        instrument: Instrument,
        now_ms: int,
        confidence: Decimal | None = None,
        unenforced: Counter[str] | None = None,
        reserved: Decimal = ZERO,
    ) -> None:
        self.ledger = ledger
        self.view = view
        self.limits = limits
        self.ticket = ticket
        self.instrument = instrument
        self.now_ms = now_ms
        self.amends = reserved > ZERO and ticket.parent_id is None
        self.confidence, self.unenforced = confidence, unenforced
        self.book: SymbolBook = ledger.symbol(ticket.symbol)
        self.position: Position = ledger.position(ticket.symbol, ticket.position_side)
        self.mark_price = view.mark_price(ticket.symbol) or ticket.reference_price
        self.price = ticket.limit_price or ticket.stop_price or ticket.reference_price
        held, quantity = self.position.quantity, ticket.quantity - reserved
        buys, sells = self.book.pending_buy, self.book.pending_sell
        if ticket.side is OrderSide.BUY:
            buys += quantity
        else:
            sells += quantity
        if ticket.position_side is PositionSide.BOTH:
            # What the order closes is none of its doing, but open orders may make that larger before it fills.
            if ticket.side is OrderSide.BUY:
                grown, other = held + buys, sells - held if sells else ZERO
            else:
                grown, other = sells - held, held + buys if buys else ZERO
            self.net_quantity = grown * ticket.side.sign
            self.worst_quantity = largest = max(grown, other, ZERO)
        else:
            # LONG and SHORT are two positions: neither makes room for the other.
            long = ledger.position(ticket.symbol, PositionSide.LONG).quantity
            short = ledger.position(ticket.symbol, PositionSide.SHORT).quantity
            up, down = long + buys, short - sells
            self.net_quantity = up + short if ticket.side is OrderSide.BUY else down + long
            self.worst_quantity = up if ticket.side is OrderSide.BUY else -down
            largest = up - down
        self.worst_price = max(self.mark_price, self.price)
        self.worst_notional = largest * self.worst_price
        self.equity = equity(ledger, view)
        self.others: Exposure = worst_exposure(ledger, view, without=ticket.symbol)

    def not_enforced(self, rule: str) -> None:
        """Count that a rule had nothing to go by."""
        if self.unenforced is not None:
            self.unenforced[rule] += 1


class Rule(Protocol):
    """One limit."""

    name: ClassVar[str]

    def objection(self, review: Review) -> Objection | None:
        """Say why the order may not be sent, or None."""
        ...


def over(rule: str, value: Decimal, limit: Decimal, what: str) -> Objection:
    """An objection to a value above its limit."""
    return Objection(rule, f"{value:.6g}", f"{limit:f}", f"{what} {value:.6g} is above {limit:f}")
