"""What happens when a conditional order's price comes: an ordinary order takes its place.

The new order has an id of its own and the conditional order's client id. What such an order would be refused for
(nothing to reduce, no margin, its client id in use, a limit that no filter allows) ends the conditional order as
REJECTED, with the reason.

Triggers of a symbol may hang, as they did on Binance's demo venue in October 2026: an order whose price comes is
TRIGGERING from then on, neither traded nor to be canceled, until it is let go.
"""

from decimal import Decimal

from src.infrastructure.simulated_exchange import canceling, event_writer, placing, taking
from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.errors import ExchangeError, refusal
from src.infrastructure.simulated_exchange.records import (
    GTC,
    LIMIT,
    MARKET,
    NONE,
    REJECTED,
    TRIGGERED,
    TRIGGERING,
    Order,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.triggers import TriggerBook
from src.infrastructure.simulated_exchange.units import SCALE, to_units


def fire_due(state: ExchangeState, market: SymbolMarket, triggers: TriggerBook, price: Decimal) -> None:
    """Let trailing stops follow ``price``, and trigger every order of ``triggers`` that it reaches, nearest first."""
    if not market.is_trading:
        return
    active, has_moved = triggers.follow(price)
    for algo in active:
        state.changes.algos[algo.algo_id] = algo
        event_writer.tell_algo(state, algo)
    if has_moved:
        state.has_trailed = True
    for algo in triggers.due(price):
        if not algo.is_open:
            continue
        if market.triggers_hang:
            _hang(state, triggers, algo)
        else:
            _fire(state, market, algo)


def let_hang(state: ExchangeState, market: SymbolMarket, hangs: bool) -> None:
    """Let what is triggered from now on hang, or let go of all that hangs, the oldest order first.

    In a halt nothing goes on; what is let go then does so at the first price after it.
    """
    market.triggers_hang = hangs
    state.changes.state = True
    symbol = market.rules.symbol
    every = [algo for account in state.accounts.values() for algo in account.algos.values()]
    stuck = [algo for algo in every if algo.symbol == symbol and algo.hangs]
    for algo in sorted(stuck, key=lambda one: one.algo_id):
        if not algo.hangs:
            continue
        triggers = market.triggers(algo.working_type)
        triggers.remove(algo)
        if not hangs and market.is_trading:
            _fire(state, market, algo)
        elif not hangs:
            triggers.add(algo)


def _hang(state: ExchangeState, triggers: TriggerBook, algo: AlgoOrder) -> None:
    triggers.remove(algo)
    algo.status = TRIGGERING
    algo.triggered_ms = algo.updated_ms = state.now_ms
    state.changes.algos[algo.algo_id] = algo
    event_writer.tell_algo(state, algo)


def _fire(state: ExchangeState, market: SymbolMarket, algo: AlgoOrder) -> None:
    account = state.accounts[algo.account]
    if not algo.hangs:
        algo.triggered_ms = state.now_ms
    try:
        child = _child_of(state, account, market, algo)
    except ExchangeError as no:
        algo.reject_reason = no.message
        canceling.end_algo(state, account, algo, REJECTED)
        return
    state.counters.order += 1
    child.order_id = algo.actual_order_id = state.counters.order
    state.end_algo(account, algo, TRIGGERED)
    account.triggered[algo.algo_id] = algo
    event_writer.tell_algo(state, algo)
    taking.enter(state, account, market, child)


def _child_of(state: ExchangeState, account: Account, market: SymbolMarket, algo: AlgoOrder) -> Order:
    price = algo.price
    if algo.price_match != NONE:
        price = market.matched_price(algo.side, algo.price_match)
    held = abs(account.quantity(algo.symbol, algo.position_side))
    child = Order(
        order_id=0,
        account=algo.account,
        symbol=algo.symbol,
        client_order_id=algo.client_algo_id,
        side=algo.side,
        type=LIMIT if algo.has_limit else MARKET,
        time_in_force=algo.time_in_force if algo.has_limit else GTC,
        quantity=held if algo.close_position else algo.quantity,
        price=price,
        reduce_only=algo.reduce_only or (algo.close_position and not account.is_hedged),
        position_side=algo.position_side,
        created_ms=state.now_ms,
        updated_ms=state.now_ms,
        algo_id=algo.algo_id,
        good_till_ms=algo.good_till_ms,
        price_match=algo.price_match,
        self_trade_prevention=algo.self_trade_prevention,
        close_position=algo.close_position,
    )
    _check(state, account, market, algo, child)
    return child


def _check(
    state: ExchangeState, account: Account, market: SymbolMarket, algo: AlgoOrder, child: Order
) -> None:
    if child.client_order_id in account.order_ids:
        raise refusal(-4116)
    if algo.price_protect and _is_far_apart(state, market):
        raise ExchangeError(-4131, "last and mark price are too far apart for priceProtect")
    placing.check_trigger(state, account, market, child)


def _is_far_apart(state: ExchangeState, market: SymbolMarket) -> bool:
    mark, last = market.mark(), market.last_price
    if last is None or not mark:
        return False
    return abs(to_units(last) - mark) * SCALE > mark * to_units(state.rules.trigger_protect)
