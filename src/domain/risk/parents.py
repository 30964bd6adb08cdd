"""The review of parent orders: the whole is judged when it is accepted, each child again when it is sent."""

from decimal import Decimal

from src.domain.ledger.state import Ledger
from src.domain.market.instrument import Instrument
from src.domain.market.view import MarketView
from src.domain.money import ZERO
from src.domain.orders.parents import ParentKind, ParentTicket
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, TimeInForce
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Denied, Verdict, review
from src.domain.risk.rules import Objection


def review_parent(
    ledger: Ledger, view: MarketView, limits: RiskLimits, ticket: ParentTicket, now_ms: int
) -> Verdict:
    """Approve the whole, or name the first objection.

    An OCO is its legs. Anything else is judged as one resting order of the whole quantity, so that what it would do
    to the account counts in full, and what it would do to the book is left to the review of each child.
    """
    if ticket.kind is ParentKind.OCO:
        first, second = ticket.legs
        # Should both legs of an entry fill, each was allowed beside the other.
        beside = ZERO if ticket.reduce_only else -first.quantity
        verdicts = [
            review(ledger, view, limits, first, now_ms),
            review(ledger, view, limits, second, now_ms, reserved=beside),
        ]
        return next((verdict for verdict in verdicts if isinstance(verdict, Denied)), verdicts[0])
    whole = _whole(ticket)
    instrument = view.instrument(ticket.symbol)
    text = None if instrument is None else _too_small(ticket, instrument)
    if text is not None:
        return Denied(whole, Objection("filters", f"{ticket.quantity:f}", "exchange filter", text))
    return review(ledger, view, limits, whole, now_ms)


def _whole(ticket: ParentTicket) -> OrderTicket:
    return OrderTicket(
        symbol=ticket.symbol,
        side=ticket.side,
        order_type=OrderType.LIMIT,
        quantity=ticket.quantity,
        purpose=ticket.purpose,
        strategy_id=ticket.strategy_id,
        reference_price=ticket.reference_price,
        limit_price=ticket.limit_price or ticket.reference_price,
        time_in_force=TimeInForce.GTC,
        reduce_only=ticket.reduce_only,
        position_side=ticket.position_side,
        reason=ticket.reason,
    )


def _too_small(ticket: ParentTicket, instrument: Instrument) -> str | None:
    """Why the smallest child would be refused by the exchange, in one line; None when it would not."""
    price = ticket.limit_price or ticket.reference_price
    for quantity in _children(ticket, instrument):
        text = instrument.objection_to(quantity, ticket.limit_price, price, ticket.reduce_only)
        if text is not None:
            return f"a part of it could not be sent: {text}"
    return None


def _children(ticket: ParentTicket, instrument: Instrument) -> list[Decimal]:
    """What the children would be if every one of them filled at once."""
    if ticket.kind is ParentKind.ICEBERG:
        assert ticket.visible_quantity is not None, "an iceberg has a visible quantity"
        rest = ticket.quantity % ticket.visible_quantity
        return [ticket.visible_quantity, rest] if rest else [ticket.visible_quantity]
    left, parts = ticket.quantity, []
    weights = ticket.weights or (Decimal(1),) * ticket.slices
    whole = sum(weights)
    for place, weight in enumerate(weights):
        last = place == ticket.slices - 1
        part = left if last else instrument.round_quantity(left * weight / whole if whole else left)
        parts.append(part)
        left -= part
        whole -= weight
    # Many are equal, and a schedule may have tens of thousands: each quantity is judged once.
    return list(dict.fromkeys(part for part in parts if part))
