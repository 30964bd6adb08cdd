"""Placing orders in both stores, as the exchange's REST endpoints do it.

Every function checks first and changes afterwards: a refusal leaves everything as it was. Answers are the wire's
objects (see answers.py).
"""

from decimal import Decimal

from src.infrastructure.simulated_exchange import (
    answers,
    checks,
    event_writer,
    execution,
    margin,
    shapes,
    taking,
)
from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.algo_orders import LIMITED, AlgoOrder
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import (
    BUY,
    FOK,
    GTC,
    GTX,
    MARKET,
    NONE,
    RESTING,
    Order,
    OrderRequest,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import to_units


def place(state: ExchangeState, account: Account, request: OrderRequest) -> Answer:
    """POST order: MARKET or LIMIT; what can trade at once does so before the answer."""
    checks.check_timestamp(state, request.timestamp, request.recv_window)
    market = state.market(request.symbol)
    shapes.check_ordinary_shape(state, request)
    order = _checked_order(state, account, market, request)
    state.counters.order += 1
    order.order_id = state.counters.order
    order.client_order_id = request.client_order_id or f"auto-{order.order_id}"
    taking.enter(state, account, market, order)
    return answers.placed(order)


def check_request(state: ExchangeState, request: OrderRequest) -> None:
    """POST order/test: whether an order for the ordinary store is well-formed, whatever account and market are like."""
    market = state.market(request.symbol)
    shapes.check_ordinary_shape(state, request)
    checks.checked_quantity(market, request.quantity or Decimal(0), request.type == MARKET)
    if request.price is not None:
        checks.checked_price(market, request.price)


def _checked_order(
    state: ExchangeState, account: Account, market: SymbolMarket, request: OrderRequest
) -> Order:
    is_market = request.type == MARKET
    quantity = checks.checked_quantity(market, request.quantity or Decimal(0), is_market)
    price = 0
    if request.price is not None:
        price = checks.checked_price(market, request.price)
    elif request.price_match != NONE:
        price = market.matched_price(request.side, request.price_match)
    checks.check_trading(market)
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
        good_till_ms=request.good_till_ms,
        price_match=request.price_match,
        self_trade_prevention=request.self_trade_prevention,
    )
    _check_entry(state, account, market, order)
    return order


def check_trigger(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> None:
    """Whether account and market let the order in that a trigger makes."""
    if not order.closes:
        margin.check_margin(state, account, market, order.side, order.quantity, order.price)
    elif not execution.room_to_reduce(account, order):
        raise refusal(-2022)
    if order.type != MARKET:
        checks.check_open_orders(account, market)
        checks.check_percent_price(market, order.side, order.price)
    _check_at_once(state, account, market, order)


def _check_entry(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> None:
    is_market = order.type == MARKET
    if order.closes:
        checks.check_reduce_only(account, order, rests=order.time_in_force in RESTING and not is_market)
    else:
        checks.check_notional(market, order.quantity, order.price)
    if not is_market:
        checks.check_open_orders(account, market)
    checks.check_percent_price(market, order.side, order.price)
    if not order.closes:
        margin.check_margin(state, account, market, order.side, order.quantity, order.price)
    _check_at_once(state, account, market, order)


def _check_at_once(state: ExchangeState, account: Account, market: SymbolMarket, order: Order) -> None:
    """Post-only must not trade at once (-5022), fill-or-kill must, whole (-5021); neither leaves a record."""
    if order.time_in_force == GTX and taking.would_take(market, order.side, order.price):
        raise refusal(-5022)
    if order.time_in_force == FOK and not taking.can_fill(state, account, market, order):
        raise refusal(-5021)


def place_algo(state: ExchangeState, account: Account, request: OrderRequest) -> Answer:
    """POST algoOrder: a conditional order; its margin is not looked at before its trigger."""
    checks.check_timestamp(state, request.timestamp, request.recv_window)
    market = state.market(request.symbol)
    shapes.check_algo_shape(state, request)
    algo = _checked_algo(state, account, market, request)
    state.counters.algo += 1
    account.algos[algo.algo_id] = algo
    account.algo_ids[algo.client_algo_id] = algo
    market.triggers(algo.working_type).add(algo)
    state.changes.algos[algo.algo_id] = algo
    event_writer.tell_algo(state, algo)
    if algo.is_trailing:
        start_following(state, market, algo)
    return answers.algo(algo)


def start_following(state: ExchangeState, market: SymbolMarket, algo: AlgoOrder) -> None:
    """Show a new trailing stop the present price, which may make it active at once."""
    price = market.working_price(algo.working_type)
    if price is not None:
        for active in market.triggers(algo.working_type).follow(price)[0]:
            event_writer.tell_algo(state, active)


def _checked_algo(
    state: ExchangeState, account: Account, market: SymbolMarket, request: OrderRequest
) -> AlgoOrder:
    quantity = 0
    if not request.close_position:
        is_market = request.type not in LIMITED
        quantity = checks.checked_quantity(market, request.quantity or Decimal(0), is_market)
    trigger, price, activate = [
        0 if value is None else checks.checked_price(market, value)
        for value in (request.trigger_price, request.price, request.activate_price)
    ]
    checks.check_trading(market)
    checks.check_account(account, request)
    if request.client_order_id in account.algo_ids:
        raise refusal(-4116)
    if len(account.algos) >= state.rules.algo_orders_max:
        raise refusal(-4045)
    number = state.counters.algo + 1
    algo = AlgoOrder(
        algo_id=number,
        account=account.number,
        symbol=request.symbol,
        client_algo_id=request.client_order_id or f"auto-{number}",
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
        price=price,
        close_position=request.close_position,
        price_protect=request.price_protect,
        activate_price=activate,
        callback_rate=to_units(request.callback_rate or Decimal(0)),
        good_till_ms=request.good_till_ms,
        price_match=request.price_match,
        self_trade_prevention=request.self_trade_prevention,
    )
    if algo.close_position:
        checks.check_closing(account, algo)
    if _is_due(market, algo):
        raise refusal(-2021)
    return algo


def _is_due(market: SymbolMarket, algo: AlgoOrder) -> bool:
    """Whether the present price would trigger the order at once, or is beyond a trailing stop's activation already.

    No price known triggers nothing.
    """
    price = market.working_price(algo.working_type)
    if price is None:
        return False
    units = to_units(price)
    if not algo.is_trailing:
        return algo.is_due(units)
    if not algo.activate_price:
        return False
    return units <= algo.activate_price if algo.side == BUY else units >= algo.activate_price
