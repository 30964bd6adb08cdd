"""Changing a resting limit order, as PUT order does.

Price and total quantity are given anew. The order keeps its ids and loses its place in the queue. A quantity that
is executed already cancels it, and so does a post-only order's new price that would trade. From then on nothing
prevents it from trading with the account's own orders. Source: Modify-Order, and the FAQ on self-trade prevention.
"""

from dataclasses import dataclass
from decimal import Decimal

from src.infrastructure.simulated_exchange import answers, checks, event_writer, execution, margin, taking
from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.canceling import open_order
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import (
    AMENDMENT,
    CANCELED,
    GTX,
    LIMIT,
    NO_EXPIRY,
    NONE,
    Order,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import multiply, text


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order is changed to: its total quantity, and a price or, without one, where in the book it is found."""

    quantity: Decimal
    price: Decimal | None
    price_match: str = NONE


def modifiable(
    state: ExchangeState, account: Account, symbol: str, order_id: int | None, client_order_id: str | None
) -> Order:
    """The open order with one of these ids, if it can be changed (-2013, -5025, -5026)."""
    state.market(symbol)
    order = open_order(account, symbol, order_id, client_order_id, absent=-2013)
    if order.type != LIMIT:
        raise refusal(-5025)
    if order.modifications >= state.rules.modifications_max:
        raise refusal(-5026)
    return order


def modify(
    state: ExchangeState,
    account: Account,
    order: Order,
    wanted: Wanted,
    modify_id: int | None = None,
) -> Answer:
    """Give a resting order another price and total quantity; a refusal leaves it untouched.

    ``modify_id`` is the caller's own, and comes back in answer and event.
    """
    market = state.markets[order.symbol]
    if not market.is_trading:
        raise refusal(-5024)
    new_quantity = checks.checked_quantity(market, wanted.quantity, is_market=False)
    if wanted.price is not None:
        new_price = checks.checked_price(market, wanted.price)
    else:
        new_price = market.matched_price(order.side, wanted.price_match)
    if (new_quantity, new_price) == (order.quantity, order.price):
        raise refusal(-5027)
    crosses = order.time_in_force == GTX and taking.would_take(market, order.side, new_price)
    if new_quantity <= order.executed or crosses:
        execution.end(state, order, CANCELED, NO_EXPIRY)
        return answers.placed(order)
    _check(state, account, market, order, new_quantity, new_price)
    market.unrest(order)
    order.rank = 0
    order.quantity = new_quantity
    order.price = new_price
    order.price_match = wanted.price_match
    order.modifications += 1
    order.self_trade_prevention = NONE
    order.updated_ms = state.now_ms
    state.changes.orders[order.order_id] = order
    event_writer.tell_order(state, order, AMENDMENT, modify_id=modify_id)
    taking.work(state, account, market, order)
    return answers.placed(order) if modify_id is None else answers.placed(order) | {"modifyId": modify_id}


def _check(
    state: ExchangeState, account: Account, market: SymbolMarket, order: Order, quantity: int, price: int
) -> None:
    checks.check_percent_price(market, order.side, price)
    if order.closes:
        return
    if multiply(quantity, price) < market.rules.notional_min:
        raise refusal(-5029, text(market.rules.notional_min))
    replaced = multiply(order.price, order.remaining)
    margin.check_margin(state, account, market, order.side, quantity - order.executed, price, replaced)
