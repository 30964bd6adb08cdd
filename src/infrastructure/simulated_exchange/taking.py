"""Orders that take: from the book as the market shows it, level by level, never more than it offers.

``market.offers`` has what earlier takers of ours left of each level. A market order stops at the symbol's
marketTakeBound from the mark price, a limit order at its limit, a reduce-only order at the end of the position;
what is left of a market or IOC order expires.
"""

from src.infrastructure.simulated_exchange import execution
from src.infrastructure.simulated_exchange.records import (
    BUY,
    EXPIRED,
    GTC,
    GTX,
    IOC_REMAINDER,
    KNOCKED_OUT,
    LIMIT,
    MARKET_REMAINDER,
    Account,
    Order,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import SCALE, multiply


def bound_of(market: SymbolMarket, side: str, limit: int) -> int:
    """The worst price, in units, that an order may take: its limit, or for a market order the take bound."""
    if limit:
        return limit
    bound = market.rules.take_bound
    return multiply(market.mark(), SCALE + bound if side == BUY else SCALE - bound)


def would_take(market: SymbolMarket, side: str, limit: int) -> bool:
    """Whether an order with this limit would trade at once."""
    best = market.best_opposite(side)
    return best != 0 and (best <= limit if side == BUY else best >= limit)


def enter(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> None:
    """Let a new order trade with the book, and rest or expire what is left of it."""
    execution.admit(state, account, order)
    work(state, account, market, order)


def work(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> None:
    """Let an open order that does not rest trade with the book, then rest or expire."""
    take(state, account, market, order)
    if order.is_open:
        _dispose(state, account, market, order)


def take(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> None:
    """Trade an order with the book as far as price, quantity and position allow."""
    bound = bound_of(market, order.side, order.price)
    reference = market.book_reference()
    buying = order.side == BUY
    wanted = order.remaining
    if order.reduce_only:
        wanted = min(wanted, execution.room_to_reduce(account, order))
    fills: list[tuple[int, int]] = []
    for price, shown, left in market.offers(order.side) if wanted else ():
        if price > bound if buying else price < bound:
            break
        quantity = min(left, wanted)
        if quantity > 0:
            fills.append((price, quantity))
            market.consume(order.side, price, shown, left - quantity)
            wanted -= quantity
            if not wanted:
                break
    for price, quantity in fills:
        execution.trade(state, market, order, price, quantity, reference, is_maker=False)
    if fills:
        execution.settle(state, account, market)


def _dispose(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> None:
    if order.reduce_only and not execution.room_to_reduce(account, order):
        execution.end(state, order, EXPIRED, KNOCKED_OUT)
    elif order.type != LIMIT:
        execution.end(state, order, EXPIRED, MARKET_REMAINDER)
    elif order.time_in_force in (GTC, GTX):
        _queue_up(state, market, order)
    else:
        execution.end(state, order, EXPIRED, IOC_REMAINDER)


def _queue_up(state: ExchangeState, market: SymbolMarket, order: Order) -> None:
    """Let an order rest behind everything that stands at its price now."""
    state.counters.rank += 1
    order.rank = state.counters.rank
    order.queue_ahead = market.standing_at(order.side, order.price)
    market.rest(order)
