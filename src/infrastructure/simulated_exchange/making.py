"""Resting orders, filled only by trade prints: what others really traded at our price, after who stood before us.

A print at an order's price first works off the queue that stood there when the order arrived; one through the
price proves that queue gone. The aggressor must be on the other side (``buyer_is_maker`` fills buys), and each
print's quantity is shared among all our orders in price-time priority, so together they never get more than it.
"""

from src.infrastructure.market_data.frames import BarPoint, TradePrint
from src.infrastructure.simulated_exchange import execution
from src.infrastructure.simulated_exchange.records import BUY, MarketReference, Order
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import to_units


def meet_print(
    state: ExchangeState, market: SymbolMarket, event: TradePrint | BarPoint, source: int, line: int
) -> None:
    """Let a trade print fill what rests on the side that it hit."""
    resting = market.resting_buys if event.buyer_is_maker else market.resting_sells
    if not resting:
        return
    price, left = to_units(event.price), to_units(event.quantity)
    reference = MarketReference("trade", event.trade_id, source, line)
    traded: dict[int, set[str]] = {}
    for order in list(resting):
        if left == 0 or (order.price < price if order.side == BUY else order.price > price):
            break
        quantity = _share_of(order, price, left)
        if order.closes:
            quantity = min(quantity, execution.room_to_reduce(state.accounts[order.account], order))
        if quantity:
            execution.trade(state, market, order, order.price, quantity, reference, is_maker=True)
            left -= quantity
            traded.setdefault(order.account, set()).add(order.position_side)
    for number, sides in traded.items():
        execution.settle(state, state.accounts[number], market, sorted(sides))


def _share_of(order: Order, price: int, left: int) -> int:
    """How much of what is left of a print falls to ``order``, moving it forward in its queue."""
    if order.price != price:
        order.queue_ahead = 0
    before_us = min(order.queue_ahead, left)
    order.queue_ahead -= before_us
    return min(order.remaining, left - before_us)
