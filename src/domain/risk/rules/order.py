"""Is the order itself sound: the exchange's filters, its value, its price, and what it would do to the book."""

from typing import ClassVar

from src.domain.market.sides import OrderSide
from src.domain.orders.types import OrderType
from src.domain.risk.rules.review import Objection, Review, over


class Filters:
    """The exchange's own filters, asked before it is.

    They bound the position as well: one that is larger than a market order may be could not be covered by one stop,
    nor closed by one order.
    """

    name: ClassVar[str] = "filters"

    def objection(self, review: Review) -> Objection | None:
        """Ask the instrument."""
        ticket = review.ticket
        text = review.instrument.objection_to(
            ticket.quantity, ticket.limit_price, review.mark_price, ticket.reduce_only
        )
        if text is not None:
            return Objection(self.name, f"{ticket.quantity:f}", "exchange filter", text)
        worst, largest = review.worst_quantity, review.instrument.market_quantity_max
        if worst <= largest:
            return None
        return Objection(
            self.name,
            f"{worst:f}",
            f"{largest:f}",
            f"a position of {worst:f} could not be covered by one stop, the largest is {largest:f}",
        )


class OrderValue:
    """No single order above a value in quote asset."""

    name: ClassVar[str] = "order_value"

    def objection(self, review: Review) -> Objection | None:
        """Compare price times quantity."""
        value = review.price * review.ticket.quantity
        limit = review.limits.order_value_max
        return None if value <= limit else over(self.name, value, limit, "order value")


class PriceCollar:
    """No price further from the mark price than the collar, in either direction."""

    name: ClassVar[str] = "price_collar"

    def objection(self, review: Review) -> Objection | None:
        """Compare the distance from mark."""
        limit = review.limits.price_collar_pct
        if abs(review.price - review.mark_price) <= limit * review.mark_price:
            return None
        away = abs(review.price - review.mark_price) / review.mark_price
        return over(
            self.name,
            away,
            limit,
            f"the price {review.price:f} is off the mark {review.mark_price:f}; distance",
        )


class Slippage:
    """A market order may not walk further into the visible book than the tolerance."""

    name: ClassVar[str] = "slippage"

    def objection(self, review: Review) -> Objection | None:
        """Walk the book with the whole quantity."""
        ticket = review.ticket
        if ticket.order_type is not OrderType.MARKET:
            return None
        worst = review.view.worst_price(ticket.symbol, ticket.side is OrderSide.BUY, ticket.quantity)
        limit = review.limits.slippage_pct_max
        if worst is None:
            value, text = "book too thin", "the visible book is too thin for this quantity"
            if not review.view.has_whole_book(ticket.symbol):
                value = "no whole book"
                # Before its snapshot; in a market of bars, which has none, for ever.
                known = f"of the book of {ticket.symbol} the best prices alone are known"
                text = f"{known}: they are too thin for this quantity"
            return Objection(self.name, value, f"{limit:f}", text)
        away = (worst - ticket.reference_price) * ticket.side.sign
        if away <= limit * ticket.reference_price:
            return None
        return over(self.name, away / ticket.reference_price, limit, "slippage")
