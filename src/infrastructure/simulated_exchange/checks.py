"""What a request must satisfy before it may change anything, in the order in which the exchange checks it.

Symbol (-1121), type (-4120, -1116) and shape first, then precision (-1111) and filters, then what depends on the
account: position side, ids, reduce-only, notional, counts, prices, margin. The exchange never rounds; it refuses.
"""

from decimal import Decimal

from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.errors import (
    AHEAD_OF_SERVER,
    OUTSIDE_WINDOW,
    ExchangeError,
    refusal,
)
from src.infrastructure.simulated_exchange.execution import room_to_reduce
from src.infrastructure.simulated_exchange.records import (
    BOTH,
    BUY,
    LONG,
    SELL,
    SHORT,
    Order,
    OrderRequest,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import CLOSED_STATUSES, SymbolMarket
from src.infrastructure.simulated_exchange.units import is_representable, multiply, text, to_units


def check_timestamp(state: ExchangeState, timestamp: int, recv_window: int) -> None:
    """Refuse what comes too late or from the future, by engine time (-1021)."""
    if timestamp >= state.now_ms + state.rules.clock_lead_ms:
        raise ExchangeError(-1021, AHEAD_OF_SERVER)
    if state.now_ms - timestamp > min(recv_window, state.rules.recv_window_max_ms):
        raise ExchangeError(-1021, OUTSIDE_WINDOW)


def check_account(account: Account, request: OrderRequest) -> None:
    """The position side must fit the position mode; in hedge mode it says whether an order reduces (-1106)."""
    if request.position_side not in (BOTH, LONG, SHORT):
        raise refusal(-4060)
    if (request.position_side != BOTH) is not account.is_hedged:
        raise refusal(-4061)
    if account.is_hedged and request.reduce_only:
        raise refusal(-1106, "reduceonly")


def check_trading(market: SymbolMarket) -> None:
    """New orders only while the symbol trades (-4140); none at all when it is closed (-4141)."""
    if market.is_trading:
        return
    raise refusal(-4141 if market.status in CLOSED_STATUSES else -4140)


def checked_quantity(market: SymbolMarket, quantity: Decimal, is_market: bool) -> int:
    """The quantity in units, if precision and the lot size allow it."""
    rules = market.rules
    amount = checked_precision(quantity, rules.quantity_digit)
    if amount <= 0:
        raise refusal(-4003)
    if amount < rules.quantity_min:
        raise refusal(-4004)
    if amount > (rules.market_quantity_max if is_market else rules.quantity_max):
        raise refusal(-4005)
    if rules.step and amount % rules.step:
        raise refusal(-4023)
    return amount


def checked_price(market: SymbolMarket, price: Decimal) -> int:
    """A limit or trigger price in units, if precision and the price filter allow it."""
    rules = market.rules
    amount = checked_precision(price, rules.price_digit)
    if amount <= 0:
        raise refusal(-4001)
    if amount < rules.price_min:
        raise refusal(-4013)
    if amount > rules.price_max:
        raise refusal(-4002)
    if rules.tick and (amount - rules.price_min) % rules.tick:
        raise refusal(-4014)
    return amount


def checked_precision(value: Decimal, digit: int) -> int:
    """The value in units, unless it has more decimals than the symbol knows (-1111)."""
    if not is_representable(value):
        raise refusal(-1111)
    amount = to_units(value)
    if amount % digit:
        raise refusal(-1111)
    return amount


def check_reduce_only(account: Account, order: Order, rests: bool) -> None:
    """A closing order must have something to reduce (-2022), beside what already waits to reduce it (-4118)."""
    room = room_to_reduce(account, order)
    if room == 0:
        raise refusal(-2022)
    if rests:
        waiting = sum(
            other.remaining
            for other in account.orders.values()
            if other.closes and other.symbol == order.symbol and other.side == order.side
        )
        if waiting >= room:
            raise refusal(-4118)


def check_closing(account: Account, algo: AlgoOrder) -> None:
    """An order that closes the position needs one (-4509), and is the only one of its kind and side (-4130)."""
    held = account.quantity(algo.symbol, algo.position_side)
    if (held >= 0) if algo.side == BUY else (held <= 0):
        raise refusal(-4509)
    for other in account.algos.values():
        same = (other.symbol, other.side, other.type, other.position_side)
        if other.close_position and same == (algo.symbol, algo.side, algo.type, algo.position_side):
            raise refusal(-4130)


def check_notional(market: SymbolMarket, quantity: int, price: int) -> None:
    """The smallest notional (-4164); a market order, ``price`` 0, counts at the mark price, once there is one."""
    reference = price or market.mark()
    if reference and multiply(quantity, reference) < market.rules.notional_min:
        raise refusal(-4164, text(market.rules.notional_min))


def check_open_orders(account: Account, market: SymbolMarket) -> None:
    """The largest number of open orders of a symbol (-2025)."""
    symbol = market.rules.symbol
    if sum(order.symbol == symbol for order in account.orders.values()) >= market.rules.orders_max:
        raise refusal(-2025)


def check_percent_price(market: SymbolMarket, side: str, price: int) -> None:
    """How far from the mark price an order may reach, on the side that would overpay (-4016, -4024, -4131).

    A market order, ``price`` 0, is judged by the best price it would meet; without one it cannot be filled.
    """
    mark = market.mark()
    highest = multiply(mark, market.rules.percent_up)
    lowest = multiply(mark, market.rules.percent_down)
    met = price or market.best_opposite(side)
    if not met:
        raise refusal(-4131)
    if mark and side == BUY and met > highest:
        raise refusal(-4016, text(highest)) if price else refusal(-4131)
    if mark and side == SELL and met < lowest:
        raise refusal(-4024, text(lowest)) if price else refusal(-4131)
