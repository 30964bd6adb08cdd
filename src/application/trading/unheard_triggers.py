"""Orders whose trigger or limit the market has passed while nothing is heard of them: news is lost, or it hangs.

User streams have lost single events without a gap that could be noticed. Until the next comparison by the clock a
session would take a position for protected that is closed, or whose stop does not trade, and know nothing of one that a
resting entry has opened.
"""

from decimal import Decimal

from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide
from src.domain.market.view import MarketView
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, OrderType, WorkingType

_STOPS = frozenset({OrderType.STOP_MARKET, OrderType.STOP})
_RESTING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.TRIGGERED})


class UnheardTriggers:
    """Counts, for each order that waits for the market, at how many looks in a row this was beyond its price."""

    def __init__(self, ledger: Ledger, view: MarketView) -> None:
        self._ledger = ledger
        self._view = view
        self._looks: dict[str, int] = {}

    def look(self) -> str:
        """Once a second: why to ask the exchange now, or nothing. After 2, 4, 8 … looks: the news takes its time."""
        looks = {
            name: self._looks.get(name, 0) + 1
            for name, order in self._ledger.orders.items()
            if order.attempt_state is AttemptState.ACKED and self._is_passed(order)
        }
        self._looks = looks
        due = next((name for name, count in looks.items() if count > 1 and count & (count - 1) == 0), "")
        return due and f"the market is beyond the price of {due}, and nothing is heard of it"

    def _is_passed(self, order: Order) -> bool:
        """Whether the market is beyond the price that an order waits for, which is its trigger before its limit."""
        ticket = order.ticket
        if ticket.stop_price is not None and order.status is OrderStatus.NEW:
            return self._is_trigger_passed(ticket, ticket.stop_price)
        if ticket.limit_price is None or order.status not in _RESTING:
            return False
        prices = self._view.best_prices(ticket.symbol)
        if prices is None:
            return False
        low, high = prices
        return high < ticket.limit_price if ticket.side is OrderSide.BUY else low > ticket.limit_price

    def _is_trigger_passed(self, ticket: OrderTicket, trigger: Decimal) -> bool:
        """Whether the mark price is beyond the trigger, or any trade would be, whichever triggers it."""
        prices = self._prices(ticket.symbol, ticket.working_type)
        if prices is None:
            return False
        low, high = prices
        falls = (ticket.side is OrderSide.SELL) is (ticket.order_type in _STOPS)
        return high <= trigger if falls else low >= trigger

    def _prices(self, symbol: str, working_type: WorkingType) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest that the triggering price can be now."""
        if working_type is WorkingType.CONTRACT_PRICE:
            return self._view.best_prices(symbol)
        mark = self._view.mark_price(symbol)
        return None if mark is None else (mark, mark)
