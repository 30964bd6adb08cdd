"""Has the like been sent too often: duplicates, orders a second and a minute, a strategy in a loop, too many open."""

from collections import deque
from typing import ClassVar

from src.domain.ledger.state import RecentOrder
from src.domain.orders.ticket import OrderTicket
from src.domain.risk.rules.review import Objection, Review


class Duplicate:
    """The same order again within a short window is a mistake until proven otherwise."""

    name: ClassVar[str] = "duplicate"

    def objection(self, review: Review) -> Objection | None:
        """Look for an equal order in the window; the parts of one order are alike on purpose."""
        window = review.limits.duplicate_window_ms
        like = repeated(review.ledger.recent_orders, review.ticket, review.now_ms - window)
        if like is None:
            return None
        age = review.now_ms - like.at_ms
        return Objection(self.name, f"{age} ms", f"{window} ms", f"the same order was sent {age} ms ago")


def repeated(recent: deque[RecentOrder], ticket: OrderTicket, since_ms: int) -> RecentOrder | None:
    """The newest equal order sent after a time (session time, ms); the parts of one order are alike on purpose."""
    if ticket.parent_id is not None:
        return None
    for order in reversed(recent):
        if order.at_ms <= since_ms:
            return None
        if (
            order.symbol == ticket.symbol
            and order.side is ticket.side
            and order.quantity == ticket.quantity
            and order.price == (ticket.limit_price or ticket.stop_price)
            and order.purpose is ticket.purpose
        ):
            return order
    return None


class OrderRate:
    """Orders and amendments per second and per minute over the whole account; exits do not ask.

    The exchange counts both alike: whoever spends what it allows has none left for a stop.
    """

    name: ClassVar[str] = "order_rate"

    def objection(self, review: Review) -> Objection | None:
        """Count recent orders of any purpose, and recent amendments."""
        limits = review.limits
        if _reached(review, limits.orders_per_minute_max, 60_000):
            return rate(self.name, limits.orders_per_minute_max, "minute")
        if _reached(review, limits.orders_per_second_max, 1_000):
            return rate(self.name, limits.orders_per_second_max, "second")
        return None


def _reached(review: Review, limit: int, window_ms: int) -> bool:
    """Whether so many went out within the window; a limit of zero is no order."""
    return limit <= 0 or review.ledger.sent_since(review.now_ms - window_ms) >= limit


class RepeatedExecution:
    """Entries per minute of one strategy in one symbol: a strategy in a loop is stopped before it costs.

    An amendment is no entry.
    """

    name: ClassVar[str] = "repeated_execution"

    def objection(self, review: Review) -> Objection | None:
        """Count recent entries of the same strategy and symbol."""
        limit, recent = review.limits.entries_per_minute_max, review.ledger.recent_orders
        if (
            review.amends
            or len(recent) < limit
            or entries_since(recent, review.ticket, review.now_ms - 60_000) < limit
        ):
            return None
        return rate(self.name, limit, "minute")


def entries_since(recent: deque[RecentOrder], ticket: OrderTicket, since_ms: int) -> int:
    """How many orders of the same purpose a strategy has sent in the symbol after a time (session time, ms)."""
    return sum(
        1
        for order in recent
        if order.at_ms > since_ms
        and order.symbol == ticket.symbol
        and order.strategy_id == ticket.strategy_id
        and order.purpose is ticket.purpose
    )


class OpenOrders:
    """No more open orders than the limit, over the whole account; protective orders count, exits do not ask.

    An amendment makes none.
    """

    name: ClassVar[str] = "open_orders"

    def objection(self, review: Review) -> Objection | None:
        """Count the working set; settled orders leave it with their commit."""
        limit = review.limits.open_orders_max
        count = len(review.ledger.orders)
        if review.amends or count < limit:
            return None
        text = f"{count} orders are open, the limit is {limit}"
        return Objection(self.name, str(count + 1), str(limit), text)


def rate(rule: str, limit: int, unit: str) -> Objection:
    """An objection to too many orders in a window."""
    return Objection(rule, f"{limit} reached", str(limit), f"{limit} orders a {unit} are the limit")
