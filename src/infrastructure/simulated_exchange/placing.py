"""Placing and cancelling orders in both stores, as the exchange's REST endpoints do it.

Every function checks first and changes afterwards: a refusal leaves everything as it was. Answers are the wire's
objects (see answers.py).
"""

from decimal import Decimal

from src.infrastructure.simulated_exchange import answers, checks, event_writer, execution, margin, taking
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import (
    CANCELED,
    GTC,
    GTX,
    IOC,
    MARKET,
    NO_EXPIRY,
    Account,
    AlgoOrder,
    Order,
    OrderRequest,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import to_decimal


def place(state: ExchangeState, account: Account, request: OrderRequest) -> Answer:
    """POST order: MARKET or LIMIT; what can trade at once does so before the answer."""
    checks.check_timestamp(state, request.timestamp, request.recv_window)
    market = state.market(request.symbol)
    checks.check_ordinary_shape(request)
    order = _checked_order(state, account, market, request)
    state.counters.order += 1
    order.order_id = state.counters.order
    order.client_order_id = request.client_order_id or f"auto-{order.order_id}"
    taking.enter(state, account, market, order)
    return answers.placed(order)


def _checked_order(
    state: ExchangeState, account: Account, market: SymbolMarket, request: OrderRequest
) -> Order:
    is_market = request.type == MARKET
    quantity = checks.checked_quantity(market, request.quantity or Decimal(0), is_market)
    price = 0 if request.price is None else checks.checked_price(market, request.price)
    checks.check_account(account, request)
    if request.client_order_id in account.order_ids:
        raise refusal(-4116)
    order = Order(
        order_id=0,
        account=account.number,
        symbol=request.symbol,
        client_order_id=request.client_order_id or "",
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force or GTC,
        quantity=quantity,
        price=price,
        reduce_only=request.reduce_only,
        position_side=request.position_side,
        created_ms=state.now_ms,
        updated_ms=state.now_ms,
    )
    if request.reduce_only:
        checks.check_reduce_only(account, order, rests=order.time_in_force != IOC and not is_market)
    else:
        checks.check_notional(market, quantity, price)
    if not is_market:
        checks.check_open_orders(account, market)
    checks.check_percent_price(market, request.side, price)
    if not request.reduce_only:
        margin.check_margin(state, account, market, request.side, quantity, price)
    if order.time_in_force == GTX and taking.would_take(market, request.side, price):
        raise refusal(-5022)
    return order


def place_algo(state: ExchangeState, account: Account, request: OrderRequest) -> Answer:
    """POST algoOrder: a conditional order; its margin is not looked at before its trigger."""
    checks.check_timestamp(state, request.timestamp, request.recv_window)
    market = state.market(request.symbol)
    checks.check_algo_shape(request)
    quantity = checks.checked_quantity(market, request.quantity or Decimal(0), is_market=True)
    trigger = checks.checked_price(market, request.trigger_price or Decimal(0))
    checks.check_account(account, request)
    if request.client_order_id in account.algo_ids:
        raise refusal(-4116)
    if len(account.algos) >= state.rules.algo_orders_max:
        raise refusal(-4045)
    algo = AlgoOrder(
        algo_id=state.counters.algo + 1,
        account=account.number,
        symbol=request.symbol,
        client_algo_id=request.client_order_id or f"auto-{state.counters.algo + 1}",
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force or GTC,
        quantity=quantity,
        trigger_price=trigger,
        working_type=request.working_type,
        reduce_only=request.reduce_only,
        position_side=request.position_side,
        created_ms=state.now_ms,
        updated_ms=state.now_ms,
    )
    if _is_due(market, algo):
        raise refusal(-2021)
    state.counters.algo += 1
    account.algos[algo.algo_id] = algo
    account.algo_ids[algo.client_algo_id] = algo
    market.triggers(algo.working_type).add(algo)
    state.changes.algos[algo.algo_id] = algo
    event_writer.tell_algo(state, algo)
    return answers.algo(algo)


def _is_due(market: SymbolMarket, algo: AlgoOrder) -> bool:
    """Whether the present price would trigger the order at once; no price known triggers nothing."""
    is_mark = market.triggers(algo.working_type) is market.mark_triggers
    price = market.stated_mark() if is_mark else market.last_price
    if price is None:
        return False
    trigger = to_decimal(algo.trigger_price)
    return price >= trigger if algo.rises else price <= trigger


def cancel(
    state: ExchangeState, account: Account, symbol: str, order_id: int | None, client_order_id: str | None
) -> Answer:
    """DELETE order, by either id; -2011 when no such order is open."""
    state.market(symbol)
    order = open_order(account, symbol, order_id, client_order_id)
    execution.end(state, order, CANCELED, NO_EXPIRY)
    return answers.placed(order)


def open_order(account: Account, symbol: str, order_id: int | None, client_order_id: str | None) -> Order:
    """The open order with one of these ids; -1102 without any id, -2011 when none is open."""
    if order_id is not None:
        order = account.orders.get(order_id)
    elif client_order_id:
        order = account.order_ids.get(client_order_id)
    else:
        raise refusal(-1102, "orderId")
    if order is None or order.symbol != symbol:
        raise refusal(-2011)
    return order


def cancel_all(state: ExchangeState, account: Account, symbol: str) -> Answer:
    """DELETE allOpenOrders: every open ordinary order of a symbol; conditional ones stay."""
    state.market(symbol)
    for order in [order for order in account.orders.values() if order.symbol == symbol]:
        execution.end(state, order, CANCELED, NO_EXPIRY)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def end_algo(state: ExchangeState, account: Account, algo: AlgoOrder, status: str) -> None:
    """End a waiting conditional order and tell of it."""
    state.markets[algo.symbol].triggers(algo.working_type).remove(algo)
    account.algos.pop(algo.algo_id)
    del account.algo_ids[algo.client_algo_id]
    algo.status = status
    algo.updated_ms = state.now_ms
    state.changes.algos[algo.algo_id] = algo
    event_writer.tell_algo(state, algo)


def cancel_algo(
    state: ExchangeState, account: Account, algo_id: int | None, client_algo_id: str | None
) -> Answer | None:
    """DELETE algoOrder, by either id; None when no such order waits (the caller knows of closed ones)."""
    if algo_id is not None:
        algo = account.algos.get(algo_id)
    elif client_algo_id:
        algo = account.algo_ids.get(client_algo_id)
    else:
        raise refusal(-1102, "algoId")
    if algo is None:
        return None
    end_algo(state, account, algo, CANCELED)
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "code": "200",
        "msg": "success",
    }


def cancel_all_algos(state: ExchangeState, account: Account, symbol: str) -> Answer:
    """DELETE algoOpenOrders: every waiting conditional order of a symbol."""
    state.market(symbol)
    for algo in [algo for algo in account.algos.values() if algo.symbol == symbol]:
        end_algo(state, account, algo, CANCELED)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}
