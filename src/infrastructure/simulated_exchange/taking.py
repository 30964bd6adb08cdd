"""Orders that take: from the book as the market shows it, and from what other orders of ours rest in it.

The best price comes first; at one price the market's own quantity goes before our resting orders, so that no maker is
served before what really stood there, and those follow each other in time. ``market.offers`` has what earlier takers of
ours left of each level. A market order stops at the symbol's marketTakeBound from the mark price, a limit order at its
limit, a closing order at the end of the position; what is left of a market or IOC order expires. An account's own
resting order is not traded with: the taker's selfTradePreventionMode says which of the two expires
(EXPIRED_IN_MATCH).
"""

from collections.abc import Iterator
from typing import Final

from src.infrastructure.simulated_exchange import execution
from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.records import (
    BUY,
    EXPIRE_BOTH,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    EXPIRED,
    EXPIRED_IN_MATCH,
    FOK,
    IOC,
    IOC_REMAINDER,
    IOC_SELF_TRADE,
    KNOCKED_OUT,
    LIMIT,
    MARKET_REMAINDER,
    RESTING,
    SELF_TRADE,
    MarketReference,
    Order,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import SCALE, multiply

PEER: Final = "peer"
_GIVES_WAY: Final = frozenset({EXPIRE_MAKER, EXPIRE_BOTH})
_STOPS: Final = frozenset({EXPIRE_TAKER, EXPIRE_BOTH})


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


def can_fill(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> bool:
    """Whether the whole of an order could trade at once, as FOK asks; nothing is changed."""
    bound, buying, wanted = order.price, order.side == BUY, order.quantity
    if order.closes and execution.room_to_reduce(account, order) < wanted:
        return False
    for price, _, left in market.offers(order.side):
        if wanted <= 0 or (price > bound if buying else price < bound):
            break
        wanted -= max(0, left)
    given: dict[tuple[int, str], int] = {}
    for maker in _opposite(market, order):
        if wanted <= 0 or (maker.price > bound if buying else maker.price < bound):
            break
        position = (maker.account, maker.position_side)
        left = _left_of(state, maker, given.get(position, 0))
        given[position] = given.get(position, 0) + left
        wanted -= left
    return wanted <= 0


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
    if order.closes:
        wanted = min(wanted, execution.room_to_reduce(account, order))
    traded: dict[int, set[str]] = {}
    for price, shown, left, maker in _best_first(market, order) if wanted else ():
        if price > bound if buying else price < bound:
            break
        if maker is None:
            quantity = min(left, wanted)
            if quantity <= 0:
                continue
            market.consume(order.side, price, shown, left - quantity)
            execution.trade(state, market, order, price, quantity, reference, is_maker=False)
            traded.setdefault(order.account, set()).add(order.position_side)
        else:
            quantity = _meet(state, market, order, maker, wanted)
            if quantity:
                for one in (order, maker):
                    traded.setdefault(one.account, set()).add(one.position_side)
        wanted -= quantity
        if not wanted or not order.is_open:
            break
    for number, sides in traded.items():
        execution.settle(state, state.accounts[number], market, sorted(sides))


def _opposite(market: SymbolMarket, order: Order) -> list[Order]:
    return market.resting_sells if order.side == BUY else market.resting_buys


def _best_first(market: SymbolMarket, order: Order) -> Iterator[tuple[int, int, int, Order | None]]:
    """What an order could take, in order: price, quantity shown, quantity left, and whose order it is, if ours."""
    resting = _opposite(market, order)
    if not resting:
        for price, shown, left in market.offers(order.side):
            yield price, shown, left, None
        return
    makers = iter(list(resting))
    maker = next(makers, None)
    for price, shown, left in market.offers(order.side):
        while maker is not None and (maker.price < price if order.side == BUY else maker.price > price):
            yield maker.price, 0, 0, maker
            maker = next(makers, None)
        yield price, shown, left, None
    while maker is not None:
        yield maker.price, 0, 0, maker
        maker = next(makers, None)


def _left_of(state: ExchangeState, maker: Order, given: int = 0) -> int:
    """What a resting order still gives, after ``given`` was taken from its position by others on its side."""
    if not maker.closes:
        return maker.remaining
    room = execution.room_to_reduce(state.accounts[maker.account], maker) - given
    return max(0, min(maker.remaining, room))


def _meet(state: ExchangeState, market: SymbolMarket, taker: Order, maker: Order, wanted: int) -> int:
    """Trade with a resting order, or expire one of the two when both are of one account; return what was traded."""
    if taker.account == maker.account and taker.time_in_force != FOK:
        mode = taker.self_trade_prevention
        if mode in _GIVES_WAY:
            execution.end(state, maker, EXPIRED_IN_MATCH, SELF_TRADE)
        if mode in _STOPS:
            reason = IOC_SELF_TRADE if taker.time_in_force == IOC else SELF_TRADE
            execution.end(state, taker, EXPIRED_IN_MATCH, reason)
        if mode in _GIVES_WAY | _STOPS:
            return 0
    quantity = min(wanted, _left_of(state, maker))
    if quantity:
        price = maker.price
        to_maker = MarketReference(PEER, taker.order_id, 0, 0)
        to_taker = MarketReference(PEER, maker.order_id, 0, 0)
        # It is one trade, of whichever accounts: both sides are told of it under one id.
        number = execution.trade(state, market, maker, price, quantity, to_maker, is_maker=True)
        execution.trade(state, market, taker, price, quantity, to_taker, is_maker=False, number=number)
    return quantity


def _dispose(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> None:
    if order.closes and not execution.room_to_reduce(account, order):
        execution.end(state, order, EXPIRED, KNOCKED_OUT)
    elif order.type != LIMIT:
        execution.end(state, order, EXPIRED, MARKET_REMAINDER)
    elif order.time_in_force in RESTING:
        _queue_up(state, market, order)
    else:
        execution.end(state, order, EXPIRED, IOC_REMAINDER)


def _queue_up(state: ExchangeState, market: SymbolMarket, order: Order) -> None:
    """Let an order rest behind everything that stands at its price now."""
    state.counters.rank += 1
    order.rank = state.counters.rank
    order.queue_ahead = market.standing_at(order.side, order.price)
    market.rest(order)
    if order.good_till_ms:
        state.remember_date(order)
